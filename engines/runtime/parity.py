"""Does an engine say what the reference says? Asked before it serves, at every batch size that it will use.

What is compared is what scores are made of: latents, features, the decoder's answer, and from these a map a frame, the
decoder's error at each place. What matters of a map is which places stand out, so its ranks count beside its values.
Figures are relative: root mean square of the difference over that of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.contract import Decoded, Encoded, Engine, EngineInfo, Floats, Pixels
from engines.errors import EngineError


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What an engine may differ by."""

    values: float
    """Of latents and of features."""
    map: float
    rank: float
    """Least rank correlation (Spearman) of the places of all maps."""


TOLERANCE: Final = Tolerance(values=0.15, map=0.1, rank=0.99)
"""bf16 keeps within two thirds of it, and its AUROC within a thousandth of float32's: see README.md."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the reference makes of some frames, and what its decoder was given."""

    pixels: Pixels
    encoded: Encoded
    latent: Floats
    decoded: Decoded

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an engine differs from the reference, at the batch size where it differs most."""

    info: EngineInfo
    latent: float
    features: float
    map: float
    rank: float
    finite: bool
    batch: int
    frames: int
    failure: str = ""
    """Why it could not even be asked; its figures are worthless then."""

    def trouble(self, allowed: Tolerance = TOLERANCE) -> str:
        """What is out of tolerance, for people; empty when nothing is."""
        if self.failure:
            return self.failure
        if not self.finite:
            return f"it gives numbers that are none (NaN or infinite) at batch {self.batch}"
        found = [
            f"{name} {value:.3f} (at most {most})"
            for name, value, most in (
                ("latents differ by", self.latent, allowed.values),
                ("features differ by", self.features, allowed.values),
                ("maps differ by", self.map, allowed.map),
            )
            if not value <= most
        ]
        if not self.rank >= allowed.rank:
            found.append(f"ranks of places agree to {self.rank:.4f} (at least {allowed.rank})")
        return f"at batch {self.batch}, {', '.join(found)}" if found else ""

    def told(self) -> str:
        """The figures in a line."""
        return (
            f"latents {self.latent:.4f}, features {self.features:.4f}, maps {self.map:.4f}, rank {self.rank:.5f} "
            f"over {self.frames} frames"
        )


def expect(reference: Engine, pixels: Pixels) -> Expected:
    """Ask the reference, which must be open, about frames uint8 [N, H, W, 3]."""
    encoded = reference.encode(pixels)
    return Expected(pixels, encoded, encoded.latent, reference.decode(encoded.latent))


def compare(engine: Engine, expected: Expected, batches: Sequence[int]) -> Agreement:
    """Run an open engine on the frames in batches of each of the sizes given and tell its worst.

    Frames are repeated where a batch needs more than there are. An engine that fails is told as such, not raised.
    """
    try:
        return max((_compare(engine, expected, batch) for batch in sorted(set(batches))), key=_badness)
    except EngineError as error:
        return failed(engine.info, str(error))


def failed(info: EngineInfo, why: str) -> Agreement:
    """What is said of an engine that could not be opened or run."""
    nan = float("nan")
    return Agreement(info, nan, nan, nan, nan, finite=False, batch=0, frames=0, failure=why)


def residual_map(features: Floats, decoded: Decoded) -> Floats:
    """The decoder's error at each place, float32 [N, h, w]."""
    return np.asarray(np.sqrt(np.square(features - decoded.features).mean(-1)), np.float32)


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's correlation of two arrays of one shape; values that are equal take their order's ranks."""
    first, second = _ranks(one), _ranks(other)
    spread = float(first.std() * second.std())
    return float((first * second).mean() - first.mean() * second.mean()) / spread if spread else 1.0


def _compare(engine: Engine, expected: Expected, batch: int) -> Agreement:
    parts = list(_parts(len(expected), batch))
    encoded = [engine.encode(expected.pixels[part]) for part in parts]
    decoded = [engine.decode(expected.latent[part]) for part in parts]
    order = np.concatenate(parts)
    latent = np.concatenate([each.latent for each in encoded])
    features = np.concatenate([each.features for each in encoded])
    picture = np.concatenate([each.picture for each in decoded])
    regenerated = Decoded(np.concatenate([each.features for each in decoded]), picture)
    theirs = Decoded(expected.decoded.features[order], expected.decoded.picture[order])
    ours_map = residual_map(features, regenerated)
    their_map = residual_map(expected.encoded.features[order], theirs)
    finite = all(bool(np.isfinite(each).all()) for each in (latent, features, regenerated.features, picture))
    found = Agreement(
        engine.info,
        latent=difference(latent, expected.encoded.latent[order]),
        features=difference(features, expected.encoded.features[order]),
        map=max(difference(ours_map, their_map), difference(picture, theirs.picture)),
        rank=rank_correlation(ours_map, their_map) if finite else float("nan"),
        finite=finite,
        batch=batch,
        frames=len(expected),
    )
    return found if finite else replace(found, latent=float("inf"))


def difference(ours: Floats, theirs: Floats) -> float:
    """Root mean square of the difference over that of `theirs`."""
    scale = float(np.sqrt(np.square(theirs, dtype=np.float64).mean())) + 1e-12
    return float(np.sqrt(np.square(ours - theirs, dtype=np.float64).mean())) / scale


def _badness(agreement: Agreement) -> tuple[bool, bool, float]:
    worst = max(agreement.latent / TOLERANCE.values, agreement.map / TOLERANCE.map)
    return not agreement.finite, bool(agreement.trouble()), worst


def _parts(count: int, batch: int) -> Iterator[np.ndarray]:
    """Indices of frames in batches of one size that cover all of them."""
    for start in range(0, count, batch):
        yield np.arange(start, start + batch) % count


def _ranks(values: Floats) -> np.ndarray:
    flat = values.ravel()
    ranks = np.empty(flat.size)
    ranks[flat.argsort(kind="stable")] = np.arange(flat.size)
    return ranks / max(1, flat.size - 1)
