"""Mean and covariance of features over a corpus, and the whitening that follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats

_SMALLEST_DEVIATION = 1e-3
"""A channel that never varies is not blown up."""


@dataclass(frozen=True)
class Whitening:
    """How raw features become standardised features and a whitened latent."""

    mean: Floats
    """float32 [F]."""
    scale: Floats
    """float32 [F]: one over the standard deviation."""
    whiten: Floats
    """float32 [C, F]: from standardised features to the latent."""
    back: Floats
    """float32 [F, C]: the best linear way back from the latent to the standardised features."""
    explained: float
    """Share of the standardised features' variance that the latent keeps."""


class Moments:
    """Running first and second moments, in float64."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))

    def add(self, values: NDArray[np.floating]) -> None:
        """Take in [..., F] values."""
        rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
        self._count += len(rows)
        self._sum += rows.sum(0)
        self._products += rows.T @ rows

    @property
    def mean(self) -> NDArray[np.float64]:
        """float64 [F]."""
        return self._sum / max(self._count, 1)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """float64 [F, F]."""
        return self._products / max(self._count, 1) - np.outer(self.mean, self.mean)

    def whitening(self, latent_channels: int, emphasis: NDArray[np.floating]) -> Whitening:
        """Fit the PCA whitening with the given number of leading directions.

        `emphasis` [F] says how much a channel counts when the leading directions are chosen; the latent is white
        whatever it says. The sign of each direction is fixed (its largest weight is positive), so that equal
        moments give equal latents.
        """
        scale = 1 / np.maximum(np.sqrt(np.diag(self.covariance)), _SMALLEST_DEVIATION)
        correlation = self.covariance * np.outer(scale, scale)
        values, vectors = np.linalg.eigh(correlation * np.outer(emphasis, emphasis))
        leading, kept = vectors[:, ::-1][:, :latent_channels], values[::-1][:latent_channels]
        leading = leading * np.sign(leading[np.abs(leading).argmax(0), np.arange(latent_channels)])
        whiten = (leading * emphasis[:, None] / np.sqrt(kept)).T
        back = correlation @ whiten.T
        return Whitening(
            mean=self.mean.astype(np.float32),
            scale=scale.astype(np.float32),
            whiten=whiten.astype(np.float32),
            back=back.astype(np.float32),
            explained=float(np.square(back).sum() / np.trace(correlation)),
        )
