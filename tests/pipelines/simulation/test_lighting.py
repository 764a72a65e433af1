from __future__ import annotations

import numpy as np
import pytest

from pipelines.simulation.scene import EFFECT_KINDS, Effect, EffectKind, Scene, plant

SIZE = (160, 90)
FPS = 5.0


def film(*effects: Effect) -> Scene:
    return Scene(0, 3, (), SIZE, FPS, effects=effects)


@pytest.mark.parametrize("kind", EFFECT_KINDS)
def test_light_comes_all_over_the_picture_and_goes(kind: EffectKind) -> None:
    changed, usual = film(Effect(kind, 2.0, 8.0)), film()
    before, during, after = ([one.frame(index).astype(int) for one in (changed, usual)] for index in (9, 35, 90))
    assert (before[0] == before[1]).all(), "nothing changes before it begins"
    assert (np.abs(during[0] - during[1]).max(axis=2) > 6).mean() > 0.5
    assert np.abs(after[0] - after[1]).mean() < 2


def test_infrared_has_no_colour_and_more_noise() -> None:
    night = film(Effect("infrared", -60.0))
    picture = night.frame(20)
    assert (picture.max(axis=2) == picture.min(axis=2)).all()
    assert 15 < picture.mean() < 200


def test_a_frame_is_the_same_whenever_it_is_asked_for() -> None:
    effects = (Effect("lamp", 1.0, 3.0), Effect("cloud", 2.0, 6.0))
    first, second = film(*effects), film(*effects)
    later = second.frame(25)
    np.testing.assert_array_equal(first.frame(12), second.frame(12))
    np.testing.assert_array_equal(first.frame(25), later)


def test_an_anomaly_comes_when_it_was_planted() -> None:
    scene = Scene(0, 3, (plant(0, "vehicle", 4.0, seed=1),), SIZE, FPS, effects=(Effect("lamp", 4.0),))
    seen = [index / FPS for index in range(60) if scene.truth(index).flagged]
    assert 3.5 <= seen[0] <= 7
    assert {one.kind for one in scene.truth(round(seen[-1] * FPS)).instances} == {"vehicle"}
