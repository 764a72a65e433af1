"""From the views' maps to those that are shown."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engines.contract import SIGNALS, Floats
from engines.maps import maps_of
from engines.scoring import Fusion, View, fit_fusion

PLACES = (4, 4)


def fusion_of_a_quiet_street() -> Fusion:
    """Somewhere in each frame a place looks nearly as unlike as it ever does; in some frames next to nothing moves."""
    rng = np.random.default_rng(0)
    statistics: dict[View, Floats] = {
        "appearance-latent": rng.uniform(0.8, 1.0, 500).astype(np.float32),
        "motion": np.where(rng.random(500) < 0.3, rng.uniform(0, 0.1, 500), rng.uniform(0, 1, 500)).astype(np.float32),
    }
    return fit_fusion(statistics, dict.fromkeys(statistics, 1.0), power=2.0)


FUSION = fusion_of_a_quiet_street()


def views(latent: float, motion: float) -> dict[View, Floats]:
    """Maps with these magnitudes at one place."""
    maps: dict[View, Floats] = {
        "appearance-latent": np.zeros((1, 4, 4), np.float32),
        "motion": np.zeros((1, 8, 8), np.float32),
    }
    maps["appearance-latent"][0, 1, 1], maps["motion"][0, 2, 2] = latent, motion
    return maps


def fused_at(latent: float, motion: float) -> float:
    return float(maps_of(FUSION, views(latent, motion), PLACES)[0][1, 1])


def test_what_moves_as_slowly_as_it_may_stands_behind_what_looks_unlike_its_place() -> None:
    assert fused_at(latent=0.1, motion=0.05) < fused_at(latent=0.75, motion=0.0)


def test_what_no_normal_frame_shows_has_its_surprise() -> None:
    strange = views(latent=3.0, motion=0.0)
    surprises = FUSION.surprises({"appearance-latent": np.full(1, 3.0, np.float32), "motion": np.zeros(1, np.float32)})
    fused, signals = maps_of(FUSION, strange, PLACES)
    assert fused[1, 1] == FUSION.score(surprises)[0] > 3
    assert set(signals) == set(SIGNALS)


def test_places_as_ever_never_reach_what_every_second_normal_frame_does() -> None:
    fused, _ = maps_of(FUSION, views(latent=0.7, motion=0.05), PLACES)
    assert 0 < fused.max() < 0.31


def test_what_was_not_measured_says_nothing() -> None:
    unknown = {**views(latent=0.5, motion=0.0), "motion": np.full((1, 8, 8), np.nan, np.float32)}
    fused, _ = maps_of(FUSION, unknown, PLACES)
    assert np.isfinite(fused).all()
    assert fused[1, 1] == fused.max() > fused[0, 0]


@given(
    latent=arrays.arrays(np.float32, (1, 4, 4), elements=st.floats(0, 20, width=32)),
    motion=arrays.arrays(np.float32, (1, 8, 8), elements=st.floats(0, 20, width=32)),
)
def test_a_place_further_from_normal_by_every_view_is_never_behind(latent: Floats, motion: Floats) -> None:
    fused, _ = maps_of(FUSION, {"appearance-latent": latent, "motion": motion}, PLACES)
    further, _ = maps_of(FUSION, {"appearance-latent": latent * 1.5, "motion": motion * 1.5}, PLACES)
    assert (further >= fused - 1e-5).all()
