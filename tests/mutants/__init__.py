"""Wrong versions of the protocol, each a small patch of the source: a test and the simulation must catch every one.

`PYTHONPATH=tests python -m mutants` makes them one after the other and prints what caught each (docs/mutants.md).
"""
