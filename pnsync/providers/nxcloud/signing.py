"""NXCloud's signature: a digest over four headers, the exact body and the secret (docs/vendors.md, 1.2). Pure.

The body that is signed must be the very bytes that are sent; URL and method are not covered.
"""

import hashlib
from typing import Final

BIZ_TYPE: Final = "5"
"""Privacy numbers."""


def signed_text(
    access_key: str, action: str, timestamp: str, body: bytes, access_secret: str, *, biz_type: str = BIZ_TYPE
) -> bytes:
    """The bytes that are digested; `&body=` only where there is a body."""
    head = f"accessKey={access_key}&action={action}&bizType={biz_type}&ts={timestamp}".encode()
    middle = b"&body=" + body if body else b""
    return head + middle + f"&accessSecret={access_secret}".encode()


def signature(
    access_key: str,
    action: str,
    timestamp: str,
    body: bytes,
    access_secret: str,
    *,
    algorithm: str,
    biz_type: str = BIZ_TYPE,
) -> str:
    """The `sign` header: lowercase hex. `timestamp` is epoch milliseconds in decimal."""
    covered = signed_text(access_key, action, timestamp, body, access_secret, biz_type=biz_type)
    return hashlib.new(algorithm, covered, usedforsecurity=False).hexdigest()


def headers(
    access_key: str,
    action: str,
    vendor_time: float,
    body: bytes,
    access_secret: str,
    *,
    algorithm: str,
) -> dict[str, str]:
    """The headers of a signed request. `vendor_time` is epoch seconds by the vendor's clock."""
    timestamp = str(int(vendor_time * 1000))
    found = {
        "Content-Type": "application/json",
        "accessKey": access_key,
        "action": action,
        "bizType": BIZ_TYPE,
        "ts": timestamp,
        "sign": signature(access_key, action, timestamp, body, access_secret, algorithm=algorithm),
    }
    if algorithm != "md5":
        found["algorithm"] = algorithm
    return found
