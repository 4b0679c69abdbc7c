"""The pages of E270 to E272, W410 and W411: what can be wrong with numbers that are kept apart from bindings."""

from typing import Final

from pnsync.explain import Page

_EXAMPLE = "numbers: numbers.yaml\nbindings:\n  desk: {mode: axb_extension, phone_a: alice, phone_x: 447401264117, extension: 101}"
NUMBERS: Final[dict[str, Page]] = {
    "E270": Page(
        "A name without a number",
        "A phone is written as a name, and no file of numbers has it. `pnsync numbers list` shows all that there are, "
        "`pnsync numbers add NAME` adds one.",
        _EXAMPLE,
    ),
    "E271": Page(
        "What cannot name a number",
        "A name has 1 to 100 letters, digits, dots, underscores and hyphens, and a letter among them, so that it cannot "
        "be taken for a number.",
        "alice: 447700900123",
    ),
    "E272": Page(
        "One name for two numbers",
        "The name stands in two files, or twice in one, and it cannot be told which number is meant. Names are shared by "
        "all files: give each team's a prefix of its own.",
        "west.alice: 447700900123",
    ),
    "W410": Page(
        "A number that nothing uses",
        "No binding and no group names it. Real numbers that are not needed are better not kept: `pnsync numbers rm NAME`.",
        "",
    ),
    "W411": Page(
        "Numbers that were not read",
        "`validate` checks what it can: a file of numbers that is not here (a plain one is ignored by Git), or that is sealed "
        "while no age identity is given (a pull request from a fork has none), is passed over. A name that no file has is "
        "then not noticed, nor is a phone that is missing in a group. `plan` and `apply` read every file, or stop.",
        "",
    ),
}
"""Each code with its page."""
