"""What `pnsync init` writes: a root file that validates and plans as it is, against the simulated vendor."""

from collections.abc import Sequence
from typing import Final

IGNORED: Final = ("/state/", "*.pnsplan", "/numbers.yaml")
"""What Git should not keep: the state and the numbers are personal data, saved plans are for one apply."""

NUMBERS_FILE: Final = "numbers.yaml"
SEALED_FILE: Final = "numbers.yaml.age"
EXAMPLE: Final = "example-phone"
HEAD: Final = "# NAME: PHONE, one a line; change it with: pnsync numbers add|rm|edit\n"
CLEAR: Final = """\
# It is personal data in clear, so Git ignores it. To share it, seal it, and name the sealed file in the root file:
#     age -a -r age1… -o numbers.yaml.age numbers.yaml
"""

ROOT: Final = """\
# The bindings that pnsync keeps at the vendors. See what would change with: pnsync plan
version: 1
lineage: {lineage}  # the identity of the state: a missing or another one is an error, not a first run
state: {{{state}}}

providers:
  nx:
    type: nxcloud
    endpoint: sandbox  # the simulated vendor inside pnsync: free, and needs no account
    # The real one: delete the line above, and set NXCLOUD_ACCESS_KEY and NXCLOUD_ACCESS_SECRET in the environment.

defaults: {{provider: nx, expires_in: 1d}}

# Real numbers stand in a file of their own, by name; a number written here is refused.
numbers: {numbers}
policy: {{numbers: named}}

bindings:
  # Who dials 447401264117 and then 101 reaches this phone, and does not see its number.
  example-desk:
    mode: axb_extension
    phone_a: example-phone
    phone_x: 447401264117
    extension: 101
"""


def root_text(lineage: str, path: str, recipients: Sequence[str] = ()) -> str:
    """The root file for a state at this path, relative to its folder; sealed, numbers too, where there are recipients."""
    state = f"backend: local, path: {path}"
    if recipients:
        state += f", encryption: {{recipients: [{', '.join(recipients)}], enforced: true}}"
    return ROOT.format(lineage=lineage, state=state, numbers=SEALED_FILE if recipients else NUMBERS_FILE)


def numbers_text(*, clear: bool) -> str:
    """The file of numbers."""
    return f"{HEAD}{CLEAR if clear else ''}{EXAMPLE}: 447700900123\n"


def ignoring(text: str) -> str:
    """A `.gitignore` with our lines, each once."""
    known = set(text.split("\n"))
    missing = [one for one in IGNORED if one not in known]
    if not missing:
        return text
    between = "" if not text or text.endswith("\n") else "\n"
    return text + between + "\n".join(missing) + "\n"
