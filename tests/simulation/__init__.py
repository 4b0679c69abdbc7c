"""Whole histories of the real program under one seed: clock, vendors, network, disk and scheduler are simulated.

`python -m tests.simulation --seed N` repeats one history, `--seconds S` runs as many as fit and prints figures.
"""
