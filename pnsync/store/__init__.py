"""How what pnsync did is kept: locked, loaded, recorded, folded, over any backend."""
