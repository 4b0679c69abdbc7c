"""How a state and its journal are written, read and, where they are damaged, refused."""
