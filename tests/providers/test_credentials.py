"""Credentials: where they are read from, what is said when they are not there, and that nothing shows them."""

import copy
import json
import pickle
import traceback
from pathlib import Path

import pytest

from pnsync.errors import UsageError
from pnsync.model import CredentialReference
from pnsync.providers.credentials import Credentials, Secret, read_credentials

from .world import la_config, nx_config, nxcloud

KEY, SECRET = "fme2na3kdi3ki", "abciiiko2k3"


def test_from_the_environment() -> None:
    found = read_credentials(nx_config(), {"NXCLOUD_ACCESS_KEY": KEY, "NXCLOUD_ACCESS_SECRET": SECRET})
    assert (found.key.reveal(), found.secret.reveal(), found.warnings) == (KEY, SECRET, ())
    found = read_credentials(la_config(), {"LAAFFIC_API_KEY": KEY, "LAAFFIC_API_SECRET": SECRET})
    assert (found.key.reveal(), found.secret.reveal()) == (KEY, SECRET)


def test_from_names_of_the_provider_s_own() -> None:
    config = nx_config(
        credentials={
            "access_key": CredentialReference("PNSYNC_CRED_K"),
            "access_secret": CredentialReference("PNSYNC_CRED_S"),
        }
    )
    found = read_credentials(
        config, {"PNSYNC_CRED_K": KEY, "PNSYNC_CRED_S": SECRET, "NXCLOUD_ACCESS_KEY": "no"}
    )
    assert (found.key.reveal(), found.secret.reveal()) == (KEY, SECRET)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o604])
def test_from_a_file_with_a_warning_when_others_may_read_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(mode)
    found = read_credentials(
        nx_config(), {"NXCLOUD_ACCESS_KEY": KEY, "NXCLOUD_ACCESS_SECRET_FILE": str(path)}
    )
    assert found.secret.reveal() == SECRET
    assert bool(found.warnings) == bool(mode & 0o077)


def test_the_sandbox_needs_none() -> None:
    found = read_credentials(nx_config(endpoint="sandbox"), {"NXCLOUD_ACCESS_KEY": KEY})
    assert found == Credentials(Secret("sandbox"), Secret("sandbox"))


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "NXCLOUD_ACCESS_KEY and NXCLOUD_ACCESS_SECRET"),
        ({"NXCLOUD_ACCESS_KEY": ""}, "NXCLOUD_ACCESS_KEY and NXCLOUD_ACCESS_SECRET"),
        ({"NXCLOUD_ACCESS_KEY": KEY}, "NXCLOUD_ACCESS_SECRET"),
        ({"NXCLOUD_ACCESS_KEY": KEY, "NXCLOUD_ACCESS_KEY_FILE": "/x"}, "NXCLOUD_ACCESS_KEY_FILE"),
        ({"NXCLOUD_ACCESS_KEY_FILE": "/nowhere/key"}, "NXCLOUD_ACCESS_KEY_FILE"),
        ({"NXCLOUD_ACCESS_KEY_FILE": "/"}, "NXCLOUD_ACCESS_KEY_FILE"),
        ({"NXCLOUD_ACCESS_KEY_FILE": "/dev/null"}, "NXCLOUD_ACCESS_KEY_FILE"),
        ({"NXCLOUD_ACCESS_KEY": f"{KEY}\n"}, "NXCLOUD_ACCESS_KEY"),
        ({"NXCLOUD_ACCESS_KEY": f"{KEY} x"}, "NXCLOUD_ACCESS_KEY"),
        ({"NXCLOUD_ACCESS_KEY": f"{KEY}é"}, "NXCLOUD_ACCESS_KEY"),
    ],
)
def test_what_is_missing_is_named_and_no_value_shown(environ: dict[str, str], named: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_credentials(nx_config(), environ)
    shown = "\n".join((raised.value.summary, *raised.value.detail))
    assert named in shown
    assert KEY not in shown
    assert KEY not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(("length", "good"), [(4096, True), (4097, False)])
def test_a_file_too_long_is_no_key(tmp_path: Path, length: int, good: bool) -> None:
    path = tmp_path / "key"
    path.write_text("x" * length)
    path.chmod(0o600)
    environ = {"NXCLOUD_ACCESS_KEY_FILE": str(path), "NXCLOUD_ACCESS_SECRET": SECRET}
    if good:
        assert read_credentials(nx_config(), environ).key == Secret("x" * length)
        return
    with pytest.raises(UsageError, match="holds no key"):
        read_credentials(nx_config(), environ)


def test_a_key_that_is_given_twice_is_none(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("another")
    environ = {
        "NXCLOUD_ACCESS_KEY": KEY, "NXCLOUD_ACCESS_KEY_FILE": str(path), "NXCLOUD_ACCESS_SECRET": SECRET
    }  # fmt: skip
    with pytest.raises(UsageError, match="set twice"):
        read_credentials(nx_config(), environ)


def test_no_text_form_shows_a_secret() -> None:
    one = Secret(SECRET)
    shown = [str(one), repr(one), f"{one}", f"{one:>40}", f"{one!r:>9}", "%s" % one, "%r" % one]  # noqa: UP031
    shown += [repr([one]), str({"a": one}), repr(Credentials(one, one)), str(Credentials(one, one))]
    assert not any(SECRET in text for text in shown)


def test_a_secret_is_not_serialised() -> None:
    for write in (pickle.dumps, json.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(Secret(SECRET))


def test_an_account_is_host_and_keyed_fingerprint() -> None:
    one = nxcloud(None, credentials=Credentials(Secret(KEY), Secret(SECRET)))
    account = one.account(b"k" * 32)
    assert account.host == "number.nxcloud.com"
    assert account.fingerprint.startswith("sha256:")
    assert account == nxcloud(None, credentials=Credentials(Secret(KEY), Secret("other"))).account(b"k" * 32)
    assert account != nxcloud(None, credentials=Credentials(Secret("other"), Secret(SECRET))).account(
        b"k" * 32
    )
    assert account.fingerprint != one.account(b"l" * 32).fingerprint
    assert KEY not in repr(account)
