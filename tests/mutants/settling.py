"""Mutants of what is concluded from a listing: windows, quarantine, adoption, and whose a row is."""

from .layers import ECHO, GHOSTS, LATE, QUARANTINE, STRAYS
from .mutant import DIRECTED, LISTINGS, Mutant

RECOVERY, FINDINGS, SCANNING = "recovery.py", "findings.py", "providers/scanning.py"
_TESTS = ("tests/test_recovery.py", "tests/test_settlement.py", "tests/test_planner_doubt.py")

SETTLING = (
    Mutant(
        "no window",
        (
            (
                RECOVERY,
                "if not listing.stable or listing.started_at < intent.not_before:",
                "if not listing.stable:",
            ),
        ),
        tests=_TESTS,
        off=(STRAYS, LATE),
        shown=(7,),
    ),
    Mutant(
        "what is listed is not believed before its window",
        (
            (
                RECOVERY,
                "        rows = [row for row in rows if not self._taken(row)]\n        if rows:\n",
                "        rows = [row for row in rows if not self._taken(row)]\n"
                "        if rows and listing.started_at >= intent.not_before:\n",
            ),
        ),
        tests=_TESTS,
        unseen="its address waits needlessly, and is settled all the same",
    ),
    Mutant(
        "gone is not gated",
        (
            (
                FINDINGS,
                "        if listing.started_at >= visible_from:\n            return False\n",
                "        return False\n",
            ),
        ),
        tests=("tests/test_planner_doubt.py", "tests/test_planner_time.py", "tests/test_planner.py"),
        off=(QUARANTINE,),
        shown=(f"{DIRECTED}::test_what_a_lagging_listing_does_not_show_is_not_bound_twice",),
    ),
    Mutant(
        "no quarantine of an address",
        QUARANTINE.patches,
        tests=("tests/test_planner_doubt.py",),
        shown=(f"{LISTINGS}::test_what_may_still_take_effect_is_not_bound_again",),
    ),
    Mutant(
        "no adoption by client id",
        STRAYS.patches,
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_what_a_second_delivery_made_after_the_unbind_is_known_by_its_id",),
    ),
    Mutant(
        "what comes late is not adopted",
        LATE.patches,
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_what_takes_effect_after_its_address_was_freed_is_found",),
    ),
    Mutant(
        "any binding of the pair is adopted",
        (
            (
                RECOVERY,
                "        if self._taken(row) or row.bind_id in intent.known_ids:\n            return False\n",
                "        if self._taken(row):\n            return False\n        if row.bind_id:\n            return True\n",
            ),
        ),
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_another_s_binding_of_the_pair_is_not_taken_for_ours",),
    ),
    Mutant(
        "what was listed before the intent is taken for its outcome",
        (
            (
                RECOVERY,
                "        if self._taken(row) or row.bind_id in intent.known_ids:\n",
                "        if self._taken(row):\n",
            ),
        ),
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_what_was_listed_before_the_call_is_not_taken_for_its_outcome",),
    ),
    Mutant(
        "while a zone is unknown any end fits",
        (
            (
                RECOVERY,
                "        return zone_between(row.naive_expiry, earliest, latest) is not None",
                "        return True",
            ),
        ),
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_another_s_binding_of_the_pair_is_not_taken_for_ours",),
    ),
    Mutant(
        "a bind that took effect late teaches a zone",
        (
            (
                RECOVERY,
                "        if self.now + listing.clock_ahead - intent.signed_at > CERTAIN_SECONDS:\n            return None\n",
                "",
            ),
        ),
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_what_took_effect_a_quarter_of_an_hour_late_teaches_no_zone",),
    ),
    Mutant(
        "a second delivery is forgotten",
        ECHO.patches,
        tests=("tests/test_journal_effects.py", "tests/test_recovery.py"),
        shown=(f"{DIRECTED}::test_a_second_delivery_is_found_and_unbound",),
    ),
    Mutant(
        "two bindings of one call stay",
        (
            (
                RECOVERY,
                "        for row in others:\n            self._emit(Doubled(row.key, superseded_of(intent.address, row)))\n",
                "",
            ),
        ),
        tests=_TESTS,
        off=(ECHO,),
        shown=(f"{LISTINGS}::test_what_one_request_made_twice_is_not_forgotten",),
    ),
    Mutant(
        "what a call did not ask for is taken for its outcome",
        (
            (
                RECOVERY,
                "            if rows and not all(_same_call(row, intent, target) for row in rows):\n",
                "            if False:\n",
            ),
        ),
        tests=_TESTS,
        unseen="an id of ours under other values is an error of the vendor's, which no simulated vendor makes",
    ),
    Mutant(
        "two candidates, and the first is taken",
        ((RECOVERY, "            if len(rows) > 1 or (rows and answered):\n", "            if False:\n"),),
        tests=_TESTS,
        shown=(f"{DIRECTED}::test_what_others_bind_for_the_same_pair_is_not_unbound",),
    ),
    Mutant(
        "two groups could be it, and the first is taken",
        ((RECOVERY, "        if len(same) > 1:\n", "        if False:\n"),),
        tests=_TESTS,
        unseen="a second group of the same name and phones lets nobody in, and is a person's to delete",
    ),
    Mutant(
        "a ghost of a lagging listing is taken for an outcome",
        (
            (
                RECOVERY,
                "            rows = [row for row in rows if told or row.key not in self.state.unbound]\n",
                "",
            ),
        ),
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_a_ghost_of_a_lagging_listing_is_no_outcome",),
    ),
    Mutant(
        "what was unbound is not remembered",
        GHOSTS.patches,
        tests=("tests/test_journal_effects.py",),
        shown=(f"{LISTINGS}::test_a_ghost_of_a_lagging_listing_is_no_outcome",),
    ),
    Mutant(
        "early retry without a vendor that refuses a second one",
        (("model.py", "{Mode.AXB: 120, Mode.AXXB: 1920,", "{Mode.AXB: 120, Mode.AXXB: 120,"),),
        tests=("tests/test_attempts.py",),
        shown=(f"{LISTINGS}::test_what_may_still_take_effect_is_not_bound_again",),
    ),
    Mutant(
        "an absence in one scan is believed",
        (
            ("model.py", "        return self.scans >= 2 and not self.problems", "        return True"),
            (
                "workflow.py",
                "            observed = read_listings(world, state, scans=2)\n        self._look()",
                "            observed = read_listings(world, state, scans=1)\n        self._look()",
            ),
        ),
        tests=_TESTS,
        shown=(f"{LISTINGS}::test_pages_that_move_hide_no_binding",),
    ),
    Mutant(
        "a listing with rows that cannot be read is believed",
        (
            ("model.py", "        return not self.problems", "        return True"),
            (
                "model.py",
                "        return self.scans >= 2 and not self.problems",
                "        return self.scans >= 2",
            ),
        ),
        tests=("tests/test_planner_doubt.py", "tests/test_proofs.py", *_TESTS),
        shown=(f"{LISTINGS}::test_a_damaged_listing_hides_no_binding",),
    ),
    Mutant(
        "a total that tells of more rows is ignored",
        (
            (
                SCANNING,
                "    if not scan.moved:\n        scan.moved = _total_fault",
                "    if False:\n        scan.moved = _total_fault",
            ),
        ),
        tests=("tests/providers/test_scanning.py",),
        shown=(f"{LISTINGS}::test_a_damaged_listing_hides_no_binding",),
    ),
    Mutant(
        "a listing is as young as its end",
        (
            (
                SCANNING,
                "    return Scanned(tuple(last.rows.values()), first.started_at,",
                "    return Scanned(tuple(last.rows.values()), clock.now(),",
            ),
        ),
        tests=("tests/providers/test_scanning.py",),
        shown=(f"{LISTINGS}::test_a_listing_tells_of_the_time_at_which_it_began",),
    ),
    Mutant(
        "a vendor that cannot be read lists nothing",
        (
            (
                "refresh.py",
                "            failures[name] = listing\n            continue\n",
                "            failures[name] = listing\n            listings[name] = Listing(name, (), scans=scans, started_at=clock.now())\n            continue\n",
            ),
        ),
        tests=("tests/test_settlement.py",),
        shown=(f"{LISTINGS}::test_a_vendor_that_cannot_be_read_hides_no_binding",),
    ),
)
