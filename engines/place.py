"""What each place of the picture normally looks like: a memory of latents, many modes a place, no gradients.

The memory is fitted to normal frames alone. A frame's latent is compared with the nearest remembered one at the
same place (PatchCore's idea, Roth et al., CVPR 2022, kept per place as in PaDiM, Defard et al., ICPR 2021), in a
space where the spread of normal frames around their place's mean is the same in all directions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Encoded, Floats

MODES: Final = 12
"""Latents remembered a place."""
SHARED_MODES: Final = 256
"""Remembered of all places together, where what is normal is so anywhere."""
_MOST_SHARED: Final = 8192
"""Of so many they are chosen."""
_LLOYD_STEPS: Final = 4
_SHRINK: Final = 0.02
"""Share of the mean variance added to every direction, so that none is divided by nearly nothing."""
_LEAST_VARIANCE: Final = 0.02
"""Variance added to every direction: the latents' is 1 over the corpus of the network, and what is smaller than
this is nothing that a person would see, however quiet the scene."""

_REACH: Final = (3, 5)
"""Height and width, in places, of what is nearby to who moves."""

Halves: TypeAlias = NDArray[np.float16]


class Room:
    """Where halves become floats for a moment. Kept from frame to frame, since fresh memory costs page faults.

    Belongs to one thread.
    """

    def __init__(self) -> None:
        self._floats = np.empty(0, np.float32)

    def floats(self, halves: Halves) -> Floats:
        """The same numbers in float32, until the next call."""
        if self._floats.size < halves.size:
            self._floats = np.empty(halves.size, np.float32)
        flat = halves.reshape(1, -1)
        into = self._floats[: halves.size].reshape(1, -1)
        # Six times as fast as numpy's conversion, and as exact.
        cv2.addWeighted(flat, 1.0, flat, 0.0, 0.0, dst=into, dtype=cv2.CV_32F)
        return into.reshape(halves.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What is remembered of every place, D channels of it: latents, or the features that they are made of."""

    whiten: Floats
    """float32 [D, D]: maps what is compared to the space of distances."""
    modes: Halves
    """float16 [h*w, K, D]: what is remembered, in that space; [1, K, D] if all places share it. As floats they would be
    most of what a camera needs of the machine's memory."""
    colour: Floats
    """float32 [D, C]: the way back to latents."""
    norms: Floats
    """float32 [K, h*w], or [K, 1]: the modes' squared lengths."""
    of_features: bool

    @classmethod
    def of(cls, whiten: Floats, modes: Floats | Halves, colour: Floats | None = None) -> Memory:
        """Complete a memory by what follows from its parts: of latents, or of features with their way to latents.

        The modes are rounded to float16, as a profile stores them.
        """
        back = np.linalg.inv(whiten).astype(np.float32) if colour is None else colour
        halves = modes.astype(np.float16, copy=False)
        norms = np.ascontiguousarray(np.square(halves.astype(np.float32)).sum(-1).T)
        return cls(whiten, halves, back, norms, colour is not None)

    def seen(self, encoded: Encoded) -> Floats:
        """What of the encoder's output this memory compares, float32 [N, h, w, D]."""
        return encoded.features if self.of_features else encoded.latent

    def compare(self, seen: Floats) -> tuple[Floats, Floats]:
        """Compare float32 [N, h, w, D] with the memory.

        Returns the distance to the nearest mode, float32 [N, h, w], and that mode as a latent for the decoder,
        float32 [N, h, w, C].
        """
        return self.compare_white(self.white(seen))

    def distance(self, seen: Floats) -> Floats:
        """The first of what `compare` returns, at half the cost."""
        return self.distance_white(self.white(seen))

    def white(self, seen: Floats) -> Floats:
        """What is compared, brought to the space of distances: float32 [N, h, w, D]."""
        # One product of two matrices: as an array of matrices it would be many small ones.
        return np.asarray((seen.reshape(-1, seen.shape[-1]) @ self.whiten).reshape(seen.shape), np.float32)

    def compare_white(self, white: Floats, room: Room | None = None) -> tuple[Floats, Floats]:
        """`compare` of what is in the space of distances already."""
        shape, room = white.shape[:3], room or Room()
        offsets = self._products((white,), room)
        offsets *= -2
        offsets += cv2.transpose(self.norms)[:, None]
        rows = offsets.reshape(-1, offsets.shape[-1])
        nearest = rows.argmin(1)
        # Looked up with a stride: numpy's own way to do so, and its minimum, take longer than all the products.
        least = rows.ravel()[nearest + rows.shape[1] * np.arange(len(rows))]
        modes = self.modes.reshape(-1, self.modes.shape[-1])
        first = np.repeat(rows.shape[1] * np.arange(len(self.modes)), offsets.shape[1])
        normal = room.floats(np.take(modes, first + nearest, axis=0)) @ self.colour
        return _distances(white, self._by_frame(least, shape)), self._by_frame(normal, (*shape, normal.shape[-1]))

    def distance_white(self, white: Floats, room: Room | None = None) -> Floats:
        """`distance` of what is in the space of distances already."""
        return self.distances_white((white,), room)[0]

    def distances_white(self, whites: Sequence[Floats], room: Room | None = None) -> list[Floats]:
        """The same of several such arrays [N, h, w, D], in one go."""
        products = self._products(whites, room or Room())
        places, frames, modes = products.shape
        # One under the other, the least of the modes is found many times as fast as side by side.
        if places == 1:
            offsets = cv2.transpose(products[0])[None]
        else:
            offsets = cv2.transpose(products.reshape(places, -1)).reshape(frames, modes, places)
        offsets *= -2
        offsets += self.norms
        least = offsets.min(1).reshape(-1, *whites[0].shape[1:3])
        ends = np.cumsum([len(white) for white in whites])
        return [_distances(white, least[end - len(white) : end]) for white, end in zip(whites, ends, strict=True)]

    def _products(self, whites: Sequence[Floats], room: Room) -> Floats:
        """Of what is seen with the modes of its place, [h*w, N, K]; [1, N*h*w, K] where all places share the modes."""
        channels = whites[0].shape[-1]
        if len(self.modes) == 1:
            placed = np.concatenate([white.reshape(-1, channels) for white in whites])[None]
        else:
            placed = np.concatenate([white.reshape(len(white), -1, channels) for white in whites]).swapaxes(0, 1)
        return np.asarray(np.ascontiguousarray(placed) @ room.floats(self.modes).transpose(0, 2, 1))

    def _by_frame(self, placed: Floats, shape: tuple[int, ...]) -> Floats:
        """What is in the order of `_products`, [h*w*N, ...] or [N*h*w, ...], as [N, h, w, ...]."""
        if len(self.modes) == 1:
            return placed.reshape(shape)
        return np.ascontiguousarray(placed.reshape(-1, shape[0], *placed.shape[1:]).swapaxes(0, 1)).reshape(shape)

    def to_arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Arrays for a profile, their names beginning with `name`; the modes in float16."""
        arrays: dict[str, NDArray[Any]] = {
            f"{name}.whiten": self.whiten,
            f"{name}.modes": self.modes,
        }
        if self.of_features:
            arrays[f"{name}.colour"] = self.colour
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], name: str) -> Memory:
        """The inverse of `to_arrays`."""
        whiten = arrays[f"{name}.whiten"].astype(np.float32)
        modes = arrays[f"{name}.modes"]
        colour = arrays.get(f"{name}.colour")
        return cls.of(whiten, modes, None if colour is None else colour.astype(np.float32))


def fit_memory(latents: Halves, chosen: NDArray[np.intp], whiten: Floats, most: int = MODES) -> Memory:
    """Remember the frames `chosen` of float16 [N, h, w, C] by at most `most` modes a place.

    `whiten` comes from `fit_whitening`.
    """
    height, width, channels = latents.shape[1:]
    modes = np.empty((height, width, min(most, len(chosen)), channels), np.float32)
    for row in range(height):  # a row at a time: all places at once would need gigabytes
        seen = latents[chosen, row].astype(np.float32) @ whiten
        modes[row] = _cluster(np.ascontiguousarray(seen.transpose(1, 0, 2)), modes.shape[2])
    return Memory.of(whiten, modes.reshape(height * width, -1, channels))


def fit_shared_memory(latents: Halves, chosen: NDArray[np.intp], whiten: Floats, most: int = SHARED_MODES) -> Memory:
    """Remember the frames `chosen` by modes that all places share, wherever each was seen.

    For pictures whose content has no fixed place: textures, parts that lie as they fell (PatchCore's memory).
    """
    seen = latents[chosen].reshape(-1, latents.shape[-1])
    # A fixed seed: the same pictures make the same memory.
    some = np.sort(np.random.default_rng(0).permutation(len(seen))[:_MOST_SHARED])
    modes = _cluster(seen[some][None].astype(np.float32) @ whiten, min(most, len(some)))
    return Memory.of(whiten, modes)


def fit_whitening(latents: Halves, chosen: NDArray[np.intp]) -> Floats:
    """Find the map, float32 [C, C], that evens out how latents spread around their place's mean."""
    channels = latents.shape[-1]
    mean = np.asarray(np.mean(latents[chosen], axis=0, dtype=np.float32))
    spread = np.zeros((channels, channels))
    for index in chosen:
        residual = (latents[index].astype(np.float32) - mean).reshape(-1, channels)
        spread += residual.T @ residual
    variance, axes = np.linalg.eigh(spread / (len(chosen) * mean[..., 0].size))
    return np.asarray(axes / np.sqrt(variance + _SHRINK * variance.mean() + _LEAST_VARIANCE), np.float32)


def smooth_scale(values: Floats, *, sigma: float = 1.5, floor: float = 0.1, aside: bool = True) -> Floats:
    """Make a scale of a map [h, w] of normal magnitudes: the largest nearby, smoothed, off zero by a share of the mean.

    People step aside: what is normal at a place is so at its neighbours', further to the sides than up and down. Not
    so in stills (`aside` is False): there a rim that varies says nothing of the surface beside it.
    """
    nearby = cv2.dilate(values, np.ones(_REACH, np.uint8)) if aside else values
    smooth = np.asarray(cv2.GaussianBlur(nearby, (0, 0), sigma), np.float32)
    return smooth + np.float32(floor * float(smooth.mean()) + 1e-6)


def _cluster(seen: Floats, modes: int) -> Floats:
    """Choose modes for float32 [P, N, C], each place on its own: farthest points first, then k-means."""
    centres = _farthest(seen, modes)
    for _ in range(_LLOYD_STEPS):
        member = _squares(seen, centres).argmin(-1)[..., None] == np.arange(modes)
        counts = member.sum(1)[..., None]
        sums = member.astype(np.float32).transpose(0, 2, 1) @ seen
        centres = np.where(counts > 0, sums / np.maximum(counts, 1), centres).astype(np.float32)
    return centres


def _farthest(seen: Floats, modes: int) -> Floats:
    """Begin at the frame nearest to the mean, then add the one farthest from all chosen (Gonzalez, 1985)."""
    places = np.arange(len(seen))
    index = np.square(seen - seen.mean(1, keepdims=True)).sum(-1).argmin(1)
    centres = np.empty((len(seen), modes, seen.shape[-1]), np.float32)
    nearest = np.full(seen.shape[:2], np.inf, np.float32)
    for mode in range(modes):
        centres[:, mode] = seen[places, index]
        np.minimum(nearest, _squares(seen, centres[:, mode : mode + 1])[..., 0], out=nearest)
        index = nearest.argmax(1)
    return centres


def _squares(seen: Floats, modes: Floats) -> Floats:
    """Squared distances between [P, N, C] and [P, K, C]: float32 [P, N, K], possibly a rounding below 0."""
    cross = seen @ modes.transpose(0, 2, 1)
    return np.asarray(np.square(seen).sum(-1)[..., None] - 2 * cross + np.square(modes).sum(-1)[:, None])


def _distances(white: Floats, least: Floats) -> Floats:
    """Distances [N, h, w] of [N, h, w, D] from modes, given the least of their squares less that of what is seen."""
    squares = least + np.vecdot(white, white)
    np.maximum(squares, 0, out=squares)  # it can be a rounding below
    return np.asarray(np.sqrt(squares, out=squares))
