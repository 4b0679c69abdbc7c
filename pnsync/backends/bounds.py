"""How much a place may make a run hold in memory: whoever can write there can stop a run, and no more."""

from typing import Final

LIMIT_BYTES: Final = 512 * 1024 * 1024
"""Of one document or record, looked at before it is read; a state of a million bindings takes about as much."""
