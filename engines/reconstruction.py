"""What the decoder makes of normal latents, against what is there.

Each place's latent is replaced by the nearest one remembered from normal footage, and the decoder, which sees
nothing else, regenerates features and picture from these. What it gets wrong on normal footage too (its own
blur) is subtracted; what remains is measured against the place's own normal remainder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Decoded, Floats, Pixels
from engines.zoning import Cells

_SHADE: Final = 16
"""Places a side by which slow changes over the picture are told."""
_AT_ONCE: Final = 128
"""Places whose features are compared at a time."""
_LEAST_SEEN: Final = np.float32(0.05)
"""Where less than this share of the surroundings is seen, little is said of its shade."""


@dataclass(frozen=True, slots=True, eq=False)
class Residuals:
    """What is there minus what was regenerated."""

    features: Floats
    """float32 [N, h, w, F]."""
    picture: Floats
    """float32 [N, P, P, 3], less what varies slowly over the frame: light and shade are no anomaly."""


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """How the decoder's errors normally are at each place."""

    features: Floats
    """float32 [h, w, F]: mean residual."""
    picture: Floats
    """float32 [P, P, 3]: mean residual."""
    feature_scale: Floats
    """float32 [h, w]: how large the remainder normally gets."""
    picture_scale: Floats
    """float32 [h, w]."""

    def compare(self, residuals: Residuals) -> Floats:
        """Measure residuals against normal ones: float32 [N, h, w], 1 where as large as normal ones get."""
        return self.combine(*remainders(residuals, self.features, self.picture))

    def compare_regenerated(self, features: Floats, regenerated: Floats, picture: Floats) -> Floats:
        """The same of one frame, [1, ...]: features, what was regenerated of them, and the residual of its picture.

        Nothing is written that is as large as they are.
        """
        of_features = _sizes(features[0], (regenerated[0], self.features))
        return self.combine(of_features[None], _sizes_of_picture(picture - self.picture, of_features.shape))

    def combine(self, features: Floats, picture: Floats) -> Floats:
        """The same from `remainders`."""
        squares = np.square(features / self.feature_scale) + np.square(picture / self.picture_scale)
        return np.asarray(np.sqrt(squares / 2), np.float32)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays for a profile; means in float16."""
        return {
            "reconstruction.features": self.features.astype(np.float16),
            "reconstruction.picture": self.picture.astype(np.float16),
            "reconstruction.feature_scale": self.feature_scale,
            "reconstruction.picture_scale": self.picture_scale,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Reconstruction:
        """The inverse of `to_arrays`."""
        names = ("features", "picture", "feature_scale", "picture_scale")
        return cls(*(arrays[f"reconstruction.{name}"].astype(np.float32) for name in names))


def residuals_of(features: Floats, pixels: Pixels, decoded: Decoded, seen: Sequence[Cells | None] = ()) -> Residuals:
    """Subtract the regenerated from the real: features [N, h, w, F] and pixels uint8 [N, H, W, 3].

    `seen`, bool [P, P] a frame, or None, is what of its picture no mask hides. What was decoded is overwritten.
    """
    left = np.subtract(features, decoded.features, out=decoded.features)
    return Residuals(left, residuals_of_pictures(pixels, decoded.picture, seen))


def residuals_of_pictures(pixels: Pixels, regenerated: Floats, seen: Sequence[Cells | None] = ()) -> Floats:
    """`Residuals.picture` of pixels uint8 [N, H, W, 3]. What was regenerated, [N, P, P, 3], is overwritten."""
    size = regenerated.shape[1:3]
    for one, into, shown in zip(pixels, regenerated, seen or [None] * len(regenerated), strict=True):
        small = cv2.resize(one, size[::-1], interpolation=cv2.INTER_AREA)
        np.subtract(small * np.float32(1 / 255), into, out=into)
        np.subtract(into, _shade(into) if shown is None else _shade_of_seen(into, shown), out=into)
    return regenerated


def _shade(picture: Floats) -> Floats:
    """What varies over quarters of a picture [P, P, 3] and more slowly, of the same shape."""
    coarse = cv2.resize(picture, (_SHADE, _SHADE), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(coarse, (0, 0), _SHADE / 4, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(smooth, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _shade_of_seen(picture: Floats, seen: Cells) -> Floats:
    """The same where only some pixels, bool [P, P], are seen: the others, set to 0, cast no shade on these."""
    shown = seen[..., None].astype(np.float32)
    np.multiply(picture, shown, out=picture)
    weight = _shade(np.repeat(shown, 3, axis=2))
    return np.asarray(_shade(picture) / np.maximum(weight, _LEAST_SEEN) * shown, np.float32)


def remainders(residuals: Residuals, features: Floats, picture: Floats) -> tuple[Floats, Floats]:
    """Magnitudes of residuals less their normal means: two float32 [N, h, w]."""
    of_features = np.stack([_sizes(one, (features,)) for one in residuals.features])
    return of_features, _sizes_of_picture(residuals.picture - picture, of_features.shape[1:])


def _sizes(features: Floats, less: Sequence[Floats]) -> Floats:
    """Root of the mean square, at each place, of features [h, w, F] less some of their shape: float32 [h, w].

    A few places at a time: what is left of them stays in the processor's cache.
    """
    channels = features.shape[-1]
    rows, others = features.reshape(-1, channels), [each.reshape(-1, channels) for each in less]
    squares, room = np.empty(len(rows), np.float32), np.empty((_AT_ONCE, channels), np.float32)
    for begin in range(0, len(rows), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        left = room[: len(rows[part])]
        np.subtract(rows[part], others[0][part], out=left)
        for other in others[1:]:
            left -= other[part]
        np.vecdot(left, left, out=squares[part])
    squares *= np.float32(1 / channels)
    return np.sqrt(squares, out=squares).reshape(features.shape[:2])


def _sizes_of_picture(left: Floats, places: tuple[int, ...]) -> Floats:
    """Root of the mean square over each place's pixels: float32 [N, h, w] of [N, P, P, 3], which is overwritten."""
    np.square(left, out=left)
    (count, tall, wide, colours), (height, width) = left.shape, places
    # Whole rows first, which lie side by side.
    rows = left.reshape(count, height, tall // height, wide * colours).sum(2)
    share = np.full(wide // width * colours, height * width / (tall * wide * colours), np.float32)
    cells = rows.reshape(count, height, width, -1) @ share  # numpy is slow at sums of a few numbers
    return np.asarray(np.sqrt(cells, out=cells))
