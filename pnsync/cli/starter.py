"""What `pnsync init` writes: a root file that validates and plans as it is, against the simulated vendor."""

from typing import Final

IGNORED: Final = ("/state/", "*.pnsplan", "/numbers.yaml")
"""What Git should not keep: the state and the numbers are personal data, saved plans are for one apply."""

NUMBERS_FILE: Final = "numbers.yaml"
NUMBERS: Final = """\
# NAME: PHONE, one a line; change it with: pnsync numbers add|rm|edit
# It is personal data in clear, so Git ignores it. To share it, seal it: pnsync numbers add NAME --file numbers.yaml.age
example-phone: 447700900123
"""

ROOT: Final = """\
# The bindings that pnsync keeps at the vendors. See what would change with: pnsync plan
version: 1
lineage: {lineage}  # the identity of the state: a missing or another one is an error, not a first run
state: {{backend: local, path: {state}}}

providers:
  nx:
    type: nxcloud
    endpoint: sandbox  # the simulated vendor inside pnsync: free, and needs no account
    # The real one: delete the line above, and set NXCLOUD_ACCESS_KEY and NXCLOUD_ACCESS_SECRET in the environment.

defaults: {{provider: nx, expires_in: 1d}}

# Real numbers stand in a file of their own, by name; a number written here is refused.
numbers: numbers.yaml
policy: {{numbers: named}}

bindings:
  # Who dials 447401264117 and then 101 reaches this phone, and does not see its number.
  example-desk:
    mode: axb_extension
    phone_a: example-phone
    phone_x: 447401264117
    extension: 101
"""


def root_text(lineage: str, state: str) -> str:
    """The root file for a state at this path, relative to its folder."""
    return ROOT.format(lineage=lineage, state=state)


def ignoring(text: str) -> str:
    """A `.gitignore` with our lines, each once."""
    known = set(text.split("\n"))
    missing = [one for one in IGNORED if one not in known]
    if not missing:
        return text
    between = "" if not text or text.endswith("\n") else "\n"
    return text + between + "\n".join(missing) + "\n"
