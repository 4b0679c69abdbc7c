"""Declarations drawn from a seed, and edits of them as commits make them. Always such as the configuration accepts."""

from dataclasses import replace
from functools import cache
from random import Random

from pnsync.model import (
    Binding,
    Desired,
    Group,
    Holds,
    Lifetime,
    Limit,
    Mode,
    Moved,
    Policy,
    ProviderConfig,
    StateConfig,
    VendorType,
)
from pnsync.phone import Phone

NX_XS = tuple(str(447401264117 + n) for n in range(11))
NX_CALLERS = range(0, 380)
NX_ANSWERED = range(380, 400)
NX_PEOPLE = range(400, 500)
LA_PHONES = range(500, 1000)
WIDE = Limit(count=1_000_000)


@cache
def phone(number: int) -> Phone:
    """One of the thousand numbers that are set aside for fiction."""
    return Phone(f"447700900{number:03d}")


CANARIES = frozenset(phone(number).digits for number in range(1000))


class Declarations:
    """What the files say now. `edit` is a commit."""

    def __init__(
        self, random: Random, *, size: int, nx: ProviderConfig | None, la: ProviderConfig | None
    ) -> None:
        self.nx, self.la = nx, la
        self.providers = {one.name: one for one in (nx, la) if one is not None}
        self.bindings: dict[str, Binding] = {}
        self.groups: dict[str, Group] = {}
        self.moved: tuple[Moved, ...] = ()
        self.quarantine_seconds = random.choice((0, 0, 0, 600, 7200))
        self.named = 0
        self.axb_extension = random.random() < 0.8
        self.declared_ids = random.random() < 0.3
        self.place = "local"
        """The backend that the files name: where a record costs more than a call, several calls share one."""
        if nx is not None and random.random() < 0.6:
            self.groups["hotline-pool"] = Group("hotline-pool", "nx", Holds.NUMBERS, None, "hotline-pool")
            if random.random() < 0.6:
                self.groups["couriers"] = Group(
                    "couriers", "nx", Holds.PEOPLE, self._people(random), "couriers"
                )
        for _ in range(size):
            self._add(random)

    def desired(self) -> Desired:
        """The declarations as the program gets them."""
        return Desired(
            root="pnsync.yaml",
            lineage=None,
            providers=self.providers,
            bindings=dict(self.bindings),
            groups=dict(self.groups),
            moved=self.moved,
            state=StateConfig(self.place),
            policy=Policy(
                max_unbind=WIDE, max_rebind=WIDE, max_missing=WIDE, quarantine_seconds=self.quarantine_seconds
            ),
        )

    def edit(self, random: Random, now: float) -> None:
        """A commit of a few lines."""
        self.moved = ()
        for _ in range(random.choice((1, 1, 2, 5))):
            kind = random.choice(
                ("add", "remove", "remove", "change", "change", "change", "rename", "group", "switch", "swap")
            )
            if kind == "add" or len(self.bindings) < 2:
                self._add(random)
            elif kind == "remove":
                del self.bindings[random.choice(sorted(self.bindings))]
            elif kind == "rename":
                old = random.choice(sorted(self.bindings))
                name = self._name()
                self.bindings[name] = replace(self.bindings.pop(old), name=name)
                if random.random() < 0.7:
                    self.moved = (*self.moved, Moved(f"bindings.{old}", f"bindings.{name}"))
            elif kind == "group" and "couriers" in self.groups:
                self.groups["couriers"] = replace(self.groups["couriers"], phones=self._people(random))
            elif kind == "switch":
                name = random.choice(sorted(self.bindings))
                self.bindings[name] = replace(self.bindings[name], enabled=not self.bindings[name].enabled)
            elif kind == "swap":
                self._swap(random)
            else:
                self._change(random, now)

    def _name(self) -> str:
        self.named += 1
        return f"b{self.named}"

    def _people(self, random: Random) -> tuple[Phone, ...]:
        return tuple(phone(one) for one in sorted(random.sample(NX_PEOPLE, random.randint(1, 5))))

    def _add(self, random: Random) -> None:
        made = self._binding(random, self._name())
        if made is not None:
            self.bindings[made.name] = made

    def _lifetime(self, random: Random, provider: str) -> Lifetime:
        seconds = random.choice((900, 3600, 7200, 86400, 86400, 259200))
        kind = random.random()
        if kind < 0.15 and provider == "nx":
            return Lifetime(None)
        return Lifetime(seconds, None, seconds // 5, keep=kind < 0.95)

    def _free_pair(self, random: Random, numbers: range) -> tuple[Phone, Phone] | None:
        taken = {
            one.digits
            for each in self.bindings.values()
            for one in (each.phone_a, each.phone_b)
            if one is not None
        }
        free = [one for one in numbers if phone(one).digits not in taken]
        if len(free) < 2:
            return None
        a, b = random.sample(free, 2)
        return phone(a), phone(b)

    def _free_extension(self, random: Random) -> tuple[str, str]:
        taken = {(one.phone_x, one.extension) for one in self.bindings.values()}
        while True:
            found = (random.choice(NX_XS[3:]), f"{random.randint(0, 999):03d}")
            if found not in taken:
                return found

    def _binding(self, random: Random, name: str) -> Binding | None:
        provider = random.choice(sorted(self.providers))
        pair = self._free_pair(random, NX_CALLERS if provider == "nx" else LA_PHONES)
        if pair is None:
            return None
        life = self._lifetime(random, provider)
        recording = random.random() < 0.2
        if provider == "la":
            mode = random.choice((Mode.AXB, Mode.AXB, Mode.AXXB))
            return Binding(name, "la", mode, *pair, life, pool_number="918806")
        declared = f"id-{name}" if self.declared_ids and random.random() < 0.5 else None
        mode = random.choice((Mode.AXB, Mode.AXB_EXTENSION, Mode.AXG))
        if mode is Mode.AXG and "couriers" in self.groups:
            return Binding(
                name, "nx", mode, phone(random.choice(NX_ANSWERED)), None, life, group="couriers",
                recording=recording, customer_bind_id=declared,
            )  # fmt: skip
        if mode is Mode.AXB_EXTENSION and self.axb_extension:
            b = pair[1] if random.random() < 0.7 else None
            if "hotline-pool" in self.groups and random.random() < 0.5:
                return Binding(
                    name, "nx", mode, pair[0], b, life, x_group="hotline-pool", extension_auto=True,
                    recording=recording, customer_bind_id=declared,
                )  # fmt: skip
            x, extension = self._free_extension(random)
            return Binding(
                name, "nx", mode, pair[0], b, life, phone_x=x, extension=extension,
                recording=recording, customer_bind_id=declared,
            )  # fmt: skip
        return Binding(name, "nx", Mode.AXB, *pair, life, recording=recording, customer_bind_id=declared)

    def _change(self, random: Random, now: float) -> None:
        name = random.choice(sorted(self.bindings))
        old = self.bindings[name]
        kind = random.choice(("pair", "life", "recording", "whole", "until", "x"))
        if kind == "recording" and old.provider == "nx":
            self.bindings[name] = replace(old, recording=not old.recording)
        elif kind == "life":
            self.bindings[name] = replace(old, lifetime=self._lifetime(random, old.provider))
        elif kind == "until":
            until = int(now) + random.choice((600, 5000, 100_000))
            self.bindings[name] = replace(old, lifetime=Lifetime(None, until, 600))
        elif kind == "x" and old.mode is Mode.AXB_EXTENSION and old.phone_x is not None:
            x, extension = self._free_extension(random)
            self.bindings[name] = replace(old, phone_x=x, extension=extension)
        elif kind == "pair" and old.phone_b is not None and old.mode is not Mode.AXG:
            pair = self._free_pair(random, NX_CALLERS if old.provider == "nx" else LA_PHONES)
            if pair is not None:
                self.bindings[name] = replace(old, phone_b=pair[1])
        else:
            made = self._binding(random, name)
            if made is not None:
                self.bindings[name] = made

    def _swap(self, random: Random) -> None:
        """Two desks that change places: extensions, or at LAAFFIC partners."""
        fixed = [
            name for name, one in sorted(self.bindings.items()) if one.phone_x is not None and one.extension
        ]
        pairs = [name for name, one in sorted(self.bindings.items()) if one.provider == "la"]
        for names, attributes in ((fixed, ("phone_x", "extension")), (pairs, ("phone_b",))):
            if len(names) < 2:
                continue
            one, other = random.sample(names, 2)
            first, second = self.bindings[one], self.bindings[other]
            self.bindings[one] = replace(first, **{each: getattr(second, each) for each in attributes})
            self.bindings[other] = replace(second, **{each: getattr(first, each) for each in attributes})
            return


def both() -> tuple[ProviderConfig, ProviderConfig]:
    """One account of each vendor."""
    nx = ProviderConfig("nx", VendorType.NXCLOUD, "https://number.nxcloud.com/api/pns/", rate=1000.0)
    la = ProviderConfig(
        "la", VendorType.LAAFFIC, "https://api.laaffic.com/v3/number", app_id="4luaKsL2", rate=1000.0
    )
    return nx, la


def providers(random: Random) -> tuple[ProviderConfig | None, ProviderConfig | None]:
    """One account of each vendor, or of one of them."""
    nx, la = both()
    which = random.random()
    return (nx if which < 0.75 else None), (la if which > 0.25 else None)
