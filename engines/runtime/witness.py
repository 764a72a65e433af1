"""Collects what the reference makes of cameras' frames, for other engines to be held against."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from engines.contract import Decoded, Encoded, Floats, Pixels
from engines.runtime.parity import Expected


class Witness:
    """Remembers the first frame of each batch until there are enough. Any thread may call."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._lock = threading.Lock()
        self._follows: int | None = None
        """The thread whose batch has been encoded and not decoded yet: one at a time is followed."""
        self._pixels: list[Pixels] = []
        self._encoded: list[Encoded] = []
        self._latent: list[Floats] = []
        self._decoded: list[Decoded] = []

    def saw(self, pixels: Pixels, encoded: Encoded) -> None:
        """Remember the first frame of a batch."""
        with self._lock:
            if self._follows is None and len(self._encoded) < self._wanted:
                self._follows = threading.get_ident()
                self._pixels.append(pixels[:1].copy())
                self._encoded.append(Encoded(encoded.latent[:1].copy(), encoded.features[:1].copy()))

    def regenerated(self, latent: Floats, decoded: Decoded) -> Expected | None:
        """Remember what the decoder made of the same batch; what an engine has to agree with, once that is known."""
        with self._lock:
            if self._follows != threading.get_ident():
                return None
            self._follows = None
            self._latent.append(latent[:1].copy())
            self._decoded.append(Decoded(decoded.features[:1].copy(), decoded.picture[:1].copy()))
            return self._told() if len(self._decoded) >= self._wanted else None

    def _told(self) -> Expected:
        return Expected(
            np.concatenate(self._pixels),
            Encoded(_joined(self._encoded, "latent"), _joined(self._encoded, "features")),
            np.concatenate(self._latent),
            Decoded(_joined(self._decoded, "features"), _joined(self._decoded, "picture")),
        )


def _joined(parts: Sequence[Encoded] | Sequence[Decoded], name: str) -> Floats:
    return np.concatenate([getattr(part, name) for part in parts])
