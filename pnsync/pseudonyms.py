"""The key that a state's pseudonyms and fingerprints are made with, and its people as they are shown under it."""

from pnsync.masking import Masker, new_key
from pnsync.state import State
from pnsync.statefile.phonecodec import SECRET_NOTE


def pseudonym_key(state: State | None) -> bytes:
    """The state's own key; without a state one of this run, so that its pseudonyms mean nothing elsewhere."""
    found = None if state is None else state.notes.get(SECRET_NOTE)
    return new_key() if found is None else bytes.fromhex(found)


def masker_of(state: State | None) -> Masker:
    """Shows the people of a state, masked."""
    return Masker(pseudonym_key(state), "" if state is None else state.lineage)
