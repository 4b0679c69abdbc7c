"""Wrong versions of the protocol, each a small patch of the source: the histories must catch every one.

`PYTHONPATH=tests python -m mutants` makes them one after the other and prints what caught each.
"""
