"""Four runs that share one state: nothing is made twice, all is done, and each shard recovers by itself."""

import json
import time
from collections.abc import Callable

import pytest
from stores import places, servers

from pnsync.scope import shard_of
from tests.e2e.program import environment, kill
from tests.e2e.projects import PHONES, Project, desk, flow
from tests.e2e.test_many_runners import postgres, seaweed
from tests.e2e.vendors import KEYS, Account
from tests.profile import either

SHARDS = 4
CHANGES = either(120, 60, 120)
SLOWLY = either(72, 36, 72)
KILLED = 120
"""So many that some are left when the first of each shard is seen."""
PATIENCE = ("--lock-timeout", "100s")
BACKENDS = pytest.mark.parametrize("place", [postgres, seaweed])
ONE = pytest.mark.sampled(1)
pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_seaweed, pytest.mark.xdist_group("runners")]


@pytest.fixture(autouse=True)
def state_keys(project: Project) -> None:
    """What the program needs to reach the servers."""
    project.program.env.update(
        environment(**KEYS, **places.CREDENTIALS, STATE_DSN=servers.postgres().dsn), CI=""
    )


def rides(project: Project, count: int, state: str, *, first: int = 0, rate: float = 1000) -> None:
    """Declare so many bindings of pairs that are nobody's, with the state at this place."""
    for number in range(first, first + count):
        pair = (PHONES[number % 1000], f"4477009{number // 1000 + 1:02}{number % 1000:03}")
        project.bindings[f"ride-{number}"] = flow(mode="axb", phone_a=pair[0], phone_b=pair[1])
    project.extra = f"state: {state}"
    project.write()
    path = project.folder / "pnsync.yaml"
    path.write_text(path.read_text().replace("rate: 1000", f"rate: {rate:g}"))


def shards(project: Project, count: int, *words: str) -> list[tuple[int, str, float]]:
    """How each of `count` runs ended that began at once, what it said, and when."""
    runs = [
        project.program.start("apply", "--auto-approve", "--shard", f"{index}/{count}", *PATIENCE, *words)
        for index in range(count)
    ]
    found = []
    for one in runs:
        out, err = one.communicate(timeout=120)
        found.append((one.returncode, (out + err).decode(), time.monotonic()))
    return found


def done(ended: list[tuple[int, str, float]]) -> None:
    """See that every run ended well."""
    assert [code for code, _, _ in ended] == [0] * len(ended), "\n".join(said[-1500:] for _, said, _ in ended)


def span_seconds(account: Account, since: int = 0) -> float:
    """From the first to the last bind at the vendor, by its clock."""
    made = [float(one["at"]) for one in account.history() if one["kind"] == "bind"][since:]
    return max(made) - min(made)


@ONE
@BACKENDS
def test_four_shards_do_all_of_it_once(project: Project, place: Callable[[], str]) -> None:
    rides(project, CHANGES, place())
    done(shards(project, SHARDS))
    assert project.nx.count("bind") == CHANGES
    assert project.nx.made_twice() == []
    project.program.empty()
    found = json.loads(project.program.run("status", "--json", code=0).out)
    assert found["bindings"] == CHANGES
    listed = project.program.run("state", "list", code=0).out
    assert listed.count("bindings.ride-") == CHANGES


def test_four_shards_are_faster_than_one_of_the_same_rate(project: Project) -> None:
    """Each makes four calls a second: one alone needs 9 or 18 s, four together a quarter and what they wait for each other."""
    rides(project, SLOWLY, postgres(), rate=4)
    project.program.apply("--no-verify")
    alone = span_seconds(project.nx)
    rides(project, SLOWLY, project.extra.removeprefix("state: "), first=500, rate=4 * SHARDS)
    done(shards(project, SHARDS))
    together = span_seconds(project.nx, SLOWLY)
    assert project.nx.count("bind") == 2 * SLOWLY
    assert together < alone, f"{together:.1f} s by four, {alone:.1f} s by one"


@ONE
@BACKENDS
def test_another_number_of_shards_goes_on(project: Project, place: Callable[[], str]) -> None:
    state = place()
    rides(project, 24, state)
    done(shards(project, 2))
    rides(project, 24, state, first=24)
    done(shards(project, 3))
    rides(project, 6, state, first=48)
    project.program.apply()
    rides(project, 6, state, first=54)
    done(shards(project, 2))
    assert project.nx.count("bind") == 60
    project.program.empty()


def test_a_killed_shard_recovers_by_itself(project: Project) -> None:
    """Its siblings do not notice; its own next run finds what became of its calls."""
    rides(project, KILLED, postgres(), rate=40)
    runs = [
        project.program.start("apply", "--auto-approve", "--shard", f"{index}/{SHARDS}", *PATIENCE)
        for index in range(SHARDS)
    ]
    mine = [name for name in project.bindings if shard_of(f"bindings.{name}", SHARDS) == 2]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        held = json.loads(project.program.run("status", "--json").out)
        made = sum(name in project.bindings for name in bound(project))
        if made > SHARDS * 6 and any(name in mine for name in bound(project)):
            break
    assert held["bindings"] <= KILLED
    kill(runs[2])
    ended = [one.communicate(timeout=120) for one in runs]
    assert [one.returncode for one in runs] == [0, 0, -9, 0], ended
    left = [name for name in mine if name not in bound(project)]
    assert left, "it was killed before its end"
    others = set(project.bindings) - set(mine)
    assert others <= set(bound(project))
    # Its lease would end after a minute; a person may say so at once.
    holder = json.loads(project.program.run("status", "--json").out)["lock"]
    assert "--shard 2/4" in holder["command"]
    blocked = project.program.run("apply", "--auto-approve", "--shard", "2/4", "--lock-timeout", "0", code=6)
    assert holder["id"] in blocked.err
    project.program.run("unlock", holder["id"], code=0)
    project.program.apply("--shard", "2/4")
    assert project.nx.count("bind") == KILLED
    assert project.nx.made_twice() == []
    project.program.empty()


def bound(project: Project) -> list[str]:
    """The names that the state knows as bound, whoever bound them."""
    found = json.loads(project.program.run("state", "list", "--json").out)
    return [address.removeprefix("bindings.") for address in found["entries"]]


def test_each_shard_plans_the_whole_and_acts_on_its_own(project: Project) -> None:
    rides(project, 20, postgres())
    project.program.apply()
    project.bindings = dict(list(project.bindings.items())[:11])
    project.write()
    path = project.folder / "pnsync.yaml"
    path.write_text(path.read_text() + "policy: {max_unbind: 6}\n")
    for index in range(SHARDS):
        refused = project.program.run("plan", "--shard", f"{index}/{SHARDS}", code=4)
        assert "9 of 20 bindings" in refused.out + refused.err, "nine in all, whatever this shard's are"
    done(shards(project, SHARDS, "--allow-unbind", "9"))
    assert project.nx.count("unbind") == 9
    project.program.empty()


def test_a_shards_plan_tells_its_share_of_the_calls_a_second(project: Project) -> None:
    rides(project, 40, postgres(), rate=40)
    for words, rate in (
        ((), 40),
        (("--shard", "0/1"), 40),
        (("--shard", "1/4"), 10),
        (("--shard", "3/8"), 5),
    ):
        assert f"at {rate} calls/s" in project.program.run("plan", *words, code=0).out
        assert project.program.plan(*words)["rate"] == rate
    shown = project.program.apply("--shard", "1/4", "--rate", "20").out
    assert "at 5 calls/s" in shown, "of what the command allows too"


def test_a_saved_plan_is_applied_by_its_own_shard(project: Project) -> None:
    state = postgres()
    rides(project, 6, state)
    for index in range(2):  # before there is a state: each part begins with its own plan
        project.program.run("plan", "--shard", f"{index}/2", "--out", f"{index}.pnsplan", code=0)
    for index in range(2):
        project.program.run("apply", f"{index}.pnsplan", "--auto-approve", "--shard", f"{index}/2", code=0)
    rides(project, 12, state, first=6)
    for index in range(2):
        project.program.run("plan", "--shard", f"{index}/2", "--out", f"{index}.pnsplan", code=0)
    refused = project.program.run("apply", "0.pnsplan", "--auto-approve", "--shard", "1/2", code=8)
    assert "--shard 0/2" in refused.err
    project.program.run("apply", "0.pnsplan", "--auto-approve", code=8)
    for index in range(2):
        project.program.run("apply", f"{index}.pnsplan", "--auto-approve", "--shard", f"{index}/2", code=0)
    used = project.program.run("apply", "0.pnsplan", "--auto-approve", "--shard", "0/2", code=5)
    assert "applied already" in used.err
    assert project.nx.count("bind") == 18


def test_allocated_numbers_are_given_once(project: Project) -> None:
    """Each shard gives extensions of its own share, so that none is given twice."""
    project.groups["hotline"] = "{provider: nx, holds: numbers, group_name: hotline-pool}"
    for number in range(40):
        project.bindings[f"desk-{number}"] = flow(
            mode="axb_extension", phone_a=PHONES[number], phone_x="{group: hotline}", extension="auto"
        )
    project.extra = f"state: {postgres()}"
    project.write()
    done(shards(project, SHARDS))
    slots = {(one["x_a"], one["extension"]) for one in project.nx.bindings()}
    assert len(slots) == 40
    project.program.empty()


def test_a_number_goes_from_one_shard_to_another_in_two_runs(project: Project) -> None:
    """Who wants what another shard's run frees waits for its own next run, and never races."""
    names = [f"desk-{number}" for number in range(9)]
    old = names[0]
    new = next(name for name in names if shard_of(f"bindings.{name}", 2) != shard_of(f"bindings.{old}", 2))
    project.bindings[old] = desk(PHONES[1], "447401264117", 101)
    project.bindings["stays"] = desk(PHONES[3], "447401264117", 103)
    project.extra = f"state: {postgres()}"
    project.write()
    done(shards(project, 2))
    del project.bindings[old]
    project.bindings[new] = desk(PHONES[2], "447401264117", 101)
    project.write()
    taker = f"{shard_of(f'bindings.{new}', 2)}/2"
    waits = project.program.run("plan", "--shard", taker, code=0).out
    assert "another shard's run may free it" in waits.replace("\n", " ")
    done(shards(project, 2, "--allow-unbind", "1"))
    done(shards(project, 2))
    assert project.nx.made_twice() == []
    project.program.empty()


def test_a_place_for_one_run_says_where_to_go(project: Project) -> None:
    project.bindings["ride"] = flow(mode="axb", phone_a=PHONES[1], phone_b=PHONES[2])
    project.write()
    for command in (("plan",), ("apply", "--auto-approve"), ("refresh",), ("renew", "--auto-approve")):
        refused = project.program.run(*command, "--shard", "0/2", code=8)
        assert "pnsync state migrate --to" in refused.err
    for text in ("2/2", "x", "0/0"):
        assert "0/4 is the first of four" in project.program.run("plan", "--shard", text, code=8).err
    project.program.run("plan", "--shard", "0/1", code=0)
