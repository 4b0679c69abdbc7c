"""`pnsync.config.load` as its users see it: a folder of files in, `Desired` or diagnostics out."""

from pathlib import Path

from pnsync.config import load
from pnsync.model import Holds, Lifetime, Mode

SAMPLE = """\
version: 1
lineage: 7c4d1a2b
include: ["bindings/*.yaml"]
state: {backend: local, path: state/pnsync.state.json}
schedule: {every: 6h, late_by: 8h}
providers:
  nx: {type: nxcloud}
  la: {type: laaffic, app_id: 4luaKsL2}
defaults: {provider: nx, expires_in: 1d, renew_before: 20%, recording: false}
groups:
  hotline-pool: {provider: nx, holds: numbers}
  couriers:
    provider: nx
    holds: people
    phones: [85211111114, 85235753351]
    remark: Number Group A
bindings:
  order-66666666:
    mode: axb_extension
    phone_a: 446075363777
    phone_b: 448646607772
    phone_x: 447401264117
    extension: 101
    customer_bind_id: 66666666
    recording: true
    expires_in: 86400
  desk-london:
    mode: axb_extension
    phone_a: 447700900123
    phone_x: {group: hotline-pool}
    extension: auto
    expires_in: never
"""


def test_the_sample_of_the_contract(tmp_path: Path) -> None:
    (tmp_path / "pnsync.yaml").write_text(SAMPLE)
    (tmp_path / "bindings").mkdir()
    (tmp_path / "bindings" / "rides.yaml").write_text(
        'bindings:\n  ride-17:\n    mode: axb\n    phone_a: "+852 1111 1114"\n    phone_b: 85222222222\n'
        "    expires_at: 2026-12-24T18:00:00Z\n"
    )
    desired = load(tmp_path, environ={})
    order, desk, ride = desired.bindings.values()
    assert (order.extension, order.customer_bind_id, order.recording) == ("101", "66666666", True)
    assert order.lifetime == Lifetime(86400, renew_before_seconds=15 * 3600)
    assert (desk.x_group, desk.extension_auto, desk.lifetime.never) == ("hotline-pool", True, True)
    assert (ride.mode, ride.phone_a.digits, ride.lifetime.until) == (Mode.AXB, "85211111114", 1798135200)
    assert desired.groups["hotline-pool"].holds is Holds.NUMBERS
    assert desired.files == ("pnsync.yaml", "bindings/rides.yaml")
    assert desired.diagnostics == ()
