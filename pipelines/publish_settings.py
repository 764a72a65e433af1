"""Where alerts go and how they look: the table ``[publish]``."""

from __future__ import annotations

from typing import Annotated

import msgspec

from pipelines.regions import RegionSettings


class PublishSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where alerts go and how they look."""

    endpoint: Annotated[str, msgspec.Meta(pattern=r"^(tcp|ipc)://.+")] = "tcp://127.0.0.1:5557"
    """ZeroMQ endpoint to bind; the default is reachable from this machine alone."""
    keys: str | None = None
    """Folder of keys, made by `vigil keys`: who shows none of them is not let in, and all is encrypted."""
    server_key: str | None = None
    """This end's secret, where it is not ``server.key_secret`` in that folder."""
    open_to_all: bool = False
    """Listen on an address that other machines reach although no key is asked for."""
    connections: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 64
    """Subscribers at a time."""
    heartbeat_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 5.0
    """Each camera's status goes out at least this often."""
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 80
    queue: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 64
    """Verdicts that may wait for the publisher."""
    high_water: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100
    """Messages kept for each subscriber that does not keep up; further ones are lost to it, and to it alone."""
    linger_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 500
    """On stopping, unsent messages are given this long. Not zero: libzmq (4.3.5, its issue 3442) aborts the process if
    a socket closes without linger while a subscriber hangs up in the middle of a multipart message."""
    regions: RegionSettings = RegionSettings()
