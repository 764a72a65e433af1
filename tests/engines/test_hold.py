"""A frame that shows what the last one showed can be held instead of scored: what follows is judged the same."""

from __future__ import annotations

import numpy as np
import pytest

from engines.contract import Floats, Pixels
from engines.detector import Detector
from engines.lasting import LastingLatent
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from engines.scoring import Smoother
from tests.engines.conftest import film, score

STILL_FROM, STILL_TO = 35, 75
SETTLED = STILL_FROM + 3
REFRESHED = tuple(range(SETTLED + 3, STILL_TO, 3))
"""Held frames that are scored all the same, as the change gate has it while a score is near the threshold: walkers who
stop for good are strange."""


def still_for_a_while() -> tuple[list[float], Pixels]:
    """Seven seconds of walkers, eight in which nothing moves, and then an intruder."""
    _, before = film(7, seed=7)
    _, after = film(2, intruder=(0.4, 2.0), seed=8)
    pixels = np.concatenate([before, np.repeat(before[-1:], STILL_TO - STILL_FROM, axis=0), after])
    return [index / 5 for index in range(len(pixels))], pixels


def test_scores_after_held_frames_are_those_of_a_detector_that_scored_them_all(
    engine: OpenVinoEngine, place: Profile
) -> None:
    times, pixels = still_for_a_while()
    every = score(Detector(engine, {"gate": place}), times, pixels)
    holding = Detector(engine, {"gate": place})
    score(holding, times[:SETTLED], pixels[:SETTLED])
    for index in REFRESHED:
        holding.hold("gate", times[index - 1], changed=False)
        again = score(holding, times[index : index + 1], pixels[index : index + 1])
        ahead = every.score[index : index + 3]  # what moves slowly is not smoothed twice: up to 0.3 s ahead
        assert 0.9 * ahead.min() - 0.1 <= again.score[0] <= 1.1 * ahead.max() + 0.1
    holding.hold("gate", times[STILL_TO - 1], changed=True)
    after = score(holding, times[STILL_TO:], pixels[STILL_TO:])
    np.testing.assert_allclose(after.score, every.score[STILL_TO:], rtol=0.1)
    np.testing.assert_allclose(after.signals["motion"], every.signals["motion"][STILL_TO:], atol=0.1)
    assert after.signals["motion"].max() > every.signals["motion"][SETTLED:STILL_TO].max() + 1


def test_without_being_told_the_detector_takes_a_still_scene_for_an_outage(
    engine: OpenVinoEngine, place: Profile
) -> None:
    times, pixels = still_for_a_while()
    silent = Detector(engine, {"gate": place})
    score(silent, times[:SETTLED], pixels[:SETTLED])
    first = score(silent, times[STILL_TO : STILL_TO + 1], pixels[STILL_TO : STILL_TO + 1])
    assert first.signals["motion"][0] == 0


@pytest.mark.parametrize("seen_s", [1.0, 4.0, 9.0])
def test_an_average_of_latents_moves_on_while_frames_are_held(seen_s: float) -> None:
    rng = np.random.default_rng(0)
    stepped, held = LastingLatent(), LastingLatent()
    latents: list[Floats] = [rng.normal(size=(2, 2, 3)).astype(np.float32) for _ in range(int(5 * seen_s))]
    for index, latent in enumerate(latents):
        stepped.step(index / 5, latent)
        held.step(index / 5, latent)
    for index in range(len(latents), len(latents) + 40):
        stepped.step(index / 5, latents[-1])
    held.hold((len(latents) + 39) / 5)
    now_s, new = (len(latents) + 40) / 5, rng.normal(size=(2, 2, 3)).astype(np.float32)
    one, other = stepped.step(now_s, new), held.step(now_s, new)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(other, one, atol=0.12)


def test_smoothing_settles_on_the_last_value_while_frames_are_held() -> None:
    stepped, held = Smoother(), Smoother()
    held.hold(0.0)
    for smoother in (stepped, held):
        smoother.step(0.0, np.zeros(2, np.float32))
        smoother.step(0.2, np.array([4.0, np.nan], np.float32))
    for index in range(2, 10):
        stepped.step(index / 5, np.array([4.0, np.nan], np.float32))
    held.hold(9 / 5)
    new = np.array([0.0, 2.0], np.float32)
    np.testing.assert_allclose(held.step(2.0, new), stepped.step(2.0, new), atol=1e-5)
