"""How still pictures are remembered: by place or by what all places share, and by all their features."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.contract import Batch, Encoded, Pixels
from engines.detector import Detector
from engines.enrolment import Enrolment, EnrolmentSettings
from engines.network.files import Network
from engines.place import Memory
from engines.profile import Profile
from engines.runtime.openvino import OpenVinoEngine
from engines.scales import scale_of
from engines.stills import look_twice, remember_stills, statistic_of_stills

COUNT, SIDE, FEATURES, CHANNELS = 40, 6, 5, 3
FOLDS = np.arange(COUNT) * 4 // COUNT


def halves(values: NDArray[np.floating]) -> NDArray[np.float16]:
    return values.astype(np.float16)


def test_a_shared_memory_by_hand() -> None:
    """Modes (0, 0) and (3, 4) for both places; latents are the first channel plus twice the second."""
    modes = np.array([[[0, 0], [3, 4]]], np.float32)
    memory = Memory.of(np.eye(2, dtype=np.float32), modes, np.array([[1], [2]], np.float32))
    distance, normal = memory.compare(np.array([[[[3, 0], [3, 3]]]], np.float32))
    np.testing.assert_allclose(distance, [[[3, 1]]])
    np.testing.assert_allclose(normal, [[[[0], [11]]]])


def test_a_memory_of_features_looks_at_features() -> None:
    encoded = Encoded(np.zeros((1, 2, 2, 3), np.float32), np.ones((1, 2, 2, 5), np.float32))
    eye = np.eye(5, dtype=np.float32)
    of_features = Memory.of(eye, np.zeros((1, 1, 5), np.float32), np.zeros((5, 3), np.float32))
    assert of_features.seen(encoded) is encoded.features
    assert Memory.of(eye[:3, :3], np.zeros((4, 1, 3), np.float32)).seen(encoded) is encoded.latent


def fitted(features: NDArray[np.float16], latents: NDArray[np.float16]) -> Memory:
    return remember_stills(features, latents, np.arange(COUNT), FOLDS)(np.arange(COUNT))


def aligned(rng: np.random.Generator) -> NDArray[np.float16]:
    """Every place has its own look, the same in all pictures."""
    return halves(rng.normal(0, 3, (1, SIDE, SIDE, FEATURES)) + rng.normal(0, 0.3, (COUNT, SIDE, SIDE, FEATURES)))


def test_parts_that_lie_alike_are_remembered_by_place_others_together() -> None:
    rng = np.random.default_rng(0)
    there = aligned(rng)
    strewn = np.stack([rng.permutation(one.reshape(-1, FEATURES)).reshape(one.shape) for one in there])
    assert len(fitted(there, there[..., :CHANNELS]).modes) == SIDE * SIDE
    assert len(fitted(strewn, strewn[..., :CHANNELS]).modes) == 1


def test_a_remembered_feature_leads_to_its_latent() -> None:
    rng = np.random.default_rng(1)
    features = aligned(rng)
    mix = rng.normal(size=(FEATURES, CHANNELS))
    memory = fitted(features, halves(features @ mix))
    _, normal = memory.compare(features[:1].astype(np.float32))
    expected = features[0].astype(np.float32) @ mix
    assert np.abs(normal[0] - expected).mean() < 0.2 * np.abs(expected).mean()
    again = Memory.from_arrays(memory.to_arrays("m"), "m")
    seen = features[:2].astype(np.float32)
    for one, other in zip(memory.compare(seen), again.compare(seen), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_spot_of_some_places_says_more_than_a_grain_of_one() -> None:
    maps = np.ones((3, 32, 32), np.float32)
    maps[1, 8, 8] = 5
    maps[2, 8:11, 8:11] = 3
    even, grain, spot = statistic_of_stills(maps)
    assert even == pytest.approx(1)
    assert even < grain < spot < 3


def fabric(rng: np.random.Generator) -> Pixels:
    """Stripes that begin anywhere: no two pictures alike, no place with a look of its own."""
    y, x = np.mgrid[:256, :256]
    wave = 40 * np.sin((x + rng.uniform(0, 40)) / 5) + 30 * np.sin((y + rng.uniform(0, 40)) / 7)
    values = 128 + wave[..., None] + rng.normal(0, 4, (256, 256, 3))
    return np.asarray(np.clip(values, 0, 255), np.uint8)


@pytest.fixture(scope="module")
def woven(engine: OpenVinoEngine, network: Network) -> Profile:
    """What 24 pictures of the fabric teach."""
    rng = np.random.default_rng(2)
    enrolment = Enrolment(engine, network, EnrolmentSettings())
    enrolment.stretch("fabric", still=True)
    enrolment.add([float(n) for n in range(24)], np.stack([fabric(rng) for _ in range(24)]))
    return enrolment.finish().profile


def test_a_stain_on_fabric_that_lies_anywhere_is_found(engine: OpenVinoEngine, woven: Profile) -> None:
    rng = np.random.default_rng(3)
    detector = Detector(engine, {"gate": woven})
    seen = np.stack([fabric(rng) for _ in range(4)])
    seen[2:, 100:116, 60:76] = 90
    scores = detector.score(Batch(("gate",) * 4, tuple(map(float, range(4))), seen))
    assert scores.score[:2].max() < scores.threshold[0] < scores.score[2:].min()
    row, column = np.unravel_index(scores.map[2].argmax(), scores.map[2].shape)
    assert (row, column) == (pytest.approx(13, abs=1.5), pytest.approx(8, abs=1.5))


def test_a_picture_and_its_mirror_image_are_seen_alike(engine: OpenVinoEngine) -> None:
    seen = fabric(np.random.default_rng(4))[None]
    mirror = np.ascontiguousarray(seen[:, :, ::-1])
    once, twice = engine.encode(mirror), look_twice(engine, mirror)
    expected = look_twice(engine, seen)
    np.testing.assert_array_equal(twice.features[:, :, ::-1], expected.features)
    np.testing.assert_array_equal(twice.latent[:, :, ::-1], expected.latent)
    assert np.abs(once.features[:, :, ::-1] - engine.encode(seen).features).max() > 0.1  # not so at one look


def test_a_profile_of_before_mirrors_judges_as_it_did_beside_a_new_one(engine: OpenVinoEngine, woven: Profile) -> None:
    """At one look, alone or in a batch with stills that are looked at twice."""
    arrays = {name: array for name, array in woven.arrays.items() if name != "mirrored"}
    before = dataclasses.replace(woven, arrays=arrays)
    seen = np.stack([fabric(np.random.default_rng(5))] * 3)
    together = Detector(engine, {"new": woven, "old": before})
    scores = together.score(Batch(("new", "old", "new"), (0.0, 0.0, 1.0), seen))
    alone = Detector(engine, {"old": before}).score(Batch(("old",), (0.0,), seen[:1]))
    assert scores.score[1] == pytest.approx(alone.score[0], abs=1e-4)
    assert scores.score[0] == pytest.approx(scores.score[2], abs=1e-4)
    assert np.abs(scores.map[0] - scores.map[1]).max() > 1e-3


def test_a_rim_that_varies_does_not_excuse_the_surface_beside_it() -> None:
    far = np.ones((COUNT, 32, 32), np.float32)
    far[:, :, 0] = 9
    still, film = (scale_of(far, np.arange(COUNT), share) for share in (None, 1.0))
    assert still[16, 0] > 2.5
    assert still[16, 3] < 1.5 * still[16, 20]
    assert film[16, 3] > 2 * film[16, 20]  # there, what happens at the rim may step aside
