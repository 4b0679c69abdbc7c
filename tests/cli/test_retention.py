"""How long numbers stay where pnsync writes: until their binding is gone, and no longer."""

from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.projects import LONDON, RIDE, SEVEN, write

GONE = "447700900112"


def holding(folder: Path, digits: str) -> list[str]:
    """The files of the state in which a number stands; the simulated vendor's own are none of it."""
    return [
        one.name
        for one in sorted((folder / "state").iterdir())
        if not one.name.startswith("sandbox-") and digits.encode() in one.read_bytes()
    ]


def test_an_unbound_address_leaves_the_state_with_its_numbers(run: Run, tmp_path: Path) -> None:
    write(tmp_path, LONDON, SEVEN)
    assert run("apply", "--auto-approve").exit_code == 0
    assert "pnsync.state.json" in holding(tmp_path, GONE)
    write(tmp_path, LONDON)
    assert run("apply", "--auto-approve").exit_code == 0
    assert "pnsync.state.json" not in holding(tmp_path, GONE)
    assert "pnsync.state.json.journal" not in holding(tmp_path, GONE)
    # What was there before is kept as the backup, until the next run that changes something.
    write(tmp_path, LONDON, RIDE)
    assert run("apply", "--auto-approve").exit_code == 0
    assert holding(tmp_path, GONE) == []
    assert holding(tmp_path, "447700900131") != []
