from __future__ import annotations

import cv2
import numpy as np
import pytest

from engines.contract import Pixels
from engines.motion import CELLS, INTERVAL_S, MotionHistory, directions
from engines.traffic import Traffic, fit_traffic

TEXTURE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
BODY = cv2.resize(TEXTURE, (48, 48), interpolation=cv2.INTER_AREA)
GROUND = cv2.GaussianBlur(
    np.random.default_rng(1).integers(60, 190, (256, 256, 3), np.int16).astype(np.float32), (0, 0), 2
).astype(np.uint8)


def frame(x: float, y: float = 100) -> Pixels:
    """A textured body with its corner at (x, y) before a textured ground."""
    picture = GROUND.copy()
    picture[round(y) : round(y) + 48, round(x) : round(x) + 48] = cv2.GaussianBlur(BODY, (0, 0), 1.5)
    return np.asarray(picture)


def body(field: np.ndarray, x: float, y: float = 100) -> np.ndarray:
    return field[int(y) // 4 + 3 : int(y) // 4 + 9, int(x) // 4 + 3 : int(x) // 4 + 9]


@pytest.mark.parametrize("rate", [5, 10, 15, 25, 30])
@pytest.mark.parametrize(("vx", "vy"), [(25, 0), (-25, 0), (0, 20), (0, -20)])
def test_displacement_is_the_same_at_any_frame_rate(rate: int, vx: float, vy: float) -> None:
    history = MotionHistory()
    for index in range(rate + 1):
        x, y = 100 + vx * index / rate, 100 + vy * index / rate
        field = history.observe(index / rate, frame(x, y))
    assert field is not None
    assert field.shape == (CELLS, CELLS, 2)
    moved = np.median(body(field, x, y), axis=(0, 1))
    np.testing.assert_allclose(moved, [vx * INTERVAL_S, vy * INTERVAL_S], atol=1.2)


def test_there_is_no_motion_without_a_frame_to_compare_with() -> None:
    history = MotionHistory()
    assert history.observe(0.0, frame(50)) is None
    assert history.observe(0.05, frame(51)) is None, "too near for a displacement over tenths of a second"
    assert history.observe(5.0, frame(60)) is None, "too far"


def test_motion_does_not_reach_across_a_break() -> None:
    history = MotionHistory()
    history.observe(0.0, frame(50))
    history.forget()
    assert history.observe(0.4, frame(60)) is None
    history.observe(0.8, frame(70))
    assert history.observe(0.2, frame(80)) is None, "the camera's clock went back"


def test_a_still_scene_with_noise_hardly_moves() -> None:
    history, rng = MotionHistory(), np.random.default_rng(0)
    for index in range(4):
        noisy = np.clip(frame(80).astype(np.int16) + rng.integers(-4, 5, (256, 256, 3)), 0, 255).astype(np.uint8)
        field = history.observe(index / 5, noisy)
    assert field is not None
    assert np.abs(field).mean() < 0.2


def test_history_is_bounded_at_high_frame_rates() -> None:
    history = MotionHistory()
    for index in range(300):
        history.observe(index / 200, frame(80))
    assert len(history._moments) < 50


def test_directions_keep_signs_apart() -> None:
    parts = directions(np.array([[3, -2], [-1, 4]], np.float32))
    np.testing.assert_array_equal(parts, [[3, 0, 0, 2], [0, 1, 4, 0]])


def traffic_to_the_right() -> Traffic:
    """Two pixels of displacement to the right at all places, at most of the time."""
    rng = np.random.default_rng(0)
    fields = rng.normal(0, 0.1, (300, CELLS, CELLS, 2)).astype(np.float16)
    fields[::3, 20:40, :, 0] += np.float16(4)
    return fit_traffic(fields)


def of_body(dx: float, dy: float) -> float:
    field = np.zeros((1, CELLS, CELLS, 2), np.float32)
    field[0, 28:32, 28:32] = dx, dy
    return float(traffic_to_the_right().compare(field).max())


def test_what_goes_with_the_flow_is_normal() -> None:
    assert of_body(4, 0) < 1.1


def test_speed_counts() -> None:
    assert of_body(10, 0) > 2


def test_going_against_the_flow_at_normal_speed_counts() -> None:
    assert of_body(-4, 0) > 3


def test_going_across_the_flow_counts() -> None:
    assert of_body(0, 4) > 3
