"""A root file with every section that users see, as one would write it by hand."""

from pnsync.config import load
from pnsync.model import Holds, Mode

SAMPLE = """\
version: 1
lineage: 7c4d1a2b                          # optional, written by init
include: ["bindings/*.yaml"]
state: {backend: local, path: state/pnsync.state.json}
schedule: {every: 6h, late_by: 8h}         # how often CI runs pnsync, and how late it may come
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
  ride-17: {mode: axb, phone_a: "+852 1111 1114", phone_b: 85222222222, expires_at: 2026-12-24T18:00:00Z}
  driver-4: {provider: la, mode: axxb, phone_a: 9188067701, phone_b: 9188067799, pool_number: 918806, expires_in: 3d}
moved: [{from: desk-ldn, to: desk-london}]
policy:
  max_unbind: 10%
  max_rebind: 10%
  max_missing: 5%
  require_recording: false
  allow_never_expire: true
  allowed_country_codes: [44, 852, 91]
  quarantine: 24h
"""


def test_a_whole_root_file(tmp_path):
    (tmp_path / "pnsync.yaml").write_text(SAMPLE)
    (tmp_path / "bindings").mkdir()
    (tmp_path / "bindings" / "more.yaml").write_text("bindings: {}\n")
    desired = load(tmp_path, environ={})
    assert list(desired.bindings) == ["order-66666666", "desk-london", "ride-17", "driver-4"]
    assert desired.bindings["order-66666666"].extension == "101"
    assert desired.bindings["desk-london"].x_group == "hotline-pool"
    assert desired.bindings["desk-london"].lifetime.never
    assert desired.bindings["ride-17"].phone_a.digits == "85211111114"
    assert desired.bindings["ride-17"].lifetime.until == 1798135200
    assert desired.bindings["driver-4"].mode is Mode.AXXB
    assert desired.groups["couriers"].holds is Holds.PEOPLE
    assert desired.groups["hotline-pool"].phones is None
    assert desired.moved[0].source == "bindings.desk-ldn"
    assert desired.lineage == "7c4d1a2b"
