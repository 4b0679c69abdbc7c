"""The mutants: what a protocol that is nearly right would do, as replacements in the source.

A mutant that other layers cover for stands twice: alone, and with those layers off (`+` in its name).
"""

from dataclasses import dataclass

Patch = tuple[str, str, str]
"""A file of pnsync/, what stands there exactly once, and what stands there in the mutant."""


@dataclass(frozen=True)
class Mutant:
    """One wrong version. `covered` says which other layer keeps the promise when it is alone."""

    name: str
    patches: tuple[Patch, ...]
    covered: str = ""


APPLY, OUTCOMES, LOCAL, RECOVERY, JOURNAL = (
    "apply/applying.py",
    "apply/outcomes.py",
    "backends/local.py",
    "recovery.py",
    "journal.py",
)

NO_STRAYS: Patch = (
    RECOVERY,
    "        prefix = name_space(self.state.lineage)\n        if prefix is None:",
    "        prefix = None\n        if prefix is None:",
)
NO_BLOCKING: Patch = (
    "state.py",
    "return {one.intent.address: one for one in self.pending.values() if one.blocks}",
    "return {}",
)
NO_ECHO: Patch = (JOURNAL, "if nameless and intent.adoptable_until >= at + 1:", "if False:")
NO_CHECK: Patch = ("store/store.py", "        if not self._lock.still_held():\n", "        if False:\n")
NO_WINDOW: Patch = (
    RECOVERY,
    "if not listing.stable or listing.started_at < intent.not_before:",
    "if not listing.stable:",
)
NEVER_LATE: Patch = (RECOVERY, "if listing.started_at >= intent.adoptable_until:", "if True:")

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "call before its intent is durable",
        (
            (
                APPLY,
                "            self.session.check()\n            self._write()\n        return (None",
                "            self.session.check()\n        return (None",
            ),
        ),
    ),
    Mutant(
        "no fsync of the intent",
        (
            (
                LOCAL,
                "            self._disk.fdatasync(fd)\n            self._left =",
                "            self._left =",
            ),
        ),
    ),
    Mutant(
        "outcome written before the answer",
        (
            (
                APPLY,
                "        self.flying.add(ticket)\n        self.tally.calls += 1\n",
                "        if step.unbinds is not None:\n"
                "            self.session.record(Closed(intent.attempt, Applied(), int(self.clock.now())))\n"
                "        self.flying.add(ticket)\n        self.tally.calls += 1\n",
            ),
        ),
    ),
    Mutant(
        "error = failure",
        (
            (
                JOURNAL,
                "                self.pending[attempt] = Pending(pending.intent, Standing.UNKNOWN, reason, code, request_id)\n",
                "                del self.pending[attempt]\n",
            ),
        ),
    ),
    Mutant(
        "error = failure + no adoption",
        (
            (
                JOURNAL,
                "                self.pending[attempt] = Pending(pending.intent, Standing.UNKNOWN, reason, code, request_id)\n",
                "                del self.pending[attempt]\n",
            ),
            NO_STRAYS,
        ),
    ),
    Mutant("no window", (NO_WINDOW,)),
    Mutant("no window + no adoption", (NO_WINDOW, NEVER_LATE, NO_STRAYS)),
    Mutant(
        "no client id at NXCloud",
        (("apply/attempts.py", "    if provider.capabilities.client_ids:\n", "    if False:\n"),),
    ),
    Mutant(
        "no fence: a broken lock is not noticed",
        (NO_CHECK,),
        covered="the writer looks for its lock at each record",
    ),
    Mutant(
        "no fence at all",
        (
            NO_CHECK,
            (
                LOCAL,
                "return self._lock is not None and not self._lock.released and not self._lock.still_held()",
                "return False",
            ),
            (
                LOCAL,
                "            if self._last and seq != self._last + 1:\n",
                "            if False:\n",
            ),
        ),
    ),
    Mutant(
        "lock ignored",
        ((LOCAL, "if not self._disk.flock(fd) or not lock.still_held():", "if False:"),),
    ),
    Mutant(
        "gone is not gated",
        (
            (
                "planner/findings.py",
                "        if listing.started_at >= visible_from:\n            return False\n",
                "        return False\n",
            ),
        ),
    ),
    Mutant(
        "any binding of the pair is adopted",
        (
            (
                RECOVERY,
                "        if self._taken(row) or row.bind_id in intent.known_ids:\n            return False\n",
                "        if self._taken(row):\n            return False\n        if row.bind_id:\n            return True\n",
            ),
        ),
    ),
    Mutant(
        "signed again after a pause",
        (
            (
                "providers/http.py",
                "        return max(wall, monotonic) <= SIGNATURE_SECONDS",
                "        return True or max(wall, monotonic) <= SIGNATURE_SECONDS",
            ),
            (
                "providers/calls.py",
                "            if self.time.latest() > latest_at:\n                break\n",
                "",
            ),
        ),
    ),
    Mutant("no quarantine of an address", (NO_BLOCKING,)),
    Mutant("no adoption by client id", (NO_STRAYS,)),
    Mutant(
        "unbind by pair instead of id",
        (
            (
                "apply/attempts.py",
                "        bind_id=None if step.unbinds is None else step.unbinds.bind_id,\n",
                "        bind_id=None if step.unbinds is None else next((row.bind_id for row in listed if (row.phone_a, row.phone_b)"
                " == (step.unbinds.phone_a, step.unbinds.phone_b)), step.unbinds.bind_id),\n",
            ),
        ),
    ),
    Mutant(
        "unbind without a fresh listing",
        (
            (
                APPLY,
                "            self.batch.flush()\n            began = self.clock.monotonic()\n",
                "            return self.proofs.show(step.unbinds)\n            began = self.clock.monotonic()\n",
            ),
        ),
    ),
    Mutant(
        "blind retry on a time-out",
        (
            (
                OUTCOMES,
                "        self.telling.uncertain(index, intent, unknown.reason)\n",
                "        if progress.tries[index] < 2:\n            self.again(index)\n            return\n"
                "        self.telling.uncertain(index, intent, unknown.reason)\n",
            ),
        ),
    ),
    Mutant(
        "-35 taken as success",
        (
            (
                OUTCOMES,
                "        now = int(self.clock.now())\n        self.batch.add(Closed(",
                "        if isinstance(outcome, Refused) and outcome.vendor_code == '-35':\n"
                "            outcome = Applied('1')\n"
                "        now = int(self.clock.now())\n        self.batch.add(Closed(",
            ),
        ),
    ),
    Mutant(
        "X and extension released before the unbind's outcome",
        (
            (
                "planner/ordering.py",
                "        if other in outside or other not in placed:\n            continue\n",
                "        if other not in outside or True:\n            continue\n",
            ),
        ),
    ),
    Mutant(
        "a number printed unmasked once",
        (
            (
                "plan.py",
                "    if isinstance(value, Phone):\n        return masker.show(value)\n",
                "    if isinstance(value, Phone):\n        return value.digits\n",
            ),
        ),
    ),
    Mutant("a second delivery is forgotten", (NO_ECHO,)),
    Mutant(
        "attempts are counted anew when a run plans again",
        ((APPLY, "ticket = next(self.tally.tickets)", "ticket = len(self.step_of_ticket)"),),
    ),
    Mutant(
        "a generation is used twice",
        (("state.py", "return max(*used, self.generation_base) + 1", "return 1"),),
    ),
    Mutant(
        "calls go on after a storage error",
        (
            (
                "apply/batch.py",
                "            self._session.record(*events)\n",
                "            try:\n                self._session.record(*events)\n            except Exception:\n                pass\n",
            ),
            (
                APPLY,
                "            self.session.check()\n            self._write()\n",
                "            self._write()\n",
            ),
            (APPLY, "                self.session.check()\n", "                pass\n"),
        ),
    ),
    Mutant(
        "a torn record is not cut off",
        ((LOCAL, "            self._disk.truncate(fd, scan.end)\n", ""),),
    ),
    Mutant(
        "no fsync of the snapshot",
        (
            (
                "backends/folder.py",
                "            self._disk.fsync(fd)\n        except OSError:",
                "        except OSError:",
            ),
        ),
    ),
    Mutant(
        "no fsync of the folder after a rename",
        (
            (
                "backends/folder.py",
                "        self._disk.rename(temporary, path)\n        self.sync()\n",
                "        self._disk.rename(temporary, path)\n",
            ),
        ),
    ),
    Mutant(
        "the journal is dropped before the snapshot holds it",
        (
            (
                "store/store.py",
                "        self._version = self._write_over(state)\n        self._base = self._state = state\n",
                "        self._store.backend.drop(through)\n        self._version = self._write_over(state)\n"
                "        self._base = self._state = state\n",
            ),
        ),
    ),
    Mutant(
        "an absence in one scan is believed",
        (
            ("model.py", "        return self.scans >= 2 and not self.problems", "        return True"),
            (
                "workflow.py",
                "            observed = read_listings(world, state, scans=2)\n        self._look()",
                "            observed = read_listings(world, state, scans=1)\n        self._look()",
            ),
        ),
    ),
    Mutant(
        "a ghost of a lagging listing is taken for an outcome",
        (
            (
                RECOVERY,
                "            rows = [row for row in rows if told or row.bind_id not in self.state.unbound]\n",
                "",
            ),
        ),
    ),
    Mutant(
        "two candidates, and the first is taken",
        ((RECOVERY, "            if len(rows) > 1 or (rows and answered):\n", "            if False:\n"),),
    ),
    Mutant(
        "the second half of a change waits for the end of a signal",
        (("apply/progress.py", "        return step.finishes and any(", "        return False and any("),),
    ),
)
