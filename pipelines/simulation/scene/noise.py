"""Random fields and random generators that depend on nothing but their keys."""

from __future__ import annotations

import cv2
import numpy as np

from pipelines.simulation.scene.geometry import Floats

_SIDE = 512


def generator(*keys: int) -> np.random.Generator:
    """A generator that is the same for the same non-negative keys, and independent of that of any others."""
    return np.random.default_rng(np.random.SeedSequence(keys))


class Grain:
    """Tileable noise over the ground: float32, mean 0, standard deviation 1."""

    def __init__(self, rng: np.random.Generator, slope: float = 0.9) -> None:
        spectrum = np.fft.rfft2(rng.standard_normal((_SIDE, _SIDE)))
        frequency = np.hypot(np.fft.fftfreq(_SIDE)[:, None], np.fft.rfftfreq(_SIDE)[None, :])
        spectrum /= np.maximum(frequency, 1 / _SIDE) ** slope
        spectrum[0, 0] = 0
        field = np.fft.irfft2(spectrum, (_SIDE, _SIDE))
        self._field: Floats = (field / field.std()).astype(np.float32)
        self._cells: Floats = rng.standard_normal((_SIDE, _SIDE)).astype(np.float32)

    def at(self, x: Floats, z: Floats, per_metre: float) -> Floats:
        """The field at world positions, `per_metre` cells of it to a metre."""
        u, v = (np.mod(axis * per_metre, _SIDE).astype(np.float32) for axis in (x, z))
        return np.asarray(cv2.remap(self._field, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP), np.float32)

    def cell(self, column: Floats, row: Floats) -> Floats:
        """One independent value for each whole-numbered cell."""
        values: Floats = self._cells[row.astype(np.int32) % _SIDE, column.astype(np.int32) % _SIDE]
        return values
