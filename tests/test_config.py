"""`pnsync.config.load` as its users see it: a folder of files in, `Desired` or diagnostics out."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pnsync.config
from pnsync.config import PAGES, load, load_source
from pnsync.config.crosscheck import check_together
from pnsync.config.entries import Places
from pnsync.config.findings import Findings
from pnsync.config.sources import SourceRefused
from pnsync.errors import ConfigError, Diagnostic, ExitCode, Severity
from pnsync.explain import Page, find
from pnsync.model import CredentialReference, Desired, Holds, Lifetime, Mode
from pnsync.phone import Phone
from pnsync.yamlfile import YAML_CODES

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
  ride-17:
    mode: axb
    phone_a: "+852 1111 1114"
    phone_b: 85222222222
    expires_at: 2026-12-24T18:00:00Z
moved: [{from: desk-ldn, to: desk-london}]
policy:
  max_unbind: 10%
  max_rebind: 25
  allowed_country_codes: [44, 852, 91]
  quarantine: 12h
"""
DRIVERS = """\
defaults: {provider: la, expires_in: 3d, pool_number: 918806, labels: {team: west}}
bindings:
  driver-4: {mode: axxb, phone_a: 9188067701, phone_b: 9188067799}
  driver-5: {mode: axb, phone_a: 9188067702, phone_b: 9188067798, pool_number: 9, labels: {tier: gold}}
"""
HEAD = "version: 1\nproviders:\n  nx: {type: nxcloud}\ndefaults: {provider: nx, mode: axb, expires_in: 1d}\n"
A, B, C = "447700900123", "447700900456", "447700900789"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder with these files, `pnsync.yaml` being the sample where it is not among them."""
    for name, text in {"pnsync.yaml": SAMPLE, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def found(folder: Path, files: Mapping[str, str], **environ: str) -> list[Diagnostic]:
    """Every diagnostic of a run over these files."""
    try:
        return list(load(write(folder, files), environ=environ).diagnostics)
    except ConfigError as error:
        return list(error.diagnostics)


def codes(diagnostics: list[Diagnostic]) -> list[str]:
    return [one.code for one in diagnostics]


@pytest.fixture
def desired(tmp_path: Path) -> Desired:
    return load(write(tmp_path, {"bindings/drivers.yaml": DRIVERS}), environ={})


def test_bindings_in_file_order_root_first(desired: Desired) -> None:
    assert list(desired.bindings) == ["order-66666666", "desk-london", "ride-17", "driver-4", "driver-5"]
    assert desired.files == ("pnsync.yaml", "bindings/drivers.yaml")
    assert (desired.root, desired.lineage) == ("pnsync.yaml", "7c4d1a2b")
    assert desired.diagnostics == ()


def test_the_bindings_of_the_sample(desired: Desired) -> None:
    order, desk, ride, driver, other = desired.bindings.values()
    assert (order.extension, order.customer_bind_id, order.recording) == ("101", "66666666", True)
    assert (order.phone_a.digits, order.phone_x) == ("446075363777", "447401264117")
    assert order.lifetime == Lifetime(86400, renew_before_seconds=15 * 3600)
    assert (desk.x_group, desk.extension_auto, desk.lifetime.never) == ("hotline-pool", True, True)
    assert (ride.mode, ride.phone_a.digits, ride.lifetime) == (
        Mode.AXB,
        "85211111114",
        Lifetime(None, 1798135200),
    )
    assert (driver.provider, driver.mode, driver.pool_number) == ("la", Mode.AXXB, "918806")
    assert driver.labels == (("team", "west"),)
    assert (other.pool_number, other.labels) == ("9", (("team", "west"), ("tier", "gold")))
    assert other.span is not None
    assert (other.span.file, other.span.line, other.span.column) == ("bindings/drivers.yaml", 4, 3)


def test_the_rest_of_the_sample(desired: Desired) -> None:
    pool, couriers = desired.groups.values()
    assert (pool.holds, pool.managed, pool.group_name) == (Holds.NUMBERS, False, "hotline-pool")
    assert (couriers.managed, couriers.remark) == (True, "Number Group A")
    assert desired.providers["nx"].endpoint == "https://number.nxcloud.com/api/pns/"
    assert desired.providers["la"].endpoint == "https://api.laaffic.com/v3/number"
    assert (desired.policy.max_unbind.percent, desired.policy.max_rebind.count) == (10, 25)
    assert (desired.policy.max_missing.percent, desired.policy.quarantine_seconds) == (20, 12 * 3600)
    assert desired.policy.allowed_country_codes == {"44", "852", "91"}
    assert desired.schedule is not None
    assert (desired.schedule.every_seconds, desired.schedule.late_by_seconds) == (6 * 3600, 8 * 3600)
    assert (desired.state.backend, desired.state.settings) == ("local", {"path": "state/pnsync.state.json"})
    assert [(one.source, one.target) for one in desired.moved] == [
        ("bindings.desk-ldn", "bindings.desk-london")
    ]


def test_scalars_are_read_as_written(tmp_path: Path) -> None:
    text = HEAD + (
        "bindings:\n  a: {mode: axb_extension, phone_a: +44-7700 900-123, phone_x: 447401264117, extension: 007,"
        " customer_bind_id: 0x10}\n  b: {phone_a: 447700900456, phone_b: 447700900789, customer_bind_id: 1_000}\n"
    )
    first, second = load(write(tmp_path, {"pnsync.yaml": text}), environ={}).bindings.values()
    assert (first.extension, first.phone_a.digits) == ("007", A)
    assert (first.customer_bind_id, second.customer_bind_id) == ("0x10", "1_000")


def test_all_errors_are_told_in_one_run(tmp_path: Path) -> None:
    text = HEAD + (
        "bindings:\n"
        "  a: {phone_a: x, phone_b: 0, recordng: true, recording: maybe, expires_in: soon, nothing: }\n"
        f"  b: {{phone_a: {A}, phone_b: {B}, extension: 12, provider: nxx}}\n"
        f"  c: {{phone_a: {A}, phone_b: {A}, renew_before: 200%, customer_bind_id: o}}\n"
        f"  d: {{phone_a: {B}, phone_b: {C}, customer_bind_id: o}}\n"
        f"  e: {{phone_a: {B}, phone_b: {C}, customer_bind_id: o}}\n"
        "groups: []\nfoo: bar\npolicy: {max_unbind: -1}\nschedule: {every: x}\n"
    )
    told = codes(found(tmp_path, {"pnsync.yaml": text}))
    of_a, of_b, of_c = ["E202", "E206", "E200", "E211", "E212", "E200"], ["E203", "E304"], ["E208", "E214"]
    of_e, of_root = ["E303"], ["E209", "E200", "E231", "E212"]
    assert sorted(told) == sorted([*of_a, *of_b, *of_c, *of_e, *of_root])


def test_a_binding_with_an_error_is_compared_with_the_others(tmp_path: Path) -> None:
    keys = f"mode: axb_extension, phone_a: {A}, phone_x: 447401264117, extension: 101, customer_bind_id: o"
    wrong = (
        "recordng: true",
        "labels: []",
        "expires_in: soon",
        "pool_number: 9",
        "renew_before: 100%",
        "protect: 1",
    )
    for one in wrong:
        text = HEAD + f"bindings:\n  a: {{{keys}, {one}}}\n  b: {{{keys}}}\n"
        assert {"E301", "E303"} < set(codes(found(tmp_path, {"pnsync.yaml": text}))), one


def test_findings_come_in_the_order_of_the_files(tmp_path: Path) -> None:
    bad = "bindings:\n  z: {phone_a: x}\n  a: {phone_b: y}\n"
    diagnostics = found(
        tmp_path, {"bindings/b.yaml": bad, "bindings/a.yaml": bad, "pnsync.yaml": SAMPLE + "x: y\n"}
    )
    places = [(one.span.file, one.span.line) for one in diagnostics if one.span]
    assert places == sorted(places, key=lambda place: (place[0] != "pnsync.yaml", *place))


def test_a_name_that_stands_twice_in_two_files(tmp_path: Path) -> None:
    one = found(tmp_path, {"bindings/a.yaml": DRIVERS, "bindings/b.yaml": DRIVERS})
    assert codes(one) == ["E300", "E300"]
    assert one[0].label == "the first one is at bindings/a.yaml:3"
    assert one[0].span is not None
    assert (one[0].span.file, one[0].span.line) == ("bindings/b.yaml", 3)


@pytest.mark.parametrize("key", ["providers", "state", "policy", "schedule", "include", "lineage", "version"])
def test_an_included_file_holds_no_key_of_the_root(tmp_path: Path, key: str) -> None:
    assert codes(found(tmp_path, {"bindings/a.yaml": f"{key}: {{}}\n"})) == ["E234"]


def test_defaults_of_a_file_hold_for_it_alone_and_word_by_word(tmp_path: Path) -> None:
    keys = f"phone_a: {A}, phone_b: {B}"
    files = {
        "pnsync.yaml": HEAD.replace("1d", "2d, keep: false")
        + 'include: ["*/*.yaml"]\n'
        + f"bindings:\n  r: {{{keys}}}\n",
        "x/a.yaml": f"defaults: {{expires_in: 3d}}\nbindings:\n  a: {{{keys}}}\n",
        "x/b.yaml": f"defaults: {{keep: true}}\nbindings:\n  b: {{{keys}}}\n  c: {{{keys}, keep: false, expires_in: 5d}}\n",
    }
    lifetimes = {one.name: one.lifetime for one in load(write(tmp_path, files), environ={}).bindings.values()}
    day = 86400
    assert {name: (one.lease_seconds, one.keep) for name, one in lifetimes.items()} == {
        "r": (2 * day, False), "a": (3 * day, False), "b": (2 * day, True), "c": (5 * day, False),
    }  # fmt: skip


def test_what_defaults_get_wrong_is_told_once(tmp_path: Path) -> None:
    lines = "".join(f"  d{i}: {{phone_a: {A}, phone_b: {B}}}\n" for i in range(50))
    for wrong, code in (("provider: nxx", "E304"), ("expires_in: 10m", "W400"), ("mode: axxb", "E221")):
        words = {"provider": "nx", "mode": "axb", "expires_in": "1d"} | dict([wrong.split(": ")])
        text = (
            HEAD.partition("defaults")[0]
            + "defaults: "
            + str(words).replace("'", "")
            + "\nbindings:\n"
            + lines
        )
        diagnostics = found(tmp_path, {"pnsync.yaml": text})
        assert codes(diagnostics) == [code]
        assert diagnostics[0].span is not None
        assert diagnostics[0].span.line == 4


def test_what_the_roots_defaults_get_wrong_is_told_there_for_other_files_too(tmp_path: Path) -> None:
    text = HEAD.replace("nx, mode", "nxx, mode") + 'include: ["x/*.yaml"]\n'
    files = {
        "pnsync.yaml": text,
        "x/a.yaml": f"defaults: {{keep: true}}\nbindings:\n  a: {{phone_a: {A}, phone_b: {B}}}\n",
    }
    (only,) = found(tmp_path, files)
    assert only.code == "E304"
    assert only.span is not None
    assert (only.span.file, only.span.line) == ("pnsync.yaml", 4)


def test_recording_by_default_stops_at_a_vendor_without_it(tmp_path: Path) -> None:
    text = SAMPLE.replace("recording: false}", "recording: true}")
    bindings = load(write(tmp_path, {"pnsync.yaml": text, "bindings/d.yaml": DRIVERS}), environ={}).bindings
    assert {name: one.recording for name, one in bindings.items()} == {
        "order-66666666": True, "desk-london": True, "ride-17": True, "driver-4": False, "driver-5": False,
    }  # fmt: skip


def test_a_short_settle_window_on_loopback_is_nobodys_concern(tmp_path: Path) -> None:
    text = 'version: 1\nproviders:\n  nx: {type: nxcloud, endpoint: "http://127.0.0.1:8080/", settle_window: 0s}\n'
    assert found(tmp_path, {"pnsync.yaml": text}) == []


def test_another_root_in_the_folder(tmp_path: Path) -> None:
    write(
        tmp_path, {"bindings/drivers.yaml": DRIVERS, "pnsync.prod.yaml": SAMPLE.replace("7c4d1a2b", "prod-1")}
    )
    assert load(tmp_path, "pnsync.prod.yaml", environ={}).lineage == "prod-1"


def test_an_include_that_finds_the_root_passes_over_it(tmp_path: Path) -> None:
    text = HEAD + 'include: ["*.yaml", "a.yaml"]\n'
    assert load(write(tmp_path, {"pnsync.yaml": text, "a.yaml": ""}), environ={}).files == (
        "pnsync.yaml",
        "a.yaml",
    )


@pytest.mark.parametrize(
    ("root", "code"),
    [("missing.yaml", "E237"), ("../pnsync.yaml", "E235"), ("bindings", "E239"), ("/etc/passwd", "E235")],
)
def test_a_root_that_cannot_be_read(tmp_path: Path, root: str, code: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, {"bindings/a.yaml": ""}), root, environ={})
    assert codes(list(caught.value.diagnostics)) == [code]
    assert caught.value.exit_code == ExitCode.USAGE


def test_an_included_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("bindings: {}")
    folder = write(tmp_path / "project", {"bindings/a.yaml": ""})
    (folder / "bindings" / "out.yaml").symlink_to("../../secret.yaml")
    assert codes(found(folder, {})) == ["E238"]


def test_what_a_broken_file_may_declare_is_not_missed(tmp_path: Path) -> None:
    text = (
        HEAD
        + 'include: ["x/*.yaml"]\n'
        + (f"bindings:\n  a: {{mode: axg, phone_a: {A}, group: there}}\nmoved: [{{from: old, to: there}}]\n")
    )
    (only,) = codes(found(tmp_path, {"pnsync.yaml": text, "x/a.yaml": "bindings: [\n"}))
    assert only in YAML_CODES
    assert codes(found(tmp_path, {"pnsync.yaml": text, "x/a.yaml": ""})) == ["W404", "E305"][::-1]


def test_yaml_errors_and_schema_errors_come_together(tmp_path: Path) -> None:
    text = HEAD + f"bindings:\n  a: {{phone_a: &x {A}, phone_b: {B}, phone_b: {C}, recordng: true}}\n"
    assert codes(found(tmp_path, {"pnsync.yaml": text})) == ["E105", "E109", "E200"]


def test_a_root_without_bindings_or_with_empty_sections(tmp_path: Path) -> None:
    text = "version: 1\nbindings:\ngroups:\nmoved:\nproviders:\ndefaults:\npolicy:\nstate:\nschedule:\n"
    desired = load(write(tmp_path, {"pnsync.yaml": text}), environ={})
    assert (desired.bindings, desired.groups, desired.providers) == ({}, {}, {})
    assert desired.schedule is None


def test_a_file_without_anything_needs_a_version(tmp_path: Path) -> None:
    assert codes(found(tmp_path, {"pnsync.yaml": ""})) == ["E201"]


@pytest.mark.parametrize(
    ("environ", "provider", "warned"),
    [
        ({}, "type: nxcloud", False),
        ({"CI": "true"}, "type: nxcloud", True),
        ({"CI": "true"}, "type: nxcloud, endpoint: sandbox", False),
        ({"CI": "true", "PNSYNC_LOCAL_STATE": "persistent"}, "type: nxcloud", False),
    ],
)
def test_a_local_state_in_ci_is_warned_of(
    tmp_path: Path, environ: dict[str, str], provider: str, warned: bool
) -> None:
    text = f"version: 1\nproviders:\n  nx: {{{provider}}}\n"
    assert codes(found(tmp_path, {"pnsync.yaml": text}, **environ)) == (["W403"] if warned else [])


def test_hosts_come_from_the_environment_only(tmp_path: Path) -> None:
    text = 'version: 1\nproviders:\n  nx: {type: nxcloud, endpoint: "https://gw.example.com/pns/"}\n'
    assert codes(found(tmp_path, {"pnsync.yaml": text})) == ["E225"]
    assert (
        codes(found(tmp_path, {"pnsync.yaml": text}, PNSYNC_ALLOWED_HOSTS="a.example.com gw.example.com"))
        == []
    )
    desired = load(tmp_path, environ={"PNSYNC_ALLOWED_HOSTS": "GW.example.com"})
    assert desired.providers["nx"].endpoint == "https://gw.example.com/pns/"


@pytest.mark.parametrize(
    ("provider", "env", "allowed"),
    [
        ("nx: {type: nxcloud", "PNSYNC_CRED_X", True),
        ("nx: {type: nxcloud", "NXCLOUD_ACCESS_KEY_2", True),
        ("nx-eu: {type: nxcloud", "NX_EU_KEY", True),
        ("nx: {type: nxcloud", "NX_EU_KEY", True),
        ("eu: {type: nxcloud", "NX_EU_KEY", False),
        ("nx: {type: nxcloud", "LAAFFIC_API_KEY", False),
        ("nx: {type: nxcloud", "GITHUB_TOKEN", False),
        ("github: {type: nxcloud", "GITHUB_TOKEN", False),
        ("pnsync: {type: nxcloud", "PNSYNC_PLAN_KEY", False),
        ("nx: {type: nxcloud", "nxcloud_key", False),
        ("nx: {type: nxcloud", "PNSYNC_CRED_ $(id)", False),
    ],
)
def test_which_variables_credentials_may_name(tmp_path: Path, provider: str, env: str, allowed: bool) -> None:
    text = f'version: 1\nproviders:\n  {provider}, credentials: {{access_key: {{env: "{env}"}}}}}}\n'
    if allowed:
        (only,) = load(write(tmp_path, {"pnsync.yaml": text}), environ={}).providers.values()
        assert only.credentials == {"access_key": CredentialReference(env)}
    else:
        one = found(tmp_path, {"pnsync.yaml": text})
        assert codes(one) == ["E227"]
        assert one[0].secret


def test_no_literal_credential_is_shown_with_its_line(tmp_path: Path) -> None:
    for line in ("credentials: {access_key: sixgqophrnv4}", "access_secret: sixgqophrnv4", "token: x",
                 'endpoint: "https://u:p@number.nxcloud.com/"', "credentials: {api_secret: sixgqophrnv4}"):  # fmt: skip
        text = f"version: 1\nproviders:\n  nx: {{type: nxcloud, {line}}}\n"
        diagnostics = found(tmp_path, {"pnsync.yaml": text})
        assert len(diagnostics) == 1
        assert diagnostics[0].secret
        assert "sixgqophrnv4" not in str(diagnostics)


@pytest.mark.parametrize("window", [None, "10m"])
def test_the_settle_window_of_the_sandbox_is_nothing_unless_declared(
    tmp_path: Path, window: str | None
) -> None:
    rest = f", settle_window: {window}" if window else ""
    text = f"version: 1\nproviders:\n  nx: {{type: nxcloud, endpoint: sandbox{rest}}}\n"
    (only,) = load(write(tmp_path, {"pnsync.yaml": text}), environ={}).providers.values()
    assert only.settle_seconds(Mode.AXB) == (600 if window else 0)
    assert only.sandbox


def test_renames_are_followed_to_their_ends(tmp_path: Path) -> None:
    text = HEAD + (
        f"groups:\n  new: {{}}\nbindings:\n  c: {{phone_a: {A}, phone_b: {B}}}\n"
        "moved: [{from: a, to: bindings.b}, {from: b, to: c}, {from: groups.old, to: groups.new},"
        " {from: z, to: a}]\n"
    )
    moved = load(write(tmp_path, {"pnsync.yaml": text}), environ={}).moved
    assert [(one.source, one.target) for one in moved] == [
        ("bindings.a", "bindings.c"), ("bindings.b", "bindings.c"), ("groups.old", "groups.new"),
        ("bindings.z", "bindings.c"),
    ]  # fmt: skip


def test_what_a_group_holds_follows_from_its_use(tmp_path: Path) -> None:
    text = HEAD + (
        "groups:\n  picked: {}\n  rung: {}\n  idle: {phones: [447700900111]}\nbindings:\n"
        f"  a: {{mode: axb_extension, phone_a: {A}, phone_x: {{group: picked}}, extension: auto}}\n"
        f"  b: {{mode: axg, phone_a: {B}, group: rung}}\n"
    )
    groups = load(write(tmp_path, {"pnsync.yaml": text}), environ={}).groups
    assert {name: one.holds.value for name, one in groups.items()} == {
        "picked": "numbers", "rung": "people", "idle": "people",
    }  # fmt: skip


def test_the_phones_of_a_group_are_looked_through_once_however_many_bindings_name_it(tmp_path: Path) -> None:
    class Seen(tuple[Phone, ...]):
        rounds = 0

        def __iter__(self) -> Iterator[Phone]:
            Seen.rounds += 1
            return super().__iter__()

        def __contains__(self, one: object) -> bool:
            Seen.rounds += 1
            return super().__contains__(one)

    text = (
        HEAD
        + f"groups: {{g: {{phones: [{A}, {B}]}}}}\nbindings:\n"
        + "".join(
            f"  n{i}: {{mode: axg, phone_a: 4477009{i:05}, phone_b: {B}, phone_x: 4474012{i:05}, group: g}}\n"
            for i in range(50)
        )
    )
    found = load(write(tmp_path, {"pnsync.yaml": text}), environ={})
    groups = {"g": replace(found.groups["g"], phones=Seen(found.groups["g"].phones or ()))}
    places, group_places = Places("bindings"), Places("groups")
    check_together(found.bindings, groups, {}, places=places, group_places=group_places, findings=Findings())
    assert Seen.rounds < 20


def test_what_is_switched_off_claims_nothing_but_its_id(tmp_path: Path) -> None:
    keys = f"mode: axb_extension, phone_a: {A}, phone_x: 447401264117, extension: 101"
    text = HEAD + f"bindings:\n  a: {{{keys}}}\n  b: {{{keys}, enabled: false}}\n"
    assert load(write(tmp_path, {"pnsync.yaml": text}), environ={}).bindings["b"].enabled is False
    text = (
        HEAD
        + f"bindings:\n  a: {{{keys}, customer_bind_id: o}}\n  b: {{{keys}, enabled: false, customer_bind_id: o}}\n"
    )
    assert codes(found(tmp_path, {"pnsync.yaml": text})) == ["E303"]


def test_a_remark_may_hold_what_nothing_else_may(tmp_path: Path) -> None:
    text = HEAD + 'groups:\n  g: {remark: "a\\u202eb\\e"}\n'
    assert load(write(tmp_path, {"pnsync.yaml": text}), environ={}).groups["g"].remark == "a\u202eb\x1b"


def test_findings_beyond_all_measure_are_counted(tmp_path: Path) -> None:
    lines = "".join(f"  d{i}: {{phone_a: {A}, phone_b: {B}, foo: 1}}\n" for i in range(1500))
    diagnostics = found(tmp_path, {"pnsync.yaml": HEAD + "bindings:\n" + lines})
    assert len(diagnostics) == 1001
    assert (diagnostics[-1].code, diagnostics[-1].severity) == ("W499", Severity.NOTE)
    assert diagnostics[-1].summary.startswith("500 more")


def test_warnings_never_hide_an_error(tmp_path: Path) -> None:
    lines = "".join(f"  d{i}: {{phone_a: {A}, phone_b: {B}, expires_in: 10m}}\n" for i in range(1500))
    diagnostics = found(tmp_path, {"pnsync.yaml": HEAD + "bindings:\n" + lines + "  z: {phone_a: x}\n"})
    assert [one.code for one in diagnostics if one.severity is Severity.ERROR] == ["E223", "E202"]


class Texts:
    """A source of texts that are in no folder, as a Git revision is."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str, limit: int) -> bytes:
        if path not in self.files:
            raise SourceRefused("E237", "a file is missing")
        return self.files[path].encode()[: limit + 1]

    def glob(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if pattern and Path(name).match(pattern))


def test_files_may_come_from_anywhere() -> None:
    desired = load_source(Texts({"pnsync.yaml": SAMPLE, "bindings/d.yaml": DRIVERS}), environ={})
    assert len(desired.bindings) == 5


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from(["nx", A, "axb", "1d", "auto", "", "x" * 70, "\u202e", "20%"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["provider", "phone_a", "from", "to", "group", "env", "range", "zzz"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=6,
)
KEYS = [
    "version",
    "include",
    "state",
    "schedule",
    "providers",
    "defaults",
    "groups",
    "bindings",
    "moved",
    "policy",
    "lineage",
]
INNER = ["type", "endpoint", "credentials", "mode", "phone_a", "phone_b", "phone_x", "extension", "labels", "phones", "drain",
         "extensions", "expires_in", "expires_at", "renew_before", "backend", "encryption", "every", "max_unbind", "remark"]  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.one_of(values, st.dictionaries(st.one_of(st.sampled_from(INNER), st.sampled_from(["a", "b"])),
                                          st.one_of(values, st.dictionaries(st.sampled_from(INNER), values, max_size=6)), max_size=4)),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_the_files_hold_the_answer_is_desired_or_diagnostics(tree: dict[str, object]) -> None:
    import json

    try:
        load_source(Texts({"pnsync.yaml": json.dumps(tree)}), environ={})
    except ConfigError as error:
        assert error.diagnostics
        assert A not in repr(error.diagnostics)


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    folder = Path(pnsync.config.__file__).parent
    sources = [path.read_text() for path in folder.glob("*.py") if not path.name.startswith("pages_")]
    assert set(re.findall(r'"([EWP]\d{3})"', "".join(sources))) == set(PAGES)
    assert not set(PAGES) & set(YAML_CODES)
    assert all(page.title and len(page.text) > 40 for page in PAGES.values())


def test_a_code_is_explained_from_several_tables() -> None:
    assert find("e203", YAML_CODES, PAGES) == PAGES["E203"]
    page = find("E106", YAML_CODES, PAGES)
    assert isinstance(page, Page)
    assert page.text == YAML_CODES["E106"]
    assert find("E999", YAML_CODES, PAGES) is None
