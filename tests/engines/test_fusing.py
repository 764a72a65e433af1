"""The scoring module learns which views to trust from normal frames and rehearsed anomalies."""

import numpy as np

from engines.contract import Floats
from engines.fusing import POWERS, learn_fusion
from engines.scoring import View

FRAMES, ANOMALIES = 2000, 100


def surprises(seed: int, count: int = FRAMES) -> Floats:
    """As calibrated surprise is on normal frames: exponential, a tenth as often for each unit."""
    return np.random.default_rng(seed).exponential(1 / np.log(10), count).astype(np.float32)


def views(latent: Floats, motion: Floats) -> dict[View, Floats]:
    return {"appearance-latent": latent, "motion": motion}


def test_views_that_find_alike_count_alike() -> None:
    normal = views(surprises(0), surprises(1))
    strange = surprises(2, ANOMALIES) + 2
    found_by_either = [[views(strange, surprises(3, ANOMALIES))], [views(surprises(4, ANOMALIES), strange)]]
    assert learn_fusion(normal, found_by_either) == ({"appearance-latent": 1.0, "motion": 1.0}, POWERS[0])


def test_a_view_that_finds_nothing_loses_its_say() -> None:
    normal = views(surprises(0), surprises(1))
    found_by_motion = [[views(surprises(2, ANOMALIES), surprises(3, ANOMALIES) + np.float32(1.5))]]
    weights, _ = learn_fusion(normal, found_by_motion)
    assert weights["motion"] == 1
    assert weights["appearance-latent"] < 0.6


def test_weak_hints_of_two_views_are_added_up() -> None:
    normal = views(surprises(0), surprises(1))
    hints = np.full(ANOMALIES, 1.5, np.float32)
    _, power = learn_fusion(normal, [[views(hints, hints)]])
    assert power == 1


def test_without_anything_rehearsed_nothing_is_learnt() -> None:
    weights, power = learn_fusion(views(surprises(0), surprises(1)), [])
    assert set(weights.values()) == {1.0}
    assert power == POWERS[0]
