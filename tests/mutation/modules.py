"""Which modules are mutated, and the tests that are to notice: the fast ones of each, mutmut finds those that reach a function."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the product and the tests run on its mutants."""

    file: str
    tests: tuple[str, ...]
    first: tuple[str, ...] = ()
    """Those that notice most: what they leave alive is tried with all."""


_CASES = ("tests/test_planner_cases.py",)
_PLANNER = (
    "tests/test_planner.py",
    "tests/test_planner_cases.py",
    "tests/test_planner_doubt.py",
    "tests/test_planner_groups.py",
    "tests/test_planner_time.py",
    "tests/test_holds.py",
    "tests/test_limits.py",
    "tests/test_ordering.py",
    "tests/test_steps.py",
    "tests/test_ordering_edges.py",
    "tests/test_retries.py",
    "tests/test_scope.py",
    "tests/test_planner_shards.py",
    "tests/test_allocation.py",
    "tests/test_quarantine_edges.py",
    "tests/properties/test_planner_properties.py",
)
_ORDERING = (
    "tests/test_ordering.py",
    "tests/test_steps.py",
    "tests/test_ordering_edges.py",
    "tests/test_planner_shards.py",
)
_ALLOCATION = (
    "tests/test_allocation.py",
    "tests/test_allocation_edges.py",
    "tests/test_slots_edges.py",
    "tests/test_quarantine_edges.py",
    "tests/test_capacity.py",
    "tests/test_usage.py",
    "tests/properties/test_allocation_properties.py",
)
_RECOVERY = (
    "tests/test_recovery.py",
    "tests/test_recovery_beside.py",
    "tests/test_recovery_edges.py",
    "tests/test_zones.py",
)

_STATE = ("tests/test_journal.py", "tests/test_journal_effects.py", "tests/test_replay.py")
_STORE = (
    "tests/test_store_sessions.py",
    "tests/test_history.py",
    "tests/test_store_refusals.py",
    "tests/test_store.py",
    "tests/test_lease.py",
    "tests/sealing/test_store.py",
)
_APPLY = (
    "tests/test_apply_groups.py",
    "tests/test_settlement.py",
    "tests/test_apply.py",
    "tests/test_starting.py",
    "tests/test_telling.py",
    "tests/test_outcomes.py",
)

_SIGNING = ("tests/providers/test_golden.py", "tests/providers/test_signing.py")

MODULES = {
    "planner": Module("pnsync/planner/table.py", _PLANNER, _CASES),
    "cases": Module("pnsync/planner/cases.py", _PLANNER, _CASES),
    "wanted": Module("pnsync/planner/wanted.py", _PLANNER, _CASES),
    "undeclared": Module("pnsync/planner/undeclared.py", _PLANNER, _CASES),
    "fitting": Module("pnsync/planner/fitting.py", _PLANNER, _CASES),
    "steps": Module("pnsync/planner/steps.py", _PLANNER, _ORDERING),
    "ordering": Module("pnsync/planner/ordering.py", _PLANNER, _ORDERING),
    "disjoint": Module(
        "pnsync/planner/disjoint.py", ("tests/test_disjoint.py", *_ALLOCATION), ("tests/test_disjoint.py",)
    ),
    "allocation": Module("pnsync/planner/allocation.py", (*_ALLOCATION, *_PLANNER), _ALLOCATION),
    "slots": Module("pnsync/planner/slots.py", (*_ALLOCATION, *_PLANNER), _ALLOCATION),
    "occupancy": Module(
        "pnsync/planner/occupancy.py",
        ("tests/test_occupancy_edges.py", *_PLANNER),
        ("tests/test_occupancy_edges.py",),
    ),
    "quarantine": Module(
        "pnsync/planner/quarantine.py", (*_ALLOCATION, *_PLANNER, "tests/test_settlement.py"), _ALLOCATION
    ),
    "groups": Module(
        "pnsync/planner/groups.py",
        ("tests/test_groups_whole.py", *_PLANNER),
        ("tests/test_groups_whole.py", "tests/test_planner_groups.py"),
    ),
    "retries": Module("pnsync/planner/retries.py", _PLANNER, ("tests/test_retries.py",)),
    "comparison": Module(
        "pnsync/planner/comparison.py", ("tests/test_comparison.py", *_PLANNER), ("tests/test_comparison.py",)
    ),
    "calls": Module("pnsync/planner/calls.py", ("tests/test_calls.py", *_PLANNER), ("tests/test_calls.py",)),
    "staging": Module(
        "pnsync/planner/staging.py", ("tests/test_routing.py", *_PLANNER), ("tests/test_routing.py",)
    ),
    "recovery": Module(
        "pnsync/recovery.py",
        (*_RECOVERY, "tests/test_settlement.py", "tests/test_planner_doubt.py"),
        _RECOVERY,
    ),
    "doubt": Module("pnsync/doubt.py", _RECOVERY),
    "lifetimes": Module("pnsync/lifetimes.py", ("tests/test_lifetimes.py",)),
    "laaffic-signing": Module("pnsync/providers/laaffic/signing.py", _SIGNING),
    "nxcloud-signing": Module("pnsync/providers/nxcloud/signing.py", _SIGNING),
    "journal": Module("pnsync/journal.py", _STATE),
    "record": Module("pnsync/statefile/record.py", ("tests/test_record.py", "tests/test_store_refusals.py")),
    "store": Module("pnsync/store/store.py", _STORE),
    "history": Module("pnsync/store/history.py", _STORE),
    "lease": Module("pnsync/store/lease.py", _STORE),
    "apply": Module("pnsync/apply/applying.py", _APPLY),
    "batch": Module("pnsync/apply/batch.py", _APPLY),
    "outcomes": Module("pnsync/apply/outcomes.py", _APPLY),
    "progress": Module("pnsync/apply/progress.py", _APPLY),
    "proofs": Module("pnsync/apply/proofs.py", ("tests/test_proofs.py", *_APPLY)),
    "starting": Module("pnsync/apply/starting.py", _APPLY),
    "telling": Module("pnsync/apply/telling.py", _APPLY),
    "settlement": Module("pnsync/apply/settlement.py", _APPLY),
    "attempts": Module(
        "pnsync/apply/attempts.py", ("tests/test_attempts.py", *_APPLY), ("tests/test_attempts.py",)
    ),
}
