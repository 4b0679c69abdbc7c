"""Which modules are mutated, and the tests that are to notice: the fast ones of each, mutmut finds those that reach a function."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the product and the tests run on its mutants."""

    file: str
    tests: tuple[str, ...]


_PLANNER = (
    "tests/test_planner.py",
    "tests/test_planner_doubt.py",
    "tests/test_planner_groups.py",
    "tests/test_planner_time.py",
    "tests/test_holds.py",
    "tests/test_limits.py",
    "tests/test_ordering.py",
    "tests/test_scope.py",
    "tests/properties/test_planner_properties.py",
)

MODULES = {
    "planner": Module("pnsync/planner.py", _PLANNER),
    "cases": Module("pnsync/cases.py", _PLANNER),
    "lifetimes": Module("pnsync/lifetimes.py", ("tests/test_lifetimes.py",)),
    "laaffic-signing": Module("pnsync/providers/laaffic/signing.py", ("tests/providers/test_golden.py",)),
    "nxcloud-signing": Module("pnsync/providers/nxcloud/signing.py", ("tests/providers/test_golden.py",)),
}
