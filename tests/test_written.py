"""State, journal and saved plan of every released version are opened by this one; those of a newer one are refused."""

import json
import shutil
from pathlib import Path

import pytest
from stores.clocks import StepClock
from stores.values import holder

from pnsync.backends.local import LocalBackend
from pnsync.errors import StalePlan, StateError
from pnsync.journal import Noted
from pnsync.plan import digest
from pnsync.savedplan import Keys, check_signature, read
from pnsync.statefile.document import loads
from pnsync.statefile.record import frame, unframe
from pnsync.store.store import Store
from tests.written.facts import facts

WRITTEN = Path(__file__).parent / "written"
VERSIONS = sorted(one.name for one in WRITTEN.iterdir() if (one / "facts.json").exists())
KEYS = Keys(b"a key of tests alone" * 2, bytes(32), None)


@pytest.fixture(params=VERSIONS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a version wrote."""
    return Path(shutil.copytree(WRITTEN / request.param, tmp_path / "state"))


def store(folder: Path) -> Store:
    backend = LocalBackend(str(folder / "pnsync.state.json"), StepClock())
    return Store(backend, StepClock(), pinned_lineage=None)


def told(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "facts.json").read_text())
    return found


def test_this_version_s_own_files_are_kept() -> None:
    from pnsync.cli import VERSION

    assert VERSION in VERSIONS, "run python -m tests.written"


def test_a_state_says_what_it_said(folder: Path) -> None:
    found = loads((folder / "pnsync.state.json").read_bytes())
    assert json.loads(json.dumps(facts(found))) == told(folder)["snapshot"]


def test_a_journal_is_folded_into_it_and_gone_on_with(folder: Path) -> None:
    found = store(folder).load()
    assert found is not None
    assert json.loads(json.dumps(facts(found))) == told(folder)["folded"]
    with store(folder).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "red"))
        done = session.finish()
    assert done.entries == found.entries and done.serial == found.serial + 1
    assert store(folder).load() == done


def test_a_saved_plan_is_read_and_its_signature_holds(folder: Path) -> None:
    saved = read((folder / "reviewed.pnsplan").read_bytes())
    check_signature(saved, KEYS)
    assert saved.document["digest"] == told(folder)["digest"]
    assert saved.addresses


def test_a_newer_state_is_refused(folder: Path) -> None:
    path = folder / "pnsync.state.json"
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2'))
    with pytest.raises(StateError) as caught:
        store(folder).load()
    assert caught.value.code == "S907"


@pytest.mark.parametrize("change", ["kind", "field"])
def test_a_newer_record_is_refused(folder: Path, change: str) -> None:
    journal = folder / "pnsync.state.json.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    last = unframe(lines[-1])
    before = unframe(lines[-2])
    assert last is not None and before is not None
    body = json.loads(last.body)
    body["events"] = (
        [{"k": "moved_by_light"}] if change == "kind" else [body["events"][0] | {"colour": "blue"}]
    )
    journal.write_bytes(b"".join([*lines[:-1], frame(last.seq, before.hash, json.dumps(body).encode())[0]]))
    with pytest.raises(StateError) as caught:
        store(folder).load()
    assert caught.value.code == "S907"


def test_a_newer_plan_is_refused(folder: Path) -> None:
    found = json.loads((folder / "reviewed.pnsplan").read_text())
    found["version"] += 1
    found["digest"] = digest(found)
    with pytest.raises(StalePlan) as caught:
        read(json.dumps(found).encode())
    assert caught.value.code == "A502"
