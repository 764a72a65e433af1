import time

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engines.contract import Pixels
from pipelines.gate import Gate, GateSettings, Why

SIZE = 128
YARD: NDArray[np.float32] = cv2.GaussianBlur(
    np.random.default_rng(1).integers(40, 210, (SIZE, SIZE, 3), np.int16).astype(np.float32), (0, 0), 3
).astype(np.float32)


GRAIN = [np.random.default_rng(seed).standard_normal((SIZE, SIZE, 3)).astype(np.float32) for seed in range(24)]


class Camera:
    """A fixed camera with a noisy sensor before its gate."""

    def __init__(self, noise: float = 2.0, fps: float = 5.0, max_age_s: float = 10.0, seed: int = 0) -> None:
        self.gate = Gate(GateSettings(max_age_s=max_age_s))
        self._rng = np.random.default_rng(seed)
        self._noise = noise
        self._step_s = 1 / fps
        self.time_s = 0.0

    def shot(self, scene: NDArray[np.float32] = YARD) -> Pixels:
        grain = GRAIN[int(self._rng.integers(len(GRAIN)))]
        return np.asarray(cv2.convertScaleAbs(cv2.scaleAdd(grain, self._noise, scene)), np.uint8)

    def see(self, scene: NDArray[np.float32] = YARD, *, raised: bool = False, moved: bool = True) -> Why:
        why = self.gate.check(self.time_s, self.shot(scene), raised=raised, moved=moved)
        self.time_s = round(self.time_s + self._step_s, 6)
        return why

    def watch(self, seconds: float, scene: NDArray[np.float32] = YARD, *, raised: bool = False) -> list[Why]:
        return [self.see(scene, raised=raised) for _ in range(round(seconds / self._step_s))]


def with_thing(x: float, *, size: int = 4, contrast: float = 20.0, y: int = 60) -> NDArray[np.float32]:
    """The yard with a small thing at x, to parts of a pixel."""
    mask = np.zeros((SIZE, SIZE, 1), np.float32)
    mask[y : y + size, int(x) : int(x) + size] = 1
    shift = np.array([[1, 0, x - int(x)], [0, 1, 0]], np.float32)
    return np.asarray(YARD + contrast * cv2.warpAffine(mask, shift, (SIZE, SIZE))[..., None], np.float32)


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0, 6.0])
@pytest.mark.parametrize("fps", [2, 15])
def test_a_still_scene_is_computed_ever_more_seldom_whatever_the_noise(noise: float, fps: float) -> None:
    camera = Camera(noise, fps)
    camera.watch(5)
    later = camera.watch(40)
    assert "changed" not in later
    assert later.count("unchanged") >= (0.9 if fps > 2 else 0.75) * len(later)


def test_the_first_frame_is_computed_and_so_is_the_first_after_an_outage() -> None:
    camera = Camera()
    assert camera.see() == "first"
    assert set(camera.watch(20)) <= {"changed", "settling", "unchanged", "refresh"}
    camera.gate.forget()
    assert camera.see() == "first"
    assert camera.gate.check(99.0, np.zeros((64, 64, 3), np.uint8), raised=False) == "first", "another size"


def test_after_a_change_the_next_frames_are_computed_until_motion_has_ended() -> None:
    camera = Camera(noise=1)
    camera.watch(30)
    moved = with_thing(50, size=12)
    assert camera.watch(2, moved)[:7] == ["changed", *["settling"] * 5, "unchanged"]


def test_after_a_change_that_left_the_score_alone_few_frames_are_computed() -> None:
    camera = Camera(noise=1)
    camera.watch(30)
    pop = YARD + 6  # a key frame codes the whole picture anew
    assert camera.see(pop) == "changed"
    whys = [camera.see(pop, moved=False) for _ in range(12)]
    assert whys.index("settling") == 2, "half a second later one more, in case the score was late"
    assert whys.count("unchanged") >= 9


def test_a_score_that_still_moves_after_a_change_is_computed_until_it_rests() -> None:
    camera = Camera(noise=1)
    camera.watch(30)
    moved = with_thing(50, size=12)
    whys = [camera.see(moved, moved=moves) for moves in (False, True, True, False, False)]
    assert whys == ["changed", "settling", "settling", "unchanged", "unchanged"]


def test_after_an_outage_frames_are_computed_although_the_score_is_what_it_was() -> None:
    camera = Camera(noise=1)
    camera.watch(30)
    camera.gate.forget()
    assert [camera.see(moved=False) for _ in range(7)] == ["first", *["settling"] * 5, "unchanged"]


def test_no_result_is_older_than_the_maximum_age_nor_than_half_the_stillness() -> None:
    camera = Camera(max_age_s=4)
    computed, changed_s = 0.0, 0.0
    for _ in range(300):
        now_s, why = camera.time_s, camera.see()
        if why in {"changed", "first"}:
            changed_s = now_s
        if why != "unchanged":
            computed = now_s
        assert now_s - computed <= min(4.0, 0.5 * (now_s - changed_s)) + 1e-6
    assert "refresh" in camera.watch(10)


def test_a_result_near_the_threshold_is_soon_computed_again() -> None:
    camera = Camera()
    camera.watch(60)
    whys = camera.watch(6, raised=True)
    assert whys.count("unchanged") == pytest.approx(20, abs=2)
    gaps = np.diff([index for index, why in enumerate(whys) if why != "unchanged"])
    assert gaps.max() * 0.2 <= 0.6 + 1e-6


@settings(max_examples=20, deadline=None)
@given(
    noise=st.sampled_from([0.5, 2.0, 4.0]),
    x=st.integers(0, SIZE - 16),
    y=st.integers(0, SIZE - 16),
    size=st.integers(5, 12),
    contrast=st.sampled_from([-60.0, 30.0, 60.0]),
    seed=st.integers(0, 99),
)
def test_what_appears_is_computed_at_once(noise: float, x: int, y: int, size: int, contrast: float, seed: int) -> None:
    camera = Camera(noise, seed=seed)
    camera.watch(10)
    assert camera.see(with_thing(x, y=y, size=size, contrast=contrast)) == "changed"


def test_change_too_slow_to_see_from_frame_to_frame_adds_up() -> None:
    camera = Camera(noise=1.0)
    camera.watch(30)
    whys = [camera.see(with_thing(50 + 0.1 * step, size=10, contrast=40)) for step in range(200)]
    first = whys.index("changed")
    assert first == 0, "it appears"
    assert whys[10:].count("changed") >= 5, "and creeps on by 20 pixels in 40 s, half a pixel a second"


def test_slow_motion_is_never_learnt_as_noise() -> None:
    camera = Camera(noise=1.0)
    for minute in range(3):
        for step in range(300):
            camera.see(with_thing(50 + 20 * np.sin(step / 15), size=10, contrast=40))
        assert camera.see(with_thing(80 + minute, size=8, contrast=40)) == "changed"


def test_a_sensor_that_grows_noisy_at_night_is_learnt_within_two_minutes_and_day_again() -> None:
    camera = Camera(noise=1.0)
    camera.watch(20)
    camera._noise = 8.0
    camera.watch(120)
    assert camera.watch(20).count("unchanged") > 60
    camera._noise = 1.0
    camera.watch(240)
    assert camera.see(with_thing(50, size=6, contrast=25)) == "changed"


def test_dimming_of_the_whole_picture_is_seen() -> None:
    camera = Camera(noise=1.0)
    camera.watch(30)
    assert camera.see(np.asarray(YARD * 0.9, np.float32)) == "changed"


def test_it_costs_a_fraction_of_a_millisecond() -> None:
    camera = Camera()
    camera.watch(10)
    shots = [camera.shot() for _ in range(20)]
    spent = time.thread_time()
    for index in range(200):
        camera.gate.check(camera.time_s + index / 5, shots[index % 20], raised=False)
    assert (time.thread_time() - spent) / 200 < 1e-3


@pytest.mark.parametrize("how", [{"max_age_s": 0}, {"max_age_s": 1000}, {"age": 1}, {"enabled": "yes"}])
def test_settings_are_strict(how: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(how, GateSettings)
