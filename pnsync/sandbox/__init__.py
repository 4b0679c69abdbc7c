"""Both vendors, simulated: an account's truth (switchboard), the two wire formats over it, faults, and three ways in.

`SandboxTransport` stands in httpx's place of a network, `serve` on a loopback socket, and each vendor's `handle` takes
bare requests. Written from the vendors' published facts alone: it must not import pnsync.providers, so that a
misread field fails somewhere.
"""
