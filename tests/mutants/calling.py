"""Mutants of the making of calls: the record before and after, what an answer proves, and when none may follow."""

from .layers import CHECK, FIRST_FAILURE, ROWS, SLOT, STAMPS, STRAYS, WRITER
from .mutant import DIRECTED, RULES, Mutant

APPLY, OUTCOMES, JOURNAL = "apply/applying.py", "outcomes.py", "journal.py"

CALLING = (
    Mutant(
        "call before its intent is durable",
        (
            (
                APPLY,
                "            self.session.check()\n            self._write()\n        return (None",
                "            self.session.check()\n        return (None",
            ),
        ),
        tests=("tests/test_apply.py",),
        shown=(0,),
    ),
    Mutant(
        "outcome written before the answer",
        (
            (
                APPLY,
                "        self.flying.add(ticket)\n        self.tally.calls += 1\n",
                "        if step.unbinds is not None:\n"
                "            self.session.record(Closed(intent.attempt, Applied(), int(self.clock.now())))\n"
                "        self.flying.add(ticket)\n        self.tally.calls += 1\n",
            ),
        ),
        tests=("tests/test_apply.py", "tests/test_outcomes.py"),
        shown=(1,),
    ),
    Mutant(
        "an error is a failure",
        (
            (
                JOURNAL,
                "                self.pending[attempt] = Pending(pending.intent, Standing.UNKNOWN, reason, code, request_id)\n",
                "                del self.pending[attempt]\n",
            ),
        ),
        tests=("tests/test_journal_effects.py", "tests/test_journal.py"),
        off=(STRAYS,),
        shown=(2,),
    ),
    Mutant(
        "every refusal ends its attempt",
        (
            (
                JOURNAL,
                "standing = Standing.REFUSED if refusal in ENDING else Standing.DOUBTFUL",
                "standing = Standing.REFUSED",
            ),
        ),
        tests=("tests/test_journal_effects.py", "tests/test_journal.py"),
        shown=(f"{RULES}::test_what_was_refused_and_takes_effect_all_the_same_is_not_bound_twice",),
    ),
    Mutant(
        "a refused attempt is forgotten",
        (
            (
                JOURNAL,
                "                self.pending[attempt] = Pending(pending.intent, standing, reason, code, request_id)\n",
                "                del self.pending[attempt]\n",
            ),
        ),
        tests=("tests/test_journal_effects.py", "tests/test_journal.py"),
        shown=(f"{RULES}::test_what_was_refused_and_takes_effect_all_the_same_is_found",),
    ),
    Mutant(
        "a broken connection passes for not sent",
        (
            (
                "transport_errors.py",
                "    httpx.UnsupportedProtocol,\n)",
                "    httpx.UnsupportedProtocol,\n    httpx.ReadError,\n    httpx.ReadTimeout,\n)",
            ),
        ),
        tests=("tests/providers/test_transport_errors.py",),
        shown=(2,),
    ),
    Mutant(
        "a server's error passes for a refusal",
        (
            (
                "replies.py",
                "    if status >= 500 or 300 <= status < 400:\n        return Unknown(",
                "    if status >= 500 or 300 <= status < 400:\n"
                "        return Refused(Refusal.VALIDATION, reply.code, reply.says, reply.request_id)\n"
                "        return Unknown(",
            ),
            (
                "replies.py",
                "    if status != 200:\n        return Unknown(",
                "    if status != 200:\n"
                '        return Refused(Refusal.VALIDATION, "", why)\n'
                "        return Unknown(",
            ),
        ),
        tests=("tests/providers/test_codes.py", "tests/providers/test_calls.py"),
        shown=(f"{RULES}::test_what_was_refused_and_takes_effect_all_the_same_is_not_bound_twice",),
    ),
    Mutant(
        "success without an id passes for success",
        (
            (
                "nxcloud/wire.py",
                'bind_id = decoding.required_identifier(answer.data, "bindId")',
                'bind_id = str(answer.data.get("bindId", "0"))',
            ),
        ),
        tests=(
            "tests/providers/test_codes.py",
            "tests/providers/test_fuzz.py",
            "tests/providers/test_calls.py",
        ),
        shown=(f"{RULES}::test_success_without_an_id_is_no_success",),
    ),
    Mutant(
        "blind retry on a time-out",
        (
            (
                OUTCOMES,
                "        self.telling.uncertain(index, intent, unknown.reason)\n",
                "        if progress.tries[index] < 2:\n            self.again(index)\n            return\n"
                "        self.telling.uncertain(index, intent, unknown.reason)\n",
            ),
        ),
        tests=("tests/test_outcomes.py",),
        shown=(7,),
    ),
    Mutant(
        "-35 taken as success",
        (
            (
                OUTCOMES,
                "        now = int(self.clock.now())\n        self.batch.add(Closed(",
                "        if isinstance(outcome, Refused) and outcome.vendor_code == '-35':\n"
                "            outcome = Applied('1')\n"
                "        now = int(self.clock.now())\n        self.batch.add(Closed(",
            ),
        ),
        shown=(2,),
    ),
    Mutant(
        "signed again after a pause",
        (
            (
                "providers/http.py",
                "        return max(wall, monotonic) <= SIGNATURE_SECONDS",
                "        return True or max(wall, monotonic) <= SIGNATURE_SECONDS",
            ),
            *STAMPS.patches,
        ),
        tests=("tests/providers/test_calls.py",),
        shown=(f"{RULES}::test_a_run_that_was_overtaken_before_its_call_does_not_make_it",),
    ),
    Mutant(
        "the calls of one record leave however late",
        (
            (
                APPLY,
                "            if not fresh and (stamp > intent.latest_at or stamp < intent.signed_at - EARLIER_SECONDS):\n",
                "            if False:\n",
            ),
        ),
        tests=("tests/test_apply_groups.py",),
        off=(STAMPS, CHECK),
        shown=(f"{RULES}::test_a_run_that_was_overtaken_makes_none_of_the_calls_of_its_record",),
    ),
    Mutant(
        "attempts are counted anew when a run plans again",
        ((APPLY, "ticket = next(self.tally.tickets)", "ticket = len(self.step_of_ticket)"),),
        tests=("tests/test_settlement.py",),
        shown=(4,),
    ),
    Mutant(
        "a generation is used twice",
        (("state.py", "return max(*used, self.generation_base) + 1", "return 1"),),
        tests=("tests/test_attempts.py",),
        shown=(1,),
    ),
    Mutant(
        "no client id at NXCloud",
        (("attempts.py", "    if provider.capabilities.client_ids:\n", "    if False:\n"),),
        tests=("tests/test_attempts.py",),
        shown=(1,),
    ),
    Mutant(
        "three unknown outcomes in a row stop nothing",
        ((OUTCOMES, "        if unknowns[provider] >= BREAKER_UNKNOWNS:\n", "        if False:\n"),),
        tests=("tests/test_outcomes.py",),
        unseen="the breaker spares a vendor that fails, and its open calls are settled like any others",
    ),
    Mutant(
        "refused credentials stop nothing",
        (
            (
                OUTCOMES,
                '                tally.stopped[step.provider] = f"{step.provider} refused the credentials"\n',
                "",
            ),
        ),
        tests=("tests/test_outcomes.py",),
        unseen="each further call is refused like the first; a vendor may lock the account",
    ),
    Mutant(
        "an idle connection is used again",
        (("network.py", "KEEP_ALIVE_SECONDS: Final = 2.0", "KEEP_ALIVE_SECONDS: Final = 60.0"),),
        tests=("tests/providers/test_sockets.py",),
        unseen="a half-closed connection makes needless unknown outcomes, which are settled like any others",
    ),
    Mutant(
        "calls go on after a signal",
        (
            (
                "starting.py",
                '        if progress.closing and not finishing:\n            return "the run was stopped"\n',
                "",
            ),
        ),
        tests=("tests/test_starting.py", "tests/test_apply.py"),
        shown=(f"{RULES}::test_after_a_signal_no_call_is_begun",),
    ),
    Mutant(
        "a signal waits for calls in flight",
        ((APPLY, "GRACE_SECONDS = 4.0", "GRACE_SECONDS = 40.0"),),
        tests=("tests/test_apply.py",),
        shown=(f"{RULES}::test_a_signal_ends_a_run_while_its_vendor_hangs",),
    ),
    Mutant(
        "the second half of a change waits for the end of a signal",
        (("progress.py", "        return step.finishes and any(", "        return False and any("),),
        tests=("tests/test_apply_halves.py", "tests/test_starting.py"),
        shown=(f"{RULES}::test_a_signal_leaves_nothing_half_done_that_its_seconds_suffice_for",),
    ),
    Mutant(
        "a number printed unmasked once",
        (
            (
                "plan.py",
                "    if isinstance(value, Phone):\n        return masker.show(value)\n",
                "    if isinstance(value, Phone):\n        return value.digits\n",
            ),
        ),
        tests=("tests/test_planner.py", "tests/test_masking.py"),
        shown=(0,),
    ),
    Mutant(
        "X and extension released before the unbind's outcome",
        (
            (
                "steps.py",
                "            if other not in self._placed:\n                continue\n",
                "            if other not in self._placed or True:\n                continue\n",
            ),
        ),
        tests=("tests/test_ordering.py", "tests/test_planner_cases.py"),
        shown=(f"{RULES}::test_what_an_unbind_frees_waits_for_its_outcome",),
    ),
    Mutant(
        "calls go on after a storage error",
        (
            (
                "batch.py",
                "            self._session.record(*events)\n",
                "            try:\n                self._session.record(*events)\n            except Exception:\n                pass\n",
            ),
        ),
        tests=("tests/test_outcomes.py", "tests/test_apply.py"),
        off=(FIRST_FAILURE,),
        shown=(2,),
    ),
    Mutant(
        "a broken lock is not noticed before a call",
        CHECK.patches,
        tests=("tests/test_store_sessions.py", "tests/test_store.py"),
        off=(WRITER, SLOT),
        shown=(f"{RULES}::test_a_run_whose_lock_was_broken_makes_no_further_call",),
    ),
    Mutant(
        "unbind by pair instead of id",
        (
            (
                "attempts.py",
                "        bind_id=None if step.unbinds is None else step.unbinds.bind_id,\n",
                "        bind_id=None if step.unbinds is None else next((row.bind_id for row in listed if (row.phone_a, row.phone_b)"
                " == (step.unbinds.phone_a, step.unbinds.phone_b)), step.unbinds.bind_id),\n",
            ),
        ),
        tests=("tests/test_attempts.py",),
        shown=(f"{DIRECTED}::test_another_binding_of_the_same_pair_is_left_alone",),
    ),
    Mutant(
        "unbind without a fresh listing",
        (
            (
                APPLY,
                "            self.batch.flush()\n            began = self.clock.monotonic()\n",
                "            return self.proofs.show(step.unbinds)\n            began = self.clock.monotonic()\n",
            ),
        ),
        tests=("tests/test_apply.py",),
        shown=(f"{RULES}::test_a_listing_proves_for_ten_minutes_and_is_read_again_after_them",),
    ),
    Mutant(
        "unbind without comparing id and phones",
        (
            (
                "proofs.py",
                "        return trusted and row is not None and same_identity(row, binding)",
                "        return trusted and row is not None",
            ),
        ),
        tests=("tests/test_proofs.py",),
        shown=(f"{RULES}::test_an_id_that_became_another_s_during_an_apply_is_not_unbound",),
    ),
    Mutant(
        "a listed row is ours by its bind id alone",
        ROWS.patches,
        tests=("tests/test_planner_doubt.py",),
        shown=(f"{RULES}::test_an_id_that_is_another_s_by_now_is_not_unbound",),
    ),
)
