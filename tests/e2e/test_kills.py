"""A run that is killed with SIGKILL anywhere: the next one converges, and every binding is made once."""

import pytest

from tests.e2e.conftest import Tapped
from tests.e2e.program import kill
from tests.e2e.projects import HOTLINE, PHONES, Project, desk, flow
from tests.e2e.tap import Fate

POINTS = {
    "reading-then-axb": [("getAXBList", 1, Fate.DROPPED), ("bindAXB", 1, Fate.ANSWER_LOST)],
    "group-then-unbind": [("createGroup", 1, Fate.ANSWER_LOST), ("unbindAXB", 1, Fate.ANSWER_LOST)],
    "half-a-rebind-then-its-bind": [("unbindAXB", 2, Fate.LATE), ("bindAXBExtension", 1, Fate.DROPPED)],
    "extension-then-axg": [("bindAXBExtension", 1, Fate.LATE), ("bindAXG", 1, Fate.LATE)],
    "extension-then-laaffic": [("bindAXBExtension", 2, Fate.ANSWER_LOST), ("pns/bind", 1, Fate.ANSWER_LOST)],
    "laaffic-then-reading": [("pns/bind", 2, Fate.LATE), ("getAXBList", 3, Fate.DROPPED)],
    "comparison-at-the-end": [("getAXBList", 7, Fate.DROPPED)],
}
"""Where a run is killed, and where the run that follows is: operation, which of its calls, what becomes of it."""


def before(project: Project) -> None:
    """What is applied first: two desks."""
    project.bindings["gone"] = desk(PHONES[1], HOTLINE[0], 101)
    project.bindings["changed"] = desk(PHONES[2], HOTLINE[0], 102)
    project.write()


def after(project: Project) -> None:
    """What the killed run applies: an unbind, a rebind, and new bindings of every kind."""
    del project.bindings["gone"]
    project.bindings["changed"] = desk(PHONES[3], HOTLINE[0], 102)
    project.groups["couriers"] = f"{{provider: nx, holds: people, phones: [{PHONES[20]}, {PHONES[21]}]}}"
    project.bindings |= {
        "new": desk(PHONES[4], HOTLINE[1], 104),
        "ride": flow(mode="axb", phone_a=PHONES[5], phone_b=PHONES[6]),
        "shop": flow(mode="axg", phone_a=PHONES[7], group="couriers"),
        "driver": flow(
            provider="la",
            mode="axb",
            phone_a=PHONES[8],
            phone_b=PHONES[9],
            pool_number="918806",
            expires_in="3d",
        ),
        "porter": flow(
            provider="la",
            mode="axxb",
            phone_a=PHONES[10],
            phone_b=PHONES[11],
            pool_number="918806",
            expires_in="3d",
        ),
    }
    project.write()


def converges(project: Project) -> None:
    """One more run, and all is as declared; every binding was made once."""
    project.program.apply()
    project.program.empty()
    assert project.live == len(project.bindings)
    assert project.nx.made_twice() == []
    assert (project.nx.count("bind"), project.la.count("bind")) == (2 + 4, 2)
    # What is kept of an ended call, to know a late second delivery by, is no open one.
    assert {one["standing"] for one in project.program.state()["pending"].values()} <= {"echo"}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS)
def test_a_killed_run_is_finished_by_the_next(tapped: Tapped, points: list[tuple[str, int, Fate]]) -> None:
    project, tap = tapped
    before(project)
    project.program.apply()
    after(project)
    for operation, nth, fate in points:
        tap.hold(operation, nth, fate)
        process = project.program.start("apply", "--auto-approve")
        tap.wait()
        kill(process)
        process.communicate()
        tap.release()
    converges(project)
