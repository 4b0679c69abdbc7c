"""Which addresses a command is about: the selectors of `--target` and `--exclude` (SPEC 3). Pure.

A selector is an address, a glob (`bindings.clinic-*`), `label=value` or `provider=NAME`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

Labels = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Targets (none: everything) less what is excluded."""

    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def holds(self, address: str, provider: str, labels: Labels = ()) -> bool:
        """Whether an address is selected."""
        chosen = not self.targets or any(selects(one, address, provider, labels) for one in self.targets)
        return chosen and not any(selects(one, address, provider, labels) for one in self.excludes)

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.targets and not self.excludes


def selects(selector: str, address: str, provider: str, labels: Labels) -> bool:
    """Whether one selector names this address."""
    name, sign, value = selector.partition("=")
    if not sign:
        return fnmatchcase(address, selector) or fnmatchcase(address, f"bindings.{selector}")
    if name == "provider":
        return provider == value
    return (name.removeprefix("label."), value) in tuple(labels)
