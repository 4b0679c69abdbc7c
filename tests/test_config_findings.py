"""Every code that the configuration reports: a smallest file that earns it, and the place it is told at.

In the texts «…» marks the place; the marks are taken out before the file is written.
"""

from pathlib import Path

import pytest

from pnsync.config import PAGES, load
from pnsync.config.findings import quoted
from pnsync.errors import ConfigError, Diagnostic, Severity

HEAD = """\
version: 1
providers:
  nx: {type: nxcloud}
  la: {type: laaffic, app_id: 4luaKsL2}
"""
A, B, C = "447700900123", "447700900456", "447700900789"


def binding(keys: str, name: str = "desk") -> str:
    """A root with one binding."""
    return f"{HEAD}bindings:\n  {name}: {{{keys}}}\n"


def nx(keys: str) -> str:
    """A root with one axb binding at NXCloud and some further keys."""
    return binding(f"provider: nx, mode: axb, phone_a: {A}, phone_b: {B}, {keys}")


def desk(keys: str) -> str:
    """A root with one axb_extension binding and some further keys."""
    return binding(f"provider: nx, mode: axb_extension, phone_a: {A}, expires_in: 1d, {keys}")


def two(first: str, second: str) -> str:
    """A root with two bindings of their own lines."""
    return f"{HEAD}bindings:\n  one: {{{first}}}\n  two: {{{second}}}\n"


def group(keys: str, rest: str = "") -> str:
    """A root with one group."""
    return f"{HEAD}groups:\n  pool: {{provider: nx, {keys}}}\n{rest}"


def provider(keys: str) -> str:
    """A root with one provider alone."""
    return f"version: 1\nproviders:\n  nx: {{{keys}}}\n"


EXT = f"provider: nx, mode: axb_extension, phone_a: {A}, phone_x: 447401264117, expires_in: 1d"
LA = "provider: la, mode: axxb, pool_number: 918806, expires_in: 1d"
AXG = "provider: nx, mode: axg, phone_x: 85235755551, expires_in: 1d"
KEPT = "expires_in: 1d"
TWO = two(f"{EXT}, extension: 101", f"{EXT}, extension: 102")

CASES: list[tuple[str, str]] = [
    ("E200", nx(f"{KEPT}, «recordng»: true")),
    ("E200", HEAD + "«bindngs»: {}\n"),
    ("E200", group("holds: numbers, extensions: {«rnge»: 100-899}")),
    ("E200", HEAD + "defaults: {«expires_at»: 2026-12-24}\n"),
    ("E201", f"{HEAD}bindings:\n  «desk»: {{provider: nx, phone_a: {A}, {KEPT}}}\n"),
    ("E201", f"{HEAD}bindings:\n  «desk»: {{mode: axb, phone_a: {A}, phone_b: {B}, {KEPT}}}\n"),
    ("E201", "version: 1\nproviders:\n  «nx»: {rate: 5}\n"),
    ("E201", "version: 1\nproviders:\n  «la»: {type: laaffic}\n"),
    ("E201", HEAD + "«schedule»: {late_by: 8h}\n"),
    ("E201", HEAD + "moved: [«{from: a}»]\n"),
    ("E201", HEAD + "«state»: {backend: object}\n"),
    ("E202", binding(f"provider: nx, mode: axb, phone_a: «+44 (0)77», phone_b: {B}, {KEPT}")),
    ("E202", binding(f"provider: nx, mode: axb, phone_a: «true», phone_b: {B}, {KEPT}")),
    ("E202", binding(f"provider: nx, mode: axb, phone_a: «{'4' * 21}», phone_b: {B}, {KEPT}")),
    ("E202", binding(f"{LA}, phone_a: {A}, phone_b: «441»")),
    ("E202", group("holds: people, phones: [85211111114, «8523575335a»]")),
    ("E202", desk("extension: 101, phone_x: «{grop: pool}»")),
    ("E203", desk('phone_x: 447401264117, extension: «12»')),
    ("E203", desk('phone_x: 447401264117, extension: «"1234"»')),
    ("E203", desk("phone_x: 447401264117, extension: «[101]»")),
    ("E204", f"{HEAD}bindings:\n  «desk/7»: {{{EXT}, extension: 101}}\n"),
    ("E204", binding(f"provider: «n x», mode: axb, phone_a: {A}, phone_b: {B}, {KEPT}")),
    ("E205", f"{HEAD}bindings:\n  «44-7700-900123»: {{{EXT}, extension: 101}}\n"),
    ("E206", binding(f"provider: nx, mode: axb, phone_a: «07700900123», phone_b: {B}, {KEPT}")),
    ("E206", group("holds: people, phones: [«0085211111114»]")),
    ("E207", binding(f"provider: nx, mode: axb, phone_a: {A}, phone_b: «85222222222», {KEPT}")),
    ("E207", desk("phone_x: «85235753351», extension: 101")),
    ("E208", binding(f'provider: nx, mode: axb, phone_a: {A}, phone_b: «"+44 7700-900123"», {KEPT}')),
    ("E209", HEAD + "bindings: «[desk]»\n"),
    ("E209", HEAD + "bindings:\n  «desk»:\n"),
    ("E209", HEAD + "moved: «{from: a, to: b}»\n"),
    ("E209", HEAD + "schedule: «6h»\n"),
    ("E210", nx(f"{KEPT}, «customer_bind_id»: ~")),
    ("E210", HEAD + "state: {«path»: }\n"),
    ("E210", HEAD + "state:\n  «plain_in_git»:\n"),
    ("E211", nx(f"{KEPT}, recording: «yes»")),
    ("E211", nx(f'{KEPT}, protect: «"true"»')),
    ("E211", HEAD + "state: {plain_in_git: «1»}\n"),
    ("E211", HEAD + "state: {plain_in_git: «yes»}\n"),
    ("E211", HEAD + 'state: {plain_in_git: «"true"»}\n'),
    ("E211", HEAD + "state:\n  plain_in_git: «[true]»\n"),
    ("E211", HEAD + "state:\n  backend: git\n  plain_in_git: «{local: true}»\n"),
    ("E212", nx("expires_in: «soon»")),
    ("E212", nx("expires_in: «0»")),
    ("E212", nx("expires_in: «9999999999w»")),
    ("E212", HEAD + "schedule: {every: «6 h»}\n"),
    ("E212", HEAD + "schedule: {every: «0»}\n"),
    ("E213", nx('expires_at: «"2026-12-24"»')),
    ("E213", nx('expires_at: «"2026-12-24T18:00:00"»')),
    ("E213", nx('expires_at: «"2026-02-30T18:00:00Z"»')),
    ("E214", nx(f"{KEPT}, renew_before: «half»")),
    ("E214", nx(f"{KEPT}, renew_before: «100%»")),
    ("E215", f"{HEAD}bindings:\n  «desk»: {{provider: nx, mode: axb, phone_a: {A}, phone_b: {B}}}\n"),
    ("E216", nx('expires_in: «never», expires_at: "2026-12-24T18:00:00Z"')),
    ("E217", binding(f"provider: la, mode: axxb, pool_number: 9, phone_a: {A}, phone_b: {B}, expires_in: «259201»")),
    ("E217", binding(f"provider: la, mode: axxb, pool_number: 9, phone_a: {A}, phone_b: {B}, expires_in: «never»")),
    ("E218", nx(f"{KEPT}, renew_before: «13h»") + "schedule: {every: 6h, late_by: 8h}\n"),
    ("E219", nx("expires_in: 6h, renew_before: «6h»")),
    ("E220", binding(f"provider: nx, mode: «axc», phone_a: {A}, phone_b: {B}, {KEPT}")),
    ("E221", binding(f"provider: nx, mode: «axxb», phone_a: {A}, phone_b: {B}, {KEPT}")),
    ("E221", binding(f"provider: la, mode: «axg», phone_a: {A}, {KEPT}")),
    ("E222", nx(f"{KEPT}, phone_x: «447401264117»")),
    ("E222", nx(f"{KEPT}, pool_number: «918806»")),
    ("E222", binding(f"{LA}, phone_a: {A}, phone_b: {B}, customer_bind_id: «o-1»")),
    ("E222", binding(f"{LA}, phone_a: {A}, phone_b: {B}, recording: «true»")),
    ("E222", provider("type: nxcloud, app_id: «abc»")),
    ("E222", group("holds: people, drain: «[85211111114]»")),
    ("E223", f"{HEAD}bindings:\n  «desk»: {{provider: nx, mode: axb, phone_a: {A}, {KEPT}}}\n"),
    ("E223", f"{HEAD}bindings:\n  «desk»: {{{EXT}}}\n"),
    ("E223", f"{HEAD}bindings:\n  «desk»: {{provider: la, mode: axb, phone_a: {A}, phone_b: {B}, {KEPT}}}\n"),
    ("E224", provider("type: «nxclod»")),
    ("E225", provider('type: nxcloud, endpoint: «"https://number.example.com/"»')),
    ("E226", provider("type: nxcloud, credentials: {access_key: «sixgqophrnv4»}")),
    ("E226", provider("type: nxcloud, credentials: «sixgqophrnv4»")),
    ("E226", provider('type: nxcloud, credentials: {access_key: «{env: PNSYNC_CRED_A, or: "x"}»}')),
    ("E226", HEAD + 'state: {backend: postgres, dsn: «"postgres://u:p@db/x"»}\n'),
    ("E226", HEAD + 'state: {backend: http, address: «"https://u:p@host/x"»}\n'),
    ("E227", provider("type: nxcloud, credentials: {access_key: {env: «GITHUB_TOKEN»}}")),
    ("E228", provider("type: nxcloud, «access_secret»: sixgqophrnv4")),
    ("E228", nx(f"{KEPT}, labels: {{team: «aB3dE5gH7jK9mN1pQ2rS»}}")),
    ("E229", nx(f'{KEPT}, labels: {{team: «"we\\u202est"»}}')),
    ("E229", group('holds: people, group_name: «"a\\u200bb"»')),
    ("E230", provider("type: nxcloud, rate: «fast»")),
    ("E230", provider("type: nxcloud, rate: «0»")),
    ("E231", HEAD + "policy: {max_unbind: «some»}\n"),
    ("E231", HEAD + "policy: {max_unbind: «101%»}\n"),
    ("E232", HEAD + "policy: {allowed_country_codes: [44, «999»]}\n"),
    ("E233", "version: «2»\n"),
    ("E235", HEAD + 'include: [«"../*.yaml"»]\n'),
    ("E235", HEAD + 'include: [«/etc/passwd»]\n'),
    ("E235", HEAD + 'include: [«"https://x/y"»]\n'),
    ("E235", HEAD + "«include»: bindings/*.yaml\n"),
    ("E236", HEAD + 'include: [«"bindings/*.yaml"»]\n'),
    ("E241", HEAD + "state: {backend: «locl»}\n"),
    ("E242", HEAD + "state: {path: «../state.json»}\n"),
    ("E242", HEAD + 'state: {backend: object, url: "s3://b/p", region: «"evil.example/x"»}\n'),
    ("E227", HEAD + "state: {backend: postgres, dsn: {env: «LAAFFIC_API_SECRET»}}\n"),
    ("E227", HEAD + 'state: {backend: http, address: "https://s.example", password: {env: «PNSYNC_AGE_IDENTITY»}}\n'),
    ("E227", HEAD + "state: {backend: postgres, dsn: {env: «CI_COMMIT_TITLE»}}\n"),
    ("E227", HEAD + "state: {backend: postgres, dsn: {env: «GITHUB_HEAD_REF»}}\n"),
    ("E227", HEAD + 'state: {backend: http, address: "https://s.example", password: {env: «GITHUB_TOKEN»}}\n'),
    ("E242", HEAD + 'state: {backend: http, address: «"http://gitlab.example.com/s"»}\n'),
    ("E242", HEAD + "state: {encryption: {recipients: [«ssh-rsa»]}}\n"),
    ("E243", HEAD + "lineage: «a b»\n"),
    ("E244", nx(f'{KEPT}, labels: {{team: «""»}}')),
    ("E244", nx(f"{KEPT}, labels: {{«te am»: west}}")),
    ("E244", nx(f"{KEPT}, labels: «west»")),
    ("E245", nx(f"{KEPT}, customer_bind_id: «o 1»")),
    ("E245", nx(f"{KEPT}, customer_bind_id: «pns-7c4d1a2b-x-1»")),
    ("E246", binding(f"provider: la, mode: axb, phone_a: {A}, phone_b: {B}, {KEPT}, pool_number: «{'9' * 21}»")),
    ("E247", group("holds: people, phones: [85211111114, «+852 1111 1114»]")),
    ("E248", group("holds: numbers, extensions: {range: «all»}")),
    ("E248", group("holds: numbers, extensions: {range: «899-100»}")),
    ("E248", group("holds: numbers, extensions: {reserve: [911, «1»]}")),
    ("E249", HEAD + "moved: [{from: «a/b», to: c}]\n"),
    ("E249", HEAD + "moved: [«a»]\n"),
    ("E249", HEAD + "moved: [{from: a, to: «groups.b»}]\n"),
    ("E250", group("holds: «peple»")),
    ("E251", group("holds: people, group_name: «''»")),
    ("E252", group("holds: people, group_id: «a b»")),
    ("E253", "version: 1\nproviders:\n  la: {type: laaffic, app_id: «a b»}\n"),
    ("E254", provider("type: nxcloud, algorithm: «sha1»")),
    ("E255", HEAD + "policy: {numbers: «clear»}\n"),
    ("E301", two(f"{EXT}, extension: 007", f"{EXT}, extension: «007»")),
    ("E302", two(f"{LA}, phone_a: {A}, phone_b: {B}", f"{LA}, phone_a: {B}, phone_b: «{A}»")),
    ("E303", two(f"{EXT}, extension: 101, customer_bind_id: o", f"{EXT}, extension: 102, customer_bind_id: «o»")),
    ("E303", two(f"{EXT}, extension: 101, customer_bind_id: o", f"{EXT}, extension: 102, customer_bind_id: «o.2»")),
    ("E304", binding(f"provider: «nxx», mode: axb, phone_a: {A}, phone_b: {B}, {KEPT}")),
    ("E304", HEAD + "groups:\n  pool: {provider: «nxx»}\n"),
    ("E305", desk("phone_x: «{group: pol}», extension: auto")),
    ("E306", "version: 1\nproviders:\n  n1: {type: nxcloud}\n  n2: {type: nxcloud}\ngroups:\n  g: {provider: n2}\nbindings:\n"
             f"  desk: {{provider: n1, mode: axg, phone_a: {A}, group: «g», {KEPT}}}\n"),
    ("E307", group("holds: people", f"bindings:\n  desk: {{provider: nx, mode: axb_extension, phone_a: {A}, "
                   f"phone_x: «{{group: pool}}», extension: auto, {KEPT}}}\n")),
    ("E307", f"{HEAD}groups:\n  «g»: {{provider: nx}}\nbindings:\n  a: {{provider: nx, mode: axg, phone_a: {A}, group: g, {KEPT}}}\n"
             f"  b: {{provider: nx, mode: axb_extension, phone_a: {A}, phone_x: {{group: g}}, extension: auto, {KEPT}}}\n"),
    ("E308", two(f"{EXT}, extension: 101, phone_b: {B}", f"provider: nx, mode: axb_extension, phone_a: {C}, {KEPT}, extension: 101, phone_x: «{B}»")),
    ("E308", group(f"holds: numbers, phones: «[{A}]»", f"bindings:\n  a: {{{EXT}, extension: 101}}\n")),
    ("E309", f"{HEAD}groups:\n  g: {{provider: nx}}\n  h: {{provider: nx}}\nbindings:\n"
             f"  a: {{{AXG}, phone_a: 85211111114, group: g}}\n  b: {{{AXG}, phone_a: «85211111114», group: h}}\n"),
    ("E309", f"{HEAD}groups:\n  g: {{provider: nx}}\nbindings:\n"
             f"  a: {{{AXG}, phone_a: 85211111114, group: g}}\n  b: {{{AXG}, phone_a: 85222222222, group: «g»}}\n"),
    ("E309", f"{HEAD}groups:\n  g: {{provider: nx, phones: [85233333333]}}\n  h: {{provider: nx, phones: [85244444444, 85233333333]}}\n"
             f"bindings:\n  a: {{{AXG}, phone_a: 85211111114, group: g}}\n  b: {{{AXG}, phone_a: 85222222222, group: «h»}}\n"),
    ("E310", group("phones: [447700900111]", f"bindings:\n  a: {{provider: nx, mode: axg, phone_a: {A}, group: pool, phone_b: «{B}», {KEPT}}}\n")),
    ("E311", HEAD + "groups:\n  pool: {provider: «la»}\n"),
    ("E312", HEAD + "groups:\n  a: {provider: nx}\n  b: {provider: nx, group_name: «a»}\n"),
    ("E313", TWO + "moved: [{from: «one», to: two}]\n"),
    ("E314", HEAD + "moved: [{from: «a», to: b}, {from: b, to: a}]\n"),
    ("E315", TWO + "moved: [{from: a, to: one}, {from: «a», to: two}]\n"),
    ("E315", TWO + "moved: [{from: a, to: one}, {from: b, to: «one»}]\n"),
    ("E316", group("phones: [85211111114]", f"bindings:\n  a: {{provider: nx, mode: axg, phone_a: {A}, group: «pool», {KEPT}}}\n")),
    ("E316", group("phones: [447700900111, 85211111114]", f"bindings:\n  a: {{provider: nx, mode: axg, phone_a: {A}, group: «pool», {KEPT}}}\n")),
    ("W400", nx("expires_in: «15m»")),
    ("W400", nx("expires_in: «15h»") + "schedule: {every: 6h, late_by: 8h}\n"),
    ("W401", two(f"{LA}, phone_a: {A}, phone_b: {B}", f"{LA}, phone_a: {C}, phone_b: «{A}»")),
    ("W402", provider("type: nxcloud, settle_window: «60s»")),
    ("W404", HEAD + "moved: [{from: a, to: «b»}]\n"),
    ("W405", group("holds: numbers, phones: [447401264117], drain: [«447401264118»]")),
]  # fmt: skip

BY_OTHER_TESTS = (
    {"E234", "E237", "E238", "E239", "E300", "W403", "W499"}
    | {f"E26{i}" for i in range(7)}
    | {"E270", "E271", "E272", "W410", "W411"}
)


def marked(text: str) -> tuple[str, tuple[int, int, int]]:
    """A text without its marks, and the line and columns that they enclosed."""
    before, _, rest = text.partition("«")
    inside = rest.partition("»")[0]
    column = len(before.rpartition("\n")[2]) + 1
    return text.replace("«", "").replace("»", ""), (before.count("\n") + 1, column, column + len(inside))


def diagnostics(folder: Path, text: str, **environ: str) -> tuple[Diagnostic, ...]:
    """Everything that is found in a root file of this text."""
    (folder / "pnsync.yaml").write_text(text)
    try:
        return load(folder, environ=environ).diagnostics
    except ConfigError as error:
        return error.diagnostics


@pytest.mark.parametrize(("code", "text"), CASES, ids=[f"{code}-{i}" for i, (code, _) in enumerate(CASES)])
def test_a_finding_has_its_code_and_place_and_is_the_only_one(tmp_path: Path, code: str, text: str) -> None:
    text, place = marked(text)
    found = diagnostics(tmp_path, text)
    told = [(one.code, one.span and (one.span.line, one.span.column, one.span.end_column)) for one in found]
    assert told == [(code, place)]
    first = next(one for one in found if one.code == code)
    assert first.severity is (Severity.WARNING if code[0] == "W" else Severity.ERROR)
    assert first.summary
    assert first.code in PAGES


@pytest.mark.parametrize(
    "between", ["\u00a0", "\u2009", "\u2013", "/", "_", "*", ":", ",", "'", "    ", " / ", "\u00b7"]
)
def test_a_number_written_in_any_way_is_masked_in_messages(between: str) -> None:
    written = between.join(("+44", "7700", "900", "123"))
    assert quoted(written) == f'"{"•" * len(written)}"'
    assert quoted("desk-7 of 12, 3rd floor") == '"desk-7 of 12, 3rd floor"'


def test_every_code_has_a_case() -> None:
    judged_elsewhere = {code for code in PAGES if code[0] == "P"} | BY_OTHER_TESTS
    assert {code for code, _ in CASES} | judged_elsewhere == set(PAGES)


@pytest.mark.parametrize(("code", "text"), CASES, ids=[f"{code}-{i}" for i, (code, _) in enumerate(CASES)])
def test_no_message_holds_a_personal_number_or_a_literal_credential(
    tmp_path: Path, code: str, text: str
) -> None:
    text, _ = marked(text)
    for one in diagnostics(tmp_path, text):
        said = " ".join((one.summary, one.label, one.advice, one.address or ""))
        for secret in (
            A,
            B,
            C,
            "44-7700-900123",
            "85211111114",
            "sixgqophrnv4",
            "aB3dE5gH7jK9mN1pQ2rS",
            "u:p",
        ):
            assert secret not in said
