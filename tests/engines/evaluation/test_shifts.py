"""Changes of conditions."""

from __future__ import annotations

import numpy as np
import pytest

from engines.evaluation.shifts import NOTHING, SHIFTS, Shift, shifts_for

PICTURE = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
PICTURE[:, 32:] //= 4


@pytest.mark.parametrize("shift", SHIFTS, ids=lambda one: f"{one.name} {one.strength}")
def test_a_shift_keeps_the_form_and_does_the_same_each_time(shift: Shift) -> None:
    changed = shift.apply(PICTURE, 5)
    assert changed.shape == PICTURE.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(changed, shift.apply(PICTURE, 5))


@pytest.mark.parametrize("name", ["dimming", "brightening", "gamma", "noise", "blur", "compression"])
def test_a_stronger_shift_changes_more(name: str) -> None:
    differences = [np.abs(one.apply(PICTURE, 0).astype(int) - PICTURE).mean() for one in SHIFTS if one.name == name]
    assert len(differences) == 3
    assert differences == sorted(differences)
    assert differences[0] > 0


def test_noise_and_shake_differ_from_frame_to_frame() -> None:
    for name in ("noise", "shake"):
        shift = next(one for one in SHIFTS if one.name == name)
        assert not np.array_equal(shift.apply(PICTURE, 1), shift.apply(PICTURE, 2))


def test_colours_survive_compression_in_their_order() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    shift = next(one for one in SHIFTS if one.name == "compression")
    assert shift.apply(red, 0)[..., 0].mean() > 150


def test_stills_have_no_frame_rate() -> None:
    assert all(one.keep_every == 1 for one in shifts_for(still=True))
    assert shifts_for(still=False)[0] is NOTHING
