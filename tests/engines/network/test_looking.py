"""Attention can be looked at."""

from __future__ import annotations

import numpy as np
import pytest

from engines.errors import EngineError
from engines.network.files import shared_network
from engines.network.looking import attention_weights, draw_attention


def one_place_looks_at_one_cell() -> np.ndarray:
    """Weights of two heads: place (4, 20) looks at cell (6, 1) of 8 x 8, all others everywhere alike."""
    weights = np.full((2, 32 * 32, 64), 1 / 64, np.float32)
    weights[:, 4 * 32 + 20] = np.eye(64, dtype=np.float32)[6 * 8 + 1]
    return weights


def test_the_drawing_is_warm_where_the_place_looks_and_frames_the_place() -> None:
    grey = np.full((256, 256, 3), 60, np.uint8)
    drawn = draw_attention(grey, one_place_looks_at_one_cell(), (4, 20))
    brightness = drawn.astype(int).sum(-1)
    assert brightness[6 * 32 + 16, 1 * 32 + 16] > brightness[100, 200] + 200
    assert (drawn[4 * 8, 20 * 8 : 21 * 8] == 255).all()


def test_on_the_whole_all_places_count() -> None:
    grey = np.full((128, 192, 3), 60, np.uint8)
    drawn = draw_attention(grey, one_place_looks_at_one_cell())
    assert drawn.shape == grey.shape
    assert drawn.astype(int).std(axis=(0, 1)).max() < 20


def test_a_network_without_attention_says_so() -> None:
    with pytest.raises(EngineError, match="no attention"):
        attention_weights(shared_network().decoder, np.zeros((1, 32, 32, 64), np.float32))
