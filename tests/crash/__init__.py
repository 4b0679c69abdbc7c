"""An apply ended at every boundary, and its recovery at every boundary again.

`PYTHONPATH=tests python -m crash` runs all of them; the test suite a part.
"""
