"""Object stores when they fail: conditions that are ignored, answers that are lost, credentials that end in mid-run."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from stores import servers
from stores.clocks import StepClock
from stores.google_server import GoogleServer
from stores.meddler import Headers, Meddler
from stores.places import open_place
from stores.values import holder

from pnsync.backends.object import KEEP, ObjectBackend
from pnsync.errors import StateError, UsageError
from pnsync.interfaces import Changed, Taken
from pnsync.journal import Noted
from pnsync.statefile.record import frame
from pnsync.store.store import Store
from tests.profile import either

pytestmark = pytest.mark.xdist_group("object")


@pytest.fixture
def meddler() -> Meddler:
    return Meddler(servers.moto().endpoint)


@pytest.fixture
def look(meddler: Meddler) -> Callable[[], ObjectBackend]:
    place = f"object {meddler.endpoint} s3://{servers.BUCKET}/{uuid4()}"

    def looks() -> ObjectBackend:
        made = open_place(place, StepClock())
        assert isinstance(made, ObjectBackend)
        return made

    return looks


Look = Callable[[], ObjectBackend]


def store(backend: ObjectBackend) -> Store:
    return Store(backend, StepClock(), pinned_lineage=None, heartbeat=lambda lease: lambda: None)


def record(seq: int) -> bytes:
    return frame(seq, "", b'{"n":%d}' % seq)[0]


@pytest.mark.parametrize("dropped", [("if-none-match",), ("if-match",), ("if-none-match", "if-match")])
def test_a_store_that_ignores_conditions_is_refused_before_the_first_write(
    meddler: Meddler, look: Look, dropped: tuple[str, ...]
) -> None:
    meddler.dropped = dropped
    for use in (
        lambda: look().write("lease", b"one", None),
        lambda: look().append(1, record(1)),
        lambda: look().reserve(1),
    ):
        with pytest.raises(StateError) as caught:
            use()
        assert caught.value.code == "S966"
        assert caught.value.exit_code == 9
    meddler.dropped = ()
    assert look().read("lease") is None
    assert look().records(0) == []


class Lenient(Meddler):
    """A store that looks at a version and lets it replace the present one: any that it `ever` gave, or any that it never did."""

    ever = True

    def __post_init__(self) -> None:
        self.given: set[str] = set()
        super().__post_init__()

    def forward(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        asked = next((value for name, value in headers.items() if name.lower() == "if-match"), None)
        lets = asked is not None and (asked in self.given) is self.ever
        self.dropped = ("if-match",) if lets else ()
        found = super().forward(method, path, headers, body)
        self.given.update(value for name, value in found[1].items() if name.lower() == "etag")
        return found


@pytest.mark.parametrize("ever", [True, False], ids=["an old version", "an unknown version"])
def test_a_store_that_lets_another_version_replace_the_present_one_is_refused_before_the_first_write(
    ever: bool,
) -> None:
    """Who was overtaken holds the version of before."""
    store = Lenient(servers.moto().endpoint)
    store.ever = ever
    backend = open_place(f"object {store.endpoint} s3://{servers.BUCKET}/{uuid4()}", StepClock())
    with pytest.raises(StateError) as caught:
        backend.write("lease", b"one", None)
    assert caught.value.code == "S966"
    assert backend.read("lease") is None and backend.records(0) == []


def test_an_answer_that_was_lost_is_read_back(meddler: Meddler, look: Look) -> None:
    backend = look()
    backend.reserve(1)
    lost: list[str] = []

    def lose(method: str, path: str) -> bool:
        if method == "PUT" and len(lost) % 2 == 0:
            lost.append(path)
            return True
        return False

    meddler.lose = lose
    backend.append(1, record(1))
    meddler.lose = lambda method, path: False
    backend.append(2, record(2))
    meddler.lose = lambda method, path: method == "PUT"
    first = backend.write("snapshot", b"one", None)
    second = backend.write("snapshot", b"two", first)
    meddler.lose = lambda method, path: False
    found = look().read("snapshot")
    assert found is not None
    assert (found.data, found.version) == (b"two", second)
    assert look().records(0) == [(1, record(1)), (2, record(2))]
    assert lost


@pytest.mark.parametrize("status", [500, 503, 409])
def test_an_unclear_answer_without_effect_is_tried_again(meddler: Meddler, look: Look, status: int) -> None:
    backend = look()
    backend.reserve(1)
    left = [status] * 3
    meddler.refuse = lambda method, path: left.pop() if method == "PUT" and left else None
    if status == 409:
        left[:] = [status]
    backend.append(1, record(1))
    assert look().records(0) == [(1, record(1))]
    assert left == []


def test_the_same_put_is_not_repeated_by_the_library(meddler: Meddler, look: Look) -> None:
    backend = look()
    backend.reserve(1)
    meddler.asked.clear()
    meddler.lose = lambda method, path: method == "PUT"
    backend.append(1, record(1))
    assert [method for method, _ in meddler.asked].count("PUT") == 1, "one attempt, then what stands there"


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_end_in_mid_run_end_it_before_the_next_call(
    meddler: Meddler, look: Look, status: int
) -> None:
    with store(look()).hold(holder(), timeout=0) as session:
        session.record(Noted("colour", "blue"))
        meddler.refuse = lambda method, path: status
        with pytest.raises(StateError) as caught:
            session.record(Noted("colour", "red"))
        assert caught.value.code == "S965"
        with pytest.raises(StateError):
            session.check()
        meddler.refuse = lambda method, path: None
    found = store(look()).load()
    assert found is not None
    assert found.notes["colour"] == "blue"


def test_a_bucket_in_which_nothing_may_be_deleted_serves(meddler: Meddler, look: Look) -> None:
    meddler.refuse = lambda method, path: 403 if method in ("DELETE", "POST") else None
    for turn in range(3):
        with store(look()).hold(holder(), timeout=0) as session:
            session.record(Noted("turn", str(turn)))
            assert session.finish().serial == turn + 1
    found = store(look()).load()
    assert found is not None
    assert found.notes["turn"] == "2"


def test_a_store_that_is_away_is_told(meddler: Meddler, look: Look) -> None:
    meddler.refuse = lambda method, path: 503
    with pytest.raises(StateError) as caught:
        look().read("snapshot")
    assert caught.value.code == "S964"


def test_earlier_snapshots_are_kept_up_to_a_number(look: Look) -> None:
    version = look().write("snapshot", b"0", None)
    for number in range(1, KEEP + 6):
        version = look().write("snapshot", b"%d" % number, version)
    kept = look()._numbers("snap/")
    assert len(kept) == KEEP
    newest = look().read(f"snap/{kept[-1]:012}")
    assert newest is not None
    assert newest.data == b"%d" % (KEEP + 4)


def test_a_slot_that_others_took_and_dropped_while_ours_was_on_its_way_is_taken(
    meddler: Meddler, look: Look
) -> None:
    late = look()
    late.append(1, record(1))

    def others(method: str, path: str) -> int | None:
        if method == "PUT" and path.endswith("/journal/000000000002"):
            meddler.refuse = lambda method, path: None
            for seq in (2, 3, 4):
                look().append(seq, record(seq))
            look().drop(3)
        return None

    meddler.refuse = others
    with pytest.raises(Taken):
        late.append(2, frame(2, "other", b"{}")[0])


@pytest.mark.needs_seaweed
def test_thousands_of_records_are_read_in_pages() -> None:
    place = f"object {servers.seaweed().endpoint} s3://{servers.BUCKET}/{uuid4()}"

    def look() -> ObjectBackend:
        made = open_place(place, StepClock())
        assert isinstance(made, ObjectBackend)
        return made

    backend = look()
    backend.reserve(1)
    import obstore

    for seq in range(1, 1101):
        obstore.put(backend._store, f"journal/{seq:012}", record(seq))
    found = look().records(0)
    assert [seq for seq, _ in found] == list(range(1, 1101))
    look().drop(1100)
    assert look().records(0) == []


@pytest.mark.parametrize("url", ["s3://bucket/prod", "gs://bucket/prod", "az://container/prod"])
def test_the_stores_of_three_clouds_are_known(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "telecom")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    assert ObjectBackend(url, StepClock()).location == url


@pytest.mark.parametrize("url", ["http://x.test/a", "file:///tmp/a", "memory://", "bucket"])
def test_only_object_stores_are_named(url: str) -> None:
    with pytest.raises(UsageError):
        ObjectBackend(url, StepClock())


@pytest.mark.parametrize("forgets", [False, True], ids=["keeps them", "forgets them"])
def test_google_s_generations_are_conditions(forgets: bool) -> None:
    """Its tags alone are none: a store behind that address which forgets the generation is refused."""
    server = GoogleServer()
    server.forgets_conditions = forgets
    backend = open_place(f"google {server.endpoint} gs://{servers.BUCKET}/{uuid4()}", StepClock())
    if forgets:
        with pytest.raises(StateError) as caught:
            backend.append(1, record(1))
        assert caught.value.code == "S966"
        return
    backend.append(1, record(1))
    version = backend.write("snapshot", b"one", None)
    assert version.split("\n")[1].isdigit()
    with pytest.raises(Changed):
        backend.write("snapshot", b"two", version.replace(version[-1], str((int(version[-1]) + 1) % 10)))


def test_of_eight_that_race_for_a_slot_one_wins(look: Look) -> None:
    """Sixty rounds (quick: eight); the winner's bytes are what stands there."""
    backends = [look() for _ in range(8)]
    for one in backends:
        one.reserve(1)
    with ThreadPoolExecutor(8) as racers:
        for seq in range(1, 1 + either(full=60, quick=8)):
            lines = [frame(seq, f"racer {number}", b"{}")[0] for number in range(8)]

            def race(number: int, seq: int = seq, lines: list[bytes] = lines) -> bool:
                try:
                    backends[number].append(seq, lines[number])
                except Taken:
                    return False
                return True

            won = list(racers.map(race, range(8)))
            assert won.count(True) == 1
            ((_, found),) = look().records(seq - 1)
            assert found == lines[won.index(True)]


def test_what_is_larger_than_any_state_is_not_read(look: Look) -> None:
    place = look()
    place.write("snapshot", b"x" * 1001, None)
    place.append(1, b"y" * 1001)
    place._limit = 1000
    for ask in (lambda: place.read("snapshot"), lambda: place.records(0)):
        with pytest.raises(StateError) as caught:
            ask()
        assert any("larger than any state" in one for one in caught.value.detail)
    place._limit = 1001
    assert place.read("snapshot") is not None and len(place.records(0)) == 1


def test_a_place_that_is_left_keeps_its_last_record_and_its_lease(look: Look) -> None:
    """Who held it finds its next slot taken."""
    backend = look()
    backend.write("lease", b"free", None)
    backend.write("snapshot", b"two", backend.write("snapshot", b"one", None))
    for seq in (1, 2, 3):
        backend.append(seq, record(seq))
    backend.retire()
    assert [seq for seq, _ in look().records(0)] == [3]
    assert look().read("lease") is not None and look().read("snapshot") is None
    with pytest.raises(Taken):
        look().append(3, frame(3, "other", b"{}")[0])


def test_what_was_appended_here_says_nothing_of_a_place_below(look: Look) -> None:
    backend = look()
    for seq in (1, 2):
        backend.append(seq, record(seq))
    look().within("g1").append(1, record(1))
    with pytest.raises(Taken):
        backend.within("g1").append(3, record(3))
    assert [seq for seq, _ in look().within("g1").records(0)] == [1]


def test_no_slot_is_left_out(look: Look) -> None:
    look().append(1, record(1))
    with pytest.raises(Taken):
        look().append(3, record(3))
    assert [seq for seq, _ in look().records(0)] == [1]


def test_what_a_store_says_is_not_repeated(meddler: Meddler, look: Look) -> None:
    """It may hold keys and signed addresses."""
    backend = look()
    meddler.refuse = lambda method, path: 403
    with pytest.raises(StateError) as caught:
        backend.read("snapshot")
    told = " ".join(caught.value.detail)
    assert "http" not in told and "<" not in told and "Signature" not in told
