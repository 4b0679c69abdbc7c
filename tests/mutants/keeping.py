"""Mutants of the keeping of the state: what is durable when, who may write, and which file is the present one."""

from .layers import CHECK, SLOT, WRITER
from .mutant import RULES, Mutant

STORE, LOCAL, FOLDER, HISTORY, LEASE = (
    "store.py",
    "backends/local.py",
    "backends/folder.py",
    "history.py",
    "lease.py",
)
_POLITE = "the simulated state lies on a local disk; and the lease saves waiting, what keeps two runs apart is the log"

KEEPING = (
    Mutant(
        "no fsync of the intent",
        (
            (
                LOCAL,
                "            self._disk.fdatasync(fd)\n            self._left =",
                "            self._left =",
            ),
        ),
        tests=("tests/test_store_power.py",),
        shown=(0,),
    ),
    Mutant(
        "lock ignored",
        ((LOCAL, "if not self._disk.flock(fd) or not lock.still_held():", "if False:"),),
        tests=("tests/test_store.py",),
        shown=(f"{RULES}::test_two_applies_never_work_at_one_state",),
    ),
    Mutant(
        "a slot is taken twice",
        (*SLOT.patches, *WRITER.patches),
        tests=("tests/test_store_sessions.py", "tests/test_store.py"),
        off=(CHECK,),
        shown=(f"{RULES}::test_a_run_whose_lock_was_broken_makes_no_further_call",),
    ),
    Mutant(
        "a torn record is not cut off",
        ((LOCAL, "            self._disk.truncate(fd, scan.end)\n", ""),),
        tests=("tests/test_store.py", "tests/test_store_power.py"),
        shown=(7,),
    ),
    Mutant(
        "damage in the middle is cut off like a torn end",
        (("record.py", "    if _good_behind(data, position):\n", "    if False:\n"),),
        tests=("tests/test_record.py",),
        unseen="the simulated disk tears ends only; the tests named flip every bit",
    ),
    Mutant(
        "checksums are not compared",
        (("record.py", "    if _checksum(seq, head[4], body) != int(head[3], 16):\n", "    if False:\n"),),
        tests=("tests/test_record.py",),
        unseen="the simulated disk tears ends only; the tests named flip every bit",
    ),
    Mutant(
        "no fsync of the snapshot",
        ((FOLDER, "            self._disk.fsync(fd)\n        except OSError:", "        except OSError:"),),
        tests=("tests/test_store_power.py",),
        shown=(0,),
    ),
    Mutant(
        "the snapshot is renamed before it is synced",
        (
            (FOLDER, "            self._disk.fsync(fd)\n        except OSError:", "        except OSError:"),
            (
                FOLDER,
                "        self._disk.rename(temporary, path)\n        self.sync()\n",
                "        self._disk.rename(temporary, path)\n        self.sync()\n"
                "        again = self._disk.open(path, os.O_RDONLY)\n        self._disk.fsync(again)\n"
                "        self._disk.close(again)\n",
            ),
        ),
        tests=("tests/test_store_power.py",),
        shown=(0,),
    ),
    Mutant(
        "no fsync of the folder after a rename",
        (
            (
                FOLDER,
                "        self._disk.rename(temporary, path)\n        self.sync()\n",
                "        self._disk.rename(temporary, path)\n",
            ),
        ),
        tests=("tests/test_store_power.py",),
        shown=(18,),
    ),
    Mutant(
        "the journal is dropped before the snapshot holds it",
        (
            (
                STORE,
                "        self._version = self._write_over(state)\n        self._base = self._state = state\n",
                "        self._store.backend.drop(through)\n        self._version = self._write_over(state)\n"
                "        self._base = self._state = state\n",
            ),
        ),
        tests=("tests/test_store_power.py",),
        shown=(5,),
    ),
    Mutant(
        "a sync that failed is tried again",
        ((FOLDER, "            self._failed = True\n", ""),),
        tests=(
            "tests/test_store_faults.py::test_a_backend_that_failed_writes_no_more_even_without_a_session",
        ),
        unseen="the error ends its run all the same; a second sync that succeeds would only look like durability",
    ),
    Mutant(
        "no room is reserved",
        (
            (
                "workflow.py",
                "            session.reserve(RESERVED_BYTES + found.calls * CALL_BYTES)\n",
                "            pass\n",
            ),
        ),
        unseen="a disk that fills up ends the run between two calls, which loses nothing",
    ),
    Mutant(
        "an older snapshot is taken for the present one",
        (
            (
                HISTORY,
                "            if number != head.seq + 1:\n                raise self._gap(state, one)\n",
                "",
            ),
            (HISTORY, "            if not framing.follows(one, head.hash):\n", "            if False:\n"),
        ),
        tests=("tests/test_store_refusals.py",),
        shown=(f"{RULES}::test_an_older_state_file_is_not_taken_for_the_present_one",),
    ),
    Mutant(
        "what was approved is not compared",
        (("workflow.py", "        compare(self.approved, found, fresh, keys)\n", ""),),
        shown=(f"{RULES}::test_what_was_not_approved_is_not_done",),
    ),
    Mutant(
        "a contender trusts a wall clock",
        (
            (
                LEASE,
                "asked - watched[1] >= TTL_SECONDS:",
                "clock.now() - terms.holder.since >= TTL_SECONDS:",
            ),
        ),
        tests=("tests/test_lease.py",),
        unseen=_POLITE,
    ),
    Mutant(
        "a holder goes on that could not renew its lease",
        (
            (
                LEASE,
                "return not self._lost and self._clock.monotonic() - self._confirmed < CONFIRMED_SECONDS",
                "return not self._lost",
            ),
        ),
        tests=("tests/test_lease.py",),
        unseen=_POLITE,
    ),
    Mutant(
        "a lease that is given up forgets how often it was held",
        (
            (
                LEASE,
                "                self._write(Terms(None, self._terms.epoch, self._terms.counter + 1))\n",
                "                self._write(Terms(None, 0, 0))\n",
            ),
        ),
        tests=("tests/test_lease.py",),
        unseen=_POLITE,
    ),
)
