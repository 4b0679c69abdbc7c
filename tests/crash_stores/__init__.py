"""An apply on a real server, ended or disturbed at every call that it makes to the place of its state.

`PYTHONPATH=tests python -m crash_stores postgres` (or `object`, `git`) runs all of them; the test suite a part.
"""
