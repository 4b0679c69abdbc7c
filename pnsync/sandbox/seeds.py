"""What a new simulated account owns: the numbers, groups and pools of the vendors' published samples, and some more."""

from pnsync.sandbox.records import Group, Pool
from pnsync.sandbox.switchboard import Rules, Switchboard

CREDENTIALS = {"sandbox": "sandbox"}
"""Access key (or API key) to secret; the sandbox needs no secret of anybody's."""

HOTLINE_GROUP_ID = "5d0ab1e5f00d4c0de1"

_NX_NUMBERS = (
    *("447401264117", "447401264118", "447401264119", "85235753351", "85235753352", "85235753311"),
    *(str(447401264120 + n) for n in range(8)),
    *(str(85235753353 + n) for n in range(6)),
)


def new_account(vendor: str, rules: Rules, *, seed: int = 0) -> Switchboard:
    """A fresh account of `vendor` (nxcloud or laaffic); the same seed gives the same ids."""
    board = Switchboard(rules, seed=seed)
    if vendor == "nxcloud":
        board.numbers = dict.fromkeys(_NX_NUMBERS)
        hotline = Group(HOTLINE_GROUP_ID, "hotline-pool", ("447401264117", "447401264118", "447401264119"))
        board.groups = {hotline.group_id: hotline}
    elif vendor == "laaffic":
        india = Pool("918806", "127.0.0.1", 99, tuple(str(9188061024 + n) for n in range(20)))
        sample = Pool("915027021995", "192.168.10.17,192.168.10.18", 99, ("9178605501", "9178605502"))
        board.pools = {india.pool: india, sample.pool: sample}
    else:
        raise ValueError("vendor is neither nxcloud nor laaffic")
    return Switchboard.restore(board.snapshot(), rules)
