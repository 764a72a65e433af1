from __future__ import annotations

import numpy as np
import pytest

from engines.learning.moments import Moments


def correlated(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 12)) @ rng.standard_normal((12, 12)) + rng.uniform(-5, 5, 12)


def test_moments_added_in_parts_are_those_of_the_whole() -> None:
    values = correlated(1000)
    moments = Moments(12)
    for part in np.array_split(values, 7):
        moments.add(part)
    np.testing.assert_allclose(moments.mean, values.mean(0))
    np.testing.assert_allclose(moments.covariance, np.cov(values.T, bias=True), rtol=1e-6)


@pytest.mark.parametrize("channels", [3, 12])
def test_the_latent_is_white(channels: int) -> None:
    values = correlated(4000)
    moments = Moments(12)
    moments.add(values)
    whitening = moments.whitening(channels, np.linspace(1, 2, 12))
    latent = (values - whitening.mean) * whitening.scale @ whitening.whiten.T
    np.testing.assert_allclose(latent.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(latent.T, bias=True), np.eye(channels), atol=1e-3)


def test_all_channels_keep_all_of_the_variance() -> None:
    moments = Moments(12)
    moments.add(correlated(500))
    assert moments.whitening(12, np.ones(12)).explained == pytest.approx(1)
    assert 0.2 < moments.whitening(3, np.ones(12)).explained < 1


def test_a_channel_that_never_varies_stays_finite() -> None:
    values = correlated(500)
    values[:, 4] = 2.0
    moments = Moments(12)
    moments.add(values)
    assert np.isfinite(moments.whitening(11, np.ones(12)).whiten).all()


def test_the_way_back_is_the_best_linear_one() -> None:
    values = correlated(4000)
    moments = Moments(12)
    moments.add(values)
    whitening = moments.whitening(5, np.linspace(1, 3, 12))
    features = (values - whitening.mean) * whitening.scale
    latent = features @ whitening.whiten.T
    best, *_ = np.linalg.lstsq(latent, features)
    np.testing.assert_allclose(whitening.back.T, best, atol=1e-3)
    error = np.square(features - latent @ whitening.back.T).mean()
    assert whitening.explained == pytest.approx(1 - error, abs=1e-3)


def test_what_is_emphasised_is_kept() -> None:
    moments = Moments(12)
    moments.add(correlated(4000))
    plain, first = (moments.whitening(3, np.r_[weight, np.ones(11)]) for weight in (1.0, 5.0))
    assert np.square(first.back[0]).sum() > 0.98 > np.square(plain.back[0]).sum()
