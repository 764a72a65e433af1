"""Whether an address that is listened on can be reached from other machines."""

from __future__ import annotations

import ipaddress


def is_exposed(endpoint: str) -> bool:
    """Whether a ZeroMQ endpoint (``tcp://HOST:PORT``, ``ipc://PATH``) is more than this machine's own."""
    scheme, _, rest = endpoint.partition("://")
    return scheme != "ipc" and is_wide(rest.rpartition(":")[0])


def is_wide(host: str) -> bool:
    """Whether a host name or address to listen on is more than loopback; what is not understood counts as wide."""
    host = host.strip("[]").partition("%")[0]
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host not in {"localhost", "lo"}
