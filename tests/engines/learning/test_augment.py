from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.contract import Pixels
from engines.learning.augment import augment
from engines.learning.procedural import leaves
from engines.learning.recipe import Augmentation, read_recipe

USUAL = read_recipe().augmentation
NONE = msgspec.convert(
    dict.fromkeys(Augmentation.__struct_fields__, 0) | {"crop_area": 1.0},
    Augmentation,
)


@settings(deadline=None, max_examples=40)
@given(st.integers(16, 300), st.integers(16, 300), st.integers(0, 2**31))
def test_any_picture_becomes_a_square_of_bytes(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, 3), np.uint8)
    out = augment(picture, 64, USUAL, rng)
    assert out.shape == (64, 64, 3)
    assert out.dtype == np.uint8
    assert out.flags.c_contiguous


def test_without_any_change_the_picture_stays() -> None:
    picture = leaves(np.random.default_rng(0), 64)
    out = augment(picture, 64, NONE, np.random.default_rng(0))
    assert np.abs(out.astype(int) - picture).max() <= 1


def test_equal_seeds_give_equal_changes() -> None:
    picture = leaves(np.random.default_rng(0), 64)
    one, two = (augment(picture, 64, USUAL, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_grey_pictures_have_no_colour() -> None:
    picture = leaves(np.random.default_rng(0), 64)
    out = augment(picture, 64, msgspec.structs.replace(NONE, grey=1), np.random.default_rng(5))
    assert np.ptp(out, axis=-1).max() == 0


def changed(picture: Pixels, seed: int = 5, /, **keys: float) -> Pixels:
    return augment(picture, picture.shape[0], msgspec.structs.replace(NONE, **keys), np.random.default_rng(seed))


def spotted() -> Pixels:
    """Two spots, one above the other on the left, on grey."""
    picture = np.full((64, 64, 3), 100, np.uint8)
    picture[16:24, 12:20] = 250
    picture[40:48, 12:20] = 250
    return picture


def test_a_flip_mirrors_the_picture() -> None:
    np.testing.assert_array_equal(changed(spotted(), flip=1.0), spotted()[:, ::-1])


def test_a_crop_shows_a_part_larger() -> None:
    wide = np.full((64, 64, 3), 100, np.uint8)
    wide[:, ::16] = 250  # stripes
    rows = [changed(wide, seed, crop_area=0.1)[0, :, 0] > 175 for seed in range(9)]
    assert min(int(np.diff(row.astype(int)).clip(min=0).sum()) for row in rows) < 3


def test_stretching_changes_how_tall_things_are_for_their_width() -> None:
    shapes = []
    for seed in range(12):
        out = changed(spotted()[:32, :32], seed, stretch=0.7) > 175
        rows, columns = out[..., 0].any(1).sum(), out[..., 0].any(0).sum()
        if rows and columns:
            shapes.append(rows / columns)
    assert max(shapes) > 1.3 * min(shapes)


@pytest.mark.parametrize("key", ["gamma", "brightness", "contrast"])
def test_light_changes_and_things_stay_where_they_are(key: str) -> None:
    before, after = spotted().astype(float), changed(spotted(), 5, **{key: 0.2}).astype(float)
    assert np.abs(after - before).mean() > 1
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99


def test_colour_jitter_changes_the_balance_of_colours() -> None:
    coloured = np.full((64, 64, 3), (120, 90, 60), np.uint8)
    shares = [changed(coloured, seed, colour=0.3).astype(float).mean((0, 1)) for seed in range(4)]
    assert np.std([each[0] / each[2] for each in shares]) > 0.05


def test_a_cameras_faults_blur_roughen_and_compress() -> None:
    sharp = leaves(np.random.default_rng(0), 64)

    def roughness(picture: Pixels) -> float:
        return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())

    flat = np.full((64, 64, 3), 100, np.uint8)
    assert roughness(changed(sharp, blur=1.0)) < roughness(sharp)
    assert roughness(changed(flat, noise=1.0)) > 1
    assert 0 < np.abs(changed(sharp, jpeg=1.0).astype(float) - sharp).mean() < 20
