"""What a state holds, in lines: what is open is told as what it is."""

from dataclasses import replace

from pnsync.masking import Masker
from pnsync.plan import instant
from pnsync.render.inventory import state_document, state_text
from pnsync.state import Standing
from tests.worlds import LINEAGE, NOW, attempt, axb, bound, pending, state

ORDER = axb("order")


def shown(standing: Standing) -> str:
    """The text of a state with one attempt that stands so."""
    known = state(bound(ORDER), pending=pending(attempt(ORDER), standing=standing))
    document = state_document(replace(known, serial=8122), Masker(b"k" * 32, LINEAGE))
    return state_text(document, instant(NOW))


def test_only_what_waits_for_a_listing_is_told_as_open() -> None:
    """A bind that was answered, and kept in mind for its echo, is no bind of unknown outcome."""
    for standing in (Standing.OPEN, Standing.UNKNOWN):
        assert "bindings.order  bind of unknown outcome; a listing tells after" in shown(standing)
    assert "bind refused, and perhaps done all the same; a listing tells after" in shown(Standing.DOUBTFUL)
    for standing in (Standing.ECHO, Standing.REFUSED):
        assert "a listing tells" not in shown(standing)


def test_the_serial_is_told_as_in_every_other_output() -> None:
    assert shown(Standing.ECHO).endswith(" serial 8,122")
