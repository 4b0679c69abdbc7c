"""Projects at the simulated vendors: their files, and the accounts that their bindings live in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.program import Program
from tests.e2e.vendors import Account

PHONES = [f"447700900{number:03}" for number in range(1000)]
"""Real numbers that are nobody's."""

HOTLINE = ("447401264117", "447401264118", "447401264119")
"""The X of the group hotline-pool."""


@dataclass
class Project:
    """A folder with its files, the program in it, and both accounts."""

    folder: Path
    program: Program
    nx: Account
    la: Account
    endpoints: tuple[str, str] = ("", "")
    """Where the program finds the accounts, when not where they are."""
    settle_window: str = "0s"
    extra: str = ""
    """More of the root file."""
    groups: dict[str, str] = field(default_factory=dict)
    bindings: dict[str, str] = field(default_factory=dict)
    """Name to the flow mapping behind it."""
    moved: list[tuple[str, str]] = field(default_factory=list)

    def write(self) -> None:
        """Write pnsync.yaml."""
        nx, la = self.endpoints if self.endpoints[0] else (self.nx.endpoint, self.la.endpoint)
        lines = [
            "version: 1",
            "providers:",
            f'  nx: {{type: nxcloud, endpoint: "{nx}", rate: 1000, settle_window: {self.settle_window}}}',
            f'  la: {{type: laaffic, endpoint: "{la}", app_id: 4luaKsL2, rate: 1000, settle_window: {self.settle_window}}}',
            "defaults: {provider: nx, expires_in: 1d}",
            *([self.extra] if self.extra else []),
            *_section("groups", self.groups),
            *_section("bindings", self.bindings),
        ]
        if self.moved:
            pairs = ", ".join(f"{{from: {old}, to: {new}}}" for old, new in self.moved)
            lines.append(f"moved: [{pairs}]")
        (self.folder / "pnsync.yaml").write_text("\n".join(lines) + "\n")

    def desks(self, numbers: Iterable[int]) -> None:
        """Declare extension bindings: desk-N has extension 1NN and a phone of its own."""
        for one in numbers:
            self.bindings[f"desk-{one}"] = desk(PHONES[one], HOTLINE[0], 100 + one)
        self.write()

    @property
    def live(self) -> int:
        """How many bindings live at both vendors."""
        return len(self.nx.bindings()) + len(self.la.bindings())


def desk(phone: str, x: str, extension: int, **more: str) -> str:
    """An extension binding."""
    return flow(mode="axb_extension", phone_a=phone, phone_x=x, extension=f"{extension:03}", **more)


def flow(**values: str) -> str:
    """A mapping in one line."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in values.items()) + "}"


def _section(title: str, among: Mapping[str, str]) -> list[str]:
    return [f"{title}:", *(f"  {name}: {value}" for name, value in among.items())] if among else []
