"""The rules that cover for others, and how each is switched off."""

from .mutant import Layer

STRAYS = Layer(
    "adoption by client id",
    (
        (
            "recovery.py",
            "        prefix = name_space(self.state.lineage)\n        if prefix is None:",
            "        prefix = None\n        if prefix is None:",
        ),
    ),
)
QUARANTINE = Layer(
    "quarantine",
    (
        (
            "state.py",
            "return {one.intent.address: one for one in self.pending.values() if one.blocks}",
            "return {}",
        ),
    ),
)
ECHO = Layer(
    "memory of what took effect",
    (("journal.py", "if nameless and intent.adoptable_until >= at + 1:", "if False:"),),
)
LATE = Layer(
    "adoption of what comes late",
    (("recovery.py", "if listing.started_at >= intent.adoptable_until:", "if True:"),),
)
CHECK = Layer(
    "look at the lock before a call",
    (("store.py", "        if not self._lock.still_held():\n", "        if False:\n"),),
)
WRITER = Layer(
    "look at the lock in a write",
    (
        (
            "backends/local.py",
            "return self._lock is not None and not self._lock.released and not self._lock.still_held()",
            "return False",
        ),
    ),
)
SLOT = Layer(
    "one record a slot",
    (
        (
            "backends/local.py",
            "            if self._last and seq != self._last + 1:\n",
            "            if False:\n",
        ),
    ),
)
GHOSTS = Layer(
    "memory of what was unbound",
    (("journal.py", "        self.unbound[key] = at\n        if self", "        if self"),),
)
STAMPS = Layer(
    "latest time stamp",
    (
        (
            "providers/calls.py",
            "            if self.time.latest() > latest_at or now < signed_at - EARLIER_SECONDS:\n                break\n",
            "",
        ),
    ),
)
ROWS = Layer(
    "whose a listed row is",
    (
        (
            "matching.py",
            "        if row is not None and same_identity(row, entry):\n",
            "        if row is not None:\n",
        ),
    ),
)
DEADLINE = Layer(
    "seconds after a signal",
    (
        (
            "starting.py",
            "        if progress.deadline is not None and self.clock.monotonic() >= progress.deadline:\n",
            "        if False:\n",
        ),
    ),
)
FIRST_FAILURE = Layer(
    "memory of a failed write",
    (
        ("store.py", "            self._broken = error\n            raise\n", "            raise\n"),
        ("backends/folder.py", "            self._failed = True\n", ""),
    ),
)
