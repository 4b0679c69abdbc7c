"""TLS as every connection of pnsync speaks it: nothing in the environment or in a file of the project weakens it.

Promises: TLS 1.2 or later, host names and certificates checked, session keys written nowhere. Must not connect.
"""

import ssl

import certifi


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Certificates checked against Mozilla's roots and, if given, one more file. Raises OSError for an unusable one.

    Not ssl.create_default_context: that would write session keys to where SSLKEYLOGFILE says.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
