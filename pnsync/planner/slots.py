"""Which (X, extension) is whose, and the choice among the free ones. Pure but for the object's own memory.

The least used X first, then its lowest free extension. Where that leaves a binding with nothing although another
choice for those before it would not, the earlier choices of the same planning make room (augmenting paths, as in
bipartite matching): so a binding goes without only when no choice could serve it and all before it. What others
hold, what rests and what is reserved is never given; what was kept never moves.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from pnsync.planner.quarantine import Quarantine
from pnsync.scope import Shard


class Number:
    """One X: whose its extensions are, which of them rest or are about to be freed, and how much it carries."""

    __slots__ = ("leaving", "load", "provider", "resting", "taken", "x")

    def __init__(self, provider: str, x: str, resting: Mapping[str, Mapping[str, int]]) -> None:
        self.provider = provider
        self.x = x
        self.load = 0
        self.taken: dict[str, str] = {}
        self.resting = resting
        self.leaving: dict[str, int] = {}


def share_of(x: str, extension: str | None, count: int) -> int:
    """Which of `count` runs that allocate at once may give a slot: fixed, and spread evenly over X and extensions."""
    return (int(x) + int(extension or 0)) % count


class Demand:
    """What some bindings ask for alike: numbers in their order, and the extensions that may be given, lowest first.

    Of a `shard` it is the part that its runs may give.
    """

    __slots__ = ("extensions", "full", "heap", "numbers", "place", "shard", "stacks", "waits")

    def __init__(
        self,
        place: str,
        numbers: tuple[Number, ...],
        extensions: tuple[str, ...],
        shard: Shard | None = None,
    ) -> None:
        self.place = place
        self.shard = shard
        self.numbers = numbers
        self.extensions = extensions
        self.full = False
        self.heap = [(one.load, order) for order, one in enumerate(numbers)]
        heapq.heapify(self.heap)
        self.stacks: dict[int, list[str]] = {}
        self.waits: Iterator[tuple[int, Number, str]] | None = None

    def fits(self, number: Number, extension: str) -> bool:
        """Whether a slot is one that these bindings may get."""
        return number in self.numbers and extension in self.extensions

    def shares(self, number: Number, extension: str) -> bool:
        """Whether a slot is one that this run may give; where runs do not share a state any is."""
        shard = self.shard
        return shard is None or share_of(number.x, extension, shard.count) == shard.index

    def slots(self) -> Iterator[tuple[Number, str]]:
        """Every slot that may be given, free or not, in order."""
        return (
            (number, one) for number in self.numbers for one in self.extensions if self.shares(number, one)
        )

    def exists_elsewhere(self) -> bool:
        """Whether another run could give a slot that is free."""
        return self.shard is not None and any(
            one not in number.taken and not number.resting.get(one) and not self.shares(number, one)
            for number in self.numbers
            for one in self.extensions
        )

    def lowest(self, order: int) -> str | None:
        """The lowest extension of a number that nobody has and that rests for nobody."""
        number = self.numbers[order]
        stack = self.stacks.get(order)
        if stack is None:
            stack = self.stacks[order] = [
                one
                for one in reversed(self.extensions)
                if one not in number.taken and one not in number.resting and self.shares(number, one)
            ]
        while stack and stack[-1] in number.taken:
            stack.pop()
        return stack[-1] if stack else None


class Slots:
    """All numbers of all providers while one plan is being made."""

    def __init__(self, quarantine: Quarantine, *, now: int, quarantine_seconds: int) -> None:
        self.quarantine = quarantine
        self.now = now
        self.quarantine_seconds = quarantine_seconds
        self.reuse = quarantine_seconds == 0
        self.chosen: dict[str, tuple[Number, str]] = {}
        self._numbers: dict[tuple[str, str], Number] = {}
        self._demands: dict[str, Demand] = {}
        """The demand of every address that this planning chose for, and that may so make room."""
        self._dead: tuple[set[tuple[int, str]], set[tuple[int, str]]] = (set(), set())
        """Slots from which no path leads to a free one, and to a free or leaving one."""
        self._promised: set[tuple[int, str]] = set()

    def number(self, provider: str, x: str) -> Number:
        """The X of a provider."""
        found = self._numbers.get((provider, x))
        if found is None:
            resting = self.quarantine.extensions(provider, x)
            found = self._numbers[(provider, x)] = Number(provider, x, resting)
        return found

    def hold(self, provider: str, x: str, extension: str, holder: str, *, over: bool = False) -> None:
        """Note whose a slot is: the first to say so, unless a later one goes `over` it."""
        number = self.number(provider, x)
        if extension not in number.taken:
            number.load += 1
        elif not over:
            return
        number.taken[extension] = holder

    def holder(self, provider: str, x: str, extension: str) -> str | None:
        """Whose a slot is."""
        return self.number(provider, x).taken.get(extension)

    def leave(self, provider: str, x: str, extension: str, holder: str, *, ended_at: int) -> None:
        """Note that this plan frees a slot: it may be given once it has rested since its binding's end."""
        number = self.number(provider, x)
        if number.taken.get(extension) != holder:
            return
        until = min(ended_at, self.now) + self.quarantine_seconds
        if ended_at <= self.now and until <= self.now:
            del number.taken[extension]
            number.load -= 1
        else:
            number.leaving[extension] = until

    def prefer(self, address: str, demand: Demand, slots: Iterable[tuple[Number, str]]) -> bool:
        """Give an address the first of these slots that it may have."""
        for number, extension in slots:
            holder = number.taken.get(extension)
            free = holder is None or holder == address
            fits = demand.fits(number, extension) and demand.shares(number, extension)
            if free and fits and not self._rests(number, extension, address):
                self._give(address, demand, number, extension)
                return True
        return False

    def give(self, address: str, demand: Demand) -> None:
        """Choose for an address; it gets nothing where nothing can be had, whatever those before it are given."""
        if demand.full:
            return
        heap = demand.heap
        while heap:
            load, order = heap[0]
            number = demand.numbers[order]
            if number.load != load:
                heapq.heapreplace(heap, (number.load, order))
                continue
            extension = demand.lowest(order)
            if extension is None:
                heapq.heappop(heap)
                continue
            self._give(address, demand, number, extension)
            return
        # Without a quarantine what this plan frees is good at once, though only after what was free before.
        demand.full = not (
            self._make_room(address, demand, freed=False)
            or (self.reuse and self._make_room(address, demand, freed=True))
        )

    def wait(self, demand: Demand) -> int | None:
        """When the next slot that rests, or that this plan frees, may be given; each is promised once."""
        if demand.waits is None:
            demand.waits = iter(self._waits(demand))
        for until, number, extension in demand.waits:
            key = (id(number), extension)
            if key not in self._promised:
                self._promised.add(key)
                return until
        return None

    def _waits(self, demand: Demand) -> list[tuple[int, Number, str]]:
        found: list[tuple[int, int, str]] = []
        for order, number in enumerate(demand.numbers):
            for extension in demand.extensions:
                if not demand.shares(number, extension):
                    continue
                ends = number.resting.get(extension)
                if extension in number.leaving:
                    until = max((number.leaving[extension], *(ends or {}).values()))
                    found.append((until, order, extension))
                elif ends and extension not in number.taken:
                    found.append((max(ends.values()), order, extension))
        return [(until, demand.numbers[order], extension) for until, order, extension in sorted(found)]

    def _rests(self, number: Number, extension: str, address: str) -> bool:
        ends = number.resting.get(extension)
        return ends is not None and any(owner != address for owner in ends)

    def _give(self, address: str, demand: Demand, number: Number, extension: str) -> None:
        if extension not in number.taken:
            number.load += 1
        number.leaving.pop(extension, None)
        number.taken[extension] = address
        self.chosen[address] = (number, extension)
        self._demands[address] = demand

    def _make_room(self, address: str, demand: Demand, *, freed: bool) -> bool:
        """Move choices of this planning along a path that ends in a free slot (Kuhn); with `freed` in one that leaves.

        Slots from which no path goes on lead nowhere for later bindings either, and are remembered.
        """
        dead = self._dead[freed]
        came: dict[tuple[int, str], tuple[str, Number, str]] = {}
        expanded: set[int] = set()
        waiting = deque([(address, demand)])
        while waiting:
            asking, its = waiting.popleft()
            if id(its) in expanded or its.full:
                continue
            expanded.add(id(its))
            for number, extension in its.slots():
                key = (id(number), extension)
                if key in came or key in dead or number.resting.get(extension):
                    continue
                came[key] = (asking, number, extension)
                holder = number.taken.get(extension)
                if holder is None or (freed and extension in number.leaving):
                    self._shift(demand, key, came)
                    return True
                other = self._demands.get(holder)
                if other is not None and self.chosen[holder] == (number, extension):
                    waiting.append((holder, other))
        dead.update(came)
        return False

    def _shift(
        self,
        demand: Demand,
        key: tuple[int, str],
        came: Mapping[tuple[int, str], tuple[str, Number, str]],
    ) -> None:
        """Follow the path back to the one that asks, which alone has nothing yet and whose `demand` is not known."""
        while True:
            asking, number, extension = came[key]
            before = self.chosen.get(asking)
            self._give(asking, self._demands.get(asking, demand), number, extension)
            if before is None:
                return
            key = (id(before[0]), before[1])
