"""The command line: the program, one file per family of commands, and the composition root in session.py."""

VERSION = "0.1.0"
"""The program's version, kept here as a constant because looking it up costs more than `pnsync version` may."""
