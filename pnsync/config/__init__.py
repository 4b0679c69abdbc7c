"""Documents -> `Desired`: what the files declare, checked, every diagnostic with its place; home of pydantic.

`load` reads a folder, `load_source` anything else. `PAGES` explains every code that is reported here.
"""

from pnsync.config.loading import load, load_source

__all__ = ["load", "load_source"]
