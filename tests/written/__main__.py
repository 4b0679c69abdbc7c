"""`python -m tests.written`: the files of this version, and what stands in them."""

import json
from dataclasses import replace
from pathlib import Path

from pnsync.backends.local import LocalBackend
from pnsync.cli import VERSION
from pnsync.holder import Holder
from pnsync.masking import Masker
from pnsync.plan import document
from pnsync.planner.table import plan
from pnsync.savedplan import seal
from pnsync.state import Failure, Pending, Standing
from pnsync.statefile.document import dumps
from pnsync.store.store import Store
from tests.fuzz.seeds import NOW, desired, events, intent, observed, state
from tests.stores.clocks import StepClock
from tests.test_written import KEYS
from tests.written.facts import facts

FOLDER = Path(__file__).parent / VERSION


def main() -> None:
    """Write them."""
    FOLDER.mkdir()
    path = FOLDER / "pnsync.state.json"
    doubtful = Pending(
        replace(intent(), attempt="r.0", address="bindings.late"), Standing.UNKNOWN, "time-out"
    )
    failing = {"bindings.full": Failure(NOW - 60, 3, "10010")}
    used = {"bindings.desk": 3, "bindings.driver": 2}
    before = replace(state(), pending={"r.0": doubtful}, failures=failing, generations=used)
    path.write_bytes(dumps(before))
    store = Store(LocalBackend(str(path), StepClock()), StepClock(), pinned_lineage=None)
    holder = Holder("7d1f90aa", "maria", "here", 1, "pnsync apply", NOW)
    with store.hold(holder, timeout=0) as session:
        for event in events():
            session.record(event)
        after = session.state
    Path(f"{path}.lock").unlink()
    made = plan(desired(), state(), observed(), now=NOW)
    shown = document(made, Masker(bytes(32), "7c4d1a2b"), pnsync_version=VERSION)
    saved = seal(shown, made, {"targets": []}, KEYS)
    (FOLDER / "reviewed.pnsplan").write_text(json.dumps(saved, indent=1) + "\n")
    told = {"snapshot": facts(before), "folded": facts(after), "digest": saved["digest"]}
    (FOLDER / "facts.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
