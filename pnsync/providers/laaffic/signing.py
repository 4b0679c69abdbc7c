"""LAAFFIC's signature: MD5 over key, secret and time stamp (docs/vendors.md, 2.2). Pure.

It covers neither body nor URL: whoever sees the three headers can make any call for half an hour, so they are
never logged.
"""

import hashlib


def signature(api_key: str, api_secret: str, timestamp: str) -> str:
    """The `Sign` header: lowercase hex. `timestamp` is epoch seconds in decimal."""
    return hashlib.md5(f"{api_key}{api_secret}{timestamp}".encode(), usedforsecurity=False).hexdigest()


def headers(api_key: str, api_secret: str, vendor_time: float) -> dict[str, str]:
    """The headers of a signed request. `vendor_time` is epoch seconds by the vendor's clock."""
    timestamp = str(int(vendor_time))
    return {
        "Content-Type": "application/json;charset=UTF-8",
        "Sign": signature(api_key, api_secret, timestamp),
        "Timestamp": timestamp,
        "Api-Key": api_key,
    }
