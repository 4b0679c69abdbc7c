"""The strict decoder: what is no JSON object of the vendor's is Unreadable, and nothing else is raised."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pnsync.providers import decoding
from pnsync.providers.decoding import Unreadable, decode, request_id, text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", ""),
        (b" \n", ""),
        (b"null", ""),
        (b"[]", ""),
        (b'"x"', ""),
        (b"0", ""),
        (b"<html>ok</html>", "text/html"),
        (b'{"code": 0', ""),
        (b'{"code": 0} {}', ""),
        (b'{"code": 0,}', ""),
        (b"{'code': 0}", ""),
        (b'{"code": 0, "code": 1}', ""),
        (b'{"code": 0, "data": {"a": 1, "a": 1}}', ""),
        (b'{"code": NaN}', ""),
        (b'{"code": 0, "x": -Infinity}', ""),
        (b'\xef\xbb\xbf{"code": 0}', ""),
        ('{"code": 0}'.encode("utf-16"), ""),
        ('{"code": 0}'.encode("utf-16-le"), ""),
        (b'{"code": 0, "msg": "\xff"}', ""),
        (b'{"code": 0}', "application/json; charset=ISO-8859-1"),
        (b'{"code": 0}', 'application/json; charset = "gbk"'),
        (b'{"code": 0, "x": "\n"}', ""),
        (b'{"code": ' + b"9" * 5000 + b"}", ""),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, ""),
        (b"[" * 1_000_000, ""),
    ],
)
def test_unreadable(body: bytes, content_type: str) -> None:
    with pytest.raises(Unreadable):
        decode(body, content_type)


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "application/json;charset=UTF-8", "text/html"]
)
def test_readable(content_type: str) -> None:
    assert decode('{"code": 0, "msg": "牛"}'.encode(), content_type) == {"code": 0, "msg": "牛"}


@given(st.binary(max_size=200), st.text(max_size=30))
@example(b"\x00{}", "charset=utf-8")
def test_nothing_but_unreadable_is_raised(body: bytes, content_type: str) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(decode(body, content_type), dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON, max_size=6), st.booleans())
def test_every_json_object_is_readable(document: dict[str, object], ascii_only: bool) -> None:
    try:
        body = json.dumps(document, ensure_ascii=ascii_only).encode()
    except UnicodeEncodeError:
        return
    assert decode(body) == document


def test_text_is_always_storable() -> None:
    found = decode(b'{"groupName": "a\\ud800b"}')
    assert text(found, "groupName") == "a?b"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1602248485121429504", "1602248485121429504"),
        (1602248485121429504, "1602248485121429504"),
        ("a-1_B", "a-1_B"),
        ("447700900123", ""),
        (447700900123, ""),
        ("a b", ""),
        ("x" * 65, ""),
        ("::error", ""),
        (None, ""),
        ([], ""),
    ],
)
def test_a_request_id_that_could_be_a_telephone_number_is_not_shown(value: object, shown: str) -> None:
    assert request_id({"requestId": value}) == shown


def test_numbers_of_a_row_have_their_bounds() -> None:
    assert decoding.integer({"a": 2**63 - 1}, "a") == 2**63 - 1
    for wrong in (2**63, -(2**63), 1.0, True, "1e3", "٣"):
        with pytest.raises(Unreadable):
            decoding.integer({"a": wrong}, "a")
    assert [decoding.total({"a": one}, "a") for one in (3, "3", 0, -1, "x", None)] == [
        3,
        3,
        0,
        None,
        None,
        None,
    ]
