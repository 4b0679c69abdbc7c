"""One state in parts, for several runs at once."""
