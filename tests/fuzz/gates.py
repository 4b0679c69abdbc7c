"""A reader with gates one behind the other, for the test of what notices that one is passed."""


def passed(data: bytes) -> int:
    """How many gates an input passes."""
    if not data.startswith(b"a"):
        return 0
    if not data.startswith(b"ab"):
        return 1
    if not data.startswith(b"abc"):
        return 2
    return 3
