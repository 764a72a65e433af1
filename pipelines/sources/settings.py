"""How sources are opened and sampled."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Timeout = Annotated[float, msgspec.Meta(ge=0.1, le=60)]


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a source is opened and sampled."""

    fps: Annotated[float, msgspec.Meta(gt=0, le=240)] | None = None
    """Analysed rate, frames a second; None is every frame. It makes a film of a folder of pictures."""
    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP carries its packets."""
    open_timeout_s: Timeout = 3.0
    """After this long without an answer an attempt to connect is given up."""
    read_timeout_s: Timeout = 2.0
    """After this long without a frame a live source is lost."""
    paced: bool = False
    """Files in real time, as a camera would send them, and not as fast as they decode."""
