"""Scalars, endpoints and lifetimes: how single values of the files are read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pnsync.config import scalars
from pnsync.config.endpoints import (
    DEFAULT_ENDPOINTS,
    EndpointRefused,
    allowed_hosts,
    check_endpoint,
    server_of,
)
from pnsync.config.findings import closest, listed, quoted
from pnsync.config.lifetimes import Words, resolve
from pnsync.model import Lifetime, Schedule, VendorType

NX, LA = VendorType.NXCLOUD, VendorType.LAAFFIC
H, D = 3600, 86_400
SCHEDULE = Schedule(6 * H, 8 * H)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("86400", 86400), ("90s", 90), ("15m", 900), ("24h", D), ("3d", 3 * D), ("2w", 14 * D), ("007s", 7)],
)
def test_durations(text: str, seconds: int) -> None:
    assert scalars.duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "d", "1.5h", "-1", "+1", "1 d", "1D", "1y", "never", "١d", "1d\n", "99999w", "1_000"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=" "):
        scalars.duration(text)


@given(st.integers(0, scalars.MAX_SECONDS))
def test_a_shown_duration_reads_back(seconds: int) -> None:
    assert scalars.duration(scalars.shown_duration(seconds)) == seconds


@given(
    st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(9999, 12, 29)),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_instants_read_as_python_reads_them(naive: datetime, minutes: int) -> None:
    aware = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert scalars.instant(aware.isoformat()) == int(
        (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2026-12-24t18:00:00z", "2026-12-24T18:00:00Z"),
        ("2026-12-24 19:00:00+01:00", "2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00.999Z", "2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00-00:00", "2026-12-24T18:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
    ],
)
def test_forms_of_an_instant(text: str, same: str) -> None:
    assert scalars.instant(text) == scalars.instant(same)


@pytest.mark.parametrize(
    "text",
    ["2026-12-24", "2026-12-24T18:00:00", "2026-12-24T18:00Z", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
     "2026-12-24T24:00:00Z", "2026-12-24T18:00:61Z", "2026-12-24T18:00:00+24:00", "2026-12-24T18:00:00+01",
     "1969-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "tomorrow", "٢٠٢٦-12-24T18:00:00Z", "2026-12-24T18:00:00Z\n"],
)  # fmt: skip
def test_what_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=" "):
        scalars.instant(text)


@pytest.mark.parametrize(
    "name", ["desk-7", "a", "x" * 100, "order-66666666", "123456", "1234567890123456", "4.4", "é"[:0] + "_"]
)
def test_names(name: str) -> None:
    assert scalars.is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 101,
        "a b",
        "a/b",
        "é",
        "1234567",
        "44-7700-900.123",
        "123456789012345",
        "_1234567_",
        "desk\n",
        "٣٣٣٣٣٣٣a",
    ],
)
def test_what_is_no_safe_name(name: str) -> None:
    assert not scalars.is_safe_name(name)


ALLOWED = allowed_hosts("number.example.com, gw.example.com:8443 10.1.2.3")


@pytest.mark.parametrize(
    ("text", "vendor", "url"),
    [
        ("sandbox", NX, "sandbox"),
        (DEFAULT_ENDPOINTS[NX], NX, "https://number.nxcloud.com/api/pns/"),
        (DEFAULT_ENDPOINTS[LA], LA, "https://api.laaffic.com/v3/number"),
        ("https://api.nxcloud.com/v1/api/pns/", NX, "https://api.nxcloud.com/v1/api/pns/"),
        ("https://api.itniotech.com/number", LA, "https://api.itniotech.com/number"),
        ("HTTPS://API.LAAFFIC.COM:443/v3/number", LA, "https://api.laaffic.com/v3/number"),
        ("http://127.0.0.1:8080/x", NX, "http://127.0.0.1:8080/x"),
        ("http://127.9.9.9", NX, "http://127.9.9.9"),
        ("http://[::1]:8080/x", LA, "http://[::1]:8080/x"),
        ("http://localhost/x", LA, "http://localhost/x"),
        ("https://localhost:1/x", LA, "https://localhost:1/x"),
        ("https://number.example.com/x", NX, "https://number.example.com/x"),
        ("https://number.example.com:9443/x", NX, "https://number.example.com:9443/x"),
        ("https://gw.example.com:8443/x", LA, "https://gw.example.com:8443/x"),
        ("https://10.1.2.3/x", NX, "https://10.1.2.3/x"),
    ],
)
def test_endpoints_that_may_be_called(text: str, vendor: VendorType, url: str) -> None:
    assert check_endpoint(text, vendor, ALLOWED).url == url


@pytest.mark.parametrize(
    "text",
    ["", "sandbox2", "number.nxcloud.com", "//number.nxcloud.com/", "https:number.nxcloud.com", "https://", "https:///x",
     "http://number.nxcloud.com/api/pns/", "ftp://number.nxcloud.com/", "file:///etc/passwd", "javascript:x",
     "https://evil.example.org/", "https://number.nxcloud.com.evil.example.org/", "https://xnumber.nxcloud.com/",
     "https://number.nxcloud.com@evil.example.org/", "https://evil.example.org\\@number.nxcloud.com/",
     "https://evil.example.org#@number.nxcloud.com/", "https://evil.example.org?@number.nxcloud.com/",
     "https://user:pw@number.nxcloud.com/", "https://user@127.0.0.1/", "https://number.nxcloud.com/#x",
     "https://number.nxcloud.com/?x=1", "https://number.nxcloud.com:8443/", "https://number.nxcloud.com:0/",
     "https://number.nxcloud.com:/", "https://number.nxcloud.com:99999/", "https://number.nxcloud.com:+443/",
     "https://number.nxcloud.com./", "https://number%2enxcloud.com/", "https://number.nxcloud.com/a/../b",
     "https://number.nxcloud.com/%2e%2e/", "https://number.nxcloud.com/a b", " https://number.nxcloud.com/",
     "https://number.nxcloud.com/\n", "https://numbеr.nxcloud.com/", "https://ｎumber.nxcloud.com/", "https://127。0。0。1/",
     "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://127.1/", "http://0177.0.0.1/", "http://127.0.0.01/",
     "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:0:0:1]/", "http://::1/", "http://[::1",
     "http://[127.0.0.1]/", "http://0.0.0.0/", "http://[::]/", "http://localhost./", "http://localhost.evil.example.org/",
     "http://169.254.169.254/", "https://169.254.169.254/", "https://10.0.0.1/", "https://[fd00::1]/", "http://128.0.0.1/",
     "https://gw.example.com/x", "https://gw.example.com:8444/x", "http://number.example.com/x", "https://-a.example.com/"],
)  # fmt: skip
def test_endpoints_that_may_not_be_called(text: str) -> None:
    with pytest.raises(EndpointRefused):
        check_endpoint(text, NX, ALLOWED)


def test_a_user_name_is_told_as_such() -> None:
    with pytest.raises(EndpointRefused, match="user name"):
        check_endpoint("https://user:pw@number.nxcloud.com/", NX, ALLOWED)


def test_keys_of_one_vendor_do_not_go_to_the_other() -> None:
    with pytest.raises(EndpointRefused, match="another vendor"):
        check_endpoint(DEFAULT_ENDPOINTS[LA], NX, frozenset())
    with pytest.raises(EndpointRefused, match="another vendor"):
        check_endpoint(DEFAULT_ENDPOINTS[NX], LA, frozenset())


@given(st.text(max_size=60))
def test_whatever_the_endpoint_it_is_allowed_or_refused(text: str) -> None:
    for candidate in (text, f"https://{text}", f"http://127.0.0.1{text}"):
        try:
            url = check_endpoint(candidate, NX, frozenset()).url
        except EndpointRefused:
            continue
        assert url == "sandbox" or url.startswith(
            (
                "http://127.",
                "https://127.",
                "http://localhost",
                "https://localhost",
                "http://[::1]",
                "https://[::1]",
            )
        )


@pytest.mark.parametrize(
    "text",
    ["https://state.example.com/a?workspace=x", "https://state.example.com:8443/a", "https://STATE.example.com/a",
     "http://127.0.0.1:9/a", "https://localhost/a", "http://[::1]/a", "https://gw.example.com:8443/a"],
)  # fmt: skip
def test_servers_of_a_state_that_may_be_asked(text: str) -> None:
    allowed = allowed_hosts("state.example.com,gw.example.com:8443")
    assert server_of(text, allowed) is None


@pytest.mark.parametrize(
    "text",
    ["https://127.evil.example/a", "https://127.0.0.1.evil.example/a", "https://localhost.evil.example/a", "https://evil.example/a",
     "https://state.example.com.evil.example/a", "https://gw.example.com/a", "https://evil.example?state.example.com",
     "https://10.0.0.1/a", "https://169.254.169.254/a", "https://[fd00:ec2::254]/a"],
)  # fmt: skip
def test_other_servers_of_a_state_are_named(text: str) -> None:
    host = server_of(text, allowed_hosts("state.example.com,gw.example.com:8443"))
    assert host is not None and host in text


@pytest.mark.parametrize(
    "text",
    ["https://127.0.0.1\\@evil.example/a", "https://evil.example\\@127.0.0.1/a", "https://evil.example\\.127.0.0.1/a",
     "https://user@127.0.0.1/a", "https://127.0.0.1@evil.example/a", "https://2130706433/a", "https://0x7f000001/a", "https://127.1/a",
     "https://[::ffff:127.0.0.1/a", "https://[::1]evil.example/a", "https://127.0.0.1%2eevil.example/a", "https://127.0.0.1:/a",
     "https://127.0.0.1:80:80/a", "https://127.0.0.1\t.evil.example/a", "https://127。0。0。1/a", "ftp://127.0.0.1/a",
     "127.0.0.1/a", "https://127.0.0.1/a b", "https://evil.example;127.0.0.1/a", ""],
)  # fmt: skip
def test_servers_that_two_readers_could_understand_differently(text: str) -> None:
    with pytest.raises(EndpointRefused):
        server_of(text, allowed_hosts(""))


def words(expires_in: str | None = None, **rest: object) -> Words:
    return Words(**{"expires_in": expires_in, "expires_at": None, "renew_before": None, "keep": True, **rest})  # type: ignore[arg-type]


AT = "2026-12-24T18:00:00Z"
UNTIL = scalars.instant(AT)


@pytest.mark.parametrize(
    ("said", "vendor", "schedule", "lifetime"),
    [
        (words("1d"), NX, None, Lifetime(D, None, D // 5)),
        (words("1d"), NX, SCHEDULE, Lifetime(D, None, 15 * H)),
        (words("10d"), NX, SCHEDULE, Lifetime(10 * D, None, 2 * D)),
        (words("never"), NX, SCHEDULE, Lifetime(None)),
        (words(default_expires_in="3d"), LA, None, Lifetime(3 * D, None, 3 * D // 5)),
        (words("2d", default_expires_in="3d"), LA, None, Lifetime(2 * D, None, 2 * D // 5)),
        (words("1d", renew_before="50%"), NX, None, Lifetime(D, None, D // 2)),
        (words("1d", renew_before="14h"), NX, SCHEDULE, Lifetime(D, None, 15 * H)),
        (words("1d", renew_before="20h"), NX, SCHEDULE, Lifetime(D, None, 20 * H)),
        (words("1d", default_renew_before="6h"), NX, None, Lifetime(D, None, 6 * H)),
        (words("1d", renew_before="1h", default_renew_before="6h"), NX, None, Lifetime(D, None, H)),
        (words("1d", keep=False), NX, None, Lifetime(D, None, D // 5, keep=False)),
        (words(expires_at=AT), NX, SCHEDULE, Lifetime(None, UNTIL)),
        (words(expires_at=AT, default_expires_in="1d"), NX, None, Lifetime(None, UNTIL)),
        (words(expires_at=AT, default_expires_in="never"), LA, None, Lifetime(3 * D, UNTIL, 3 * D // 5)),
        (words("1d", expires_at=AT), NX, None, Lifetime(D, UNTIL, D // 5)),
        (words("1d", expires_at=AT), LA, SCHEDULE, Lifetime(D, UNTIL, 15 * H)),
    ],
)
def test_lifetimes(said: Words, vendor: VendorType, schedule: Schedule | None, lifetime: Lifetime) -> None:
    resolved = resolve(said, vendor, schedule)
    assert resolved.lifetime == lifetime
    assert resolved.problems == ()


@pytest.mark.parametrize(
    ("said", "schedule", "renew"),
    [
        (words("10h"), SCHEDULE, 5 * H),
        (words("15h"), SCHEDULE, 7 * H + H // 2),
        (words("30m"), None, 360),
        (words("2h", default_renew_before="6h"), None, H),
    ],
)
def test_a_lifetime_too_short_to_be_kept_alive_is_warned_of(
    said: Words, schedule: Schedule | None, renew: int
) -> None:
    resolved = resolve(said, NX, schedule)
    assert [one.code for one in resolved.problems] == ["W400"]
    assert resolved.lifetime is not None
    assert resolved.lifetime.renew_before_seconds == renew


def test_what_shall_end_by_itself_is_not_warned_of() -> None:
    assert resolve(words("30m", keep=False), NX, SCHEDULE).problems == ()


@given(st.integers(1, 40 * D), st.integers(1, 3 * D), st.integers(0, 3 * D), st.integers(1, 99))
def test_a_renewal_is_never_due_the_moment_a_binding_is_made(
    lease: int, every: int, late: int, share: int
) -> None:
    resolved = resolve(words(str(lease), renew_before=f"{share}%"), NX, Schedule(every, late))
    assert resolved.lifetime is not None
    assert 0 <= resolved.lifetime.renew_before_seconds < lease
    safe = resolved.lifetime.renew_before_seconds >= every + late
    assert safe or [one.code for one in resolved.problems] == ["W400"]


def test_what_is_quoted_shows_no_phone() -> None:
    assert quoted("+44 7700 900123 or 12") == '"••••••••••••••• or 12"'
    assert len(quoted("x" * 1000)) < 70


def test_nearest_words() -> None:
    assert closest("recordng", ("recording", "protect")) == 'did you mean "recording"?'
    assert closest("zzz", ("recording",)) == ""
    assert listed(["a", "b", "c"]) == "a, b or c"
    assert listed(["a"]) == "a"
