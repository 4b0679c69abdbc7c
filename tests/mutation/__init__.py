"""Small faults put into a module one by one: the tests must notice every one that can be noticed.

`python -m tests.mutation` makes them with mutmut, runs the tests of the module on each, and prints a table.
"""
