"""Pictures made by rule, to learn from without anybody's photographs.

Models trained on such pictures transfer surprisingly well as long as the statistics are natural: occlusion,
structure at every scale and 1/f spectra (Baradad et al., Learning to See by Looking at Noise, NeurIPS 2021).
Every function draws from the generator given and returns uint8 [size, size, 3] RGB.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from engines.contract import Pixels

Painter = Callable[[Generator, int], Pixels]


def spectrum(rng: Generator, size: int) -> Pixels:
    """Colour noise with a 1/f^a spectrum, stretched along a random direction."""
    return _bytes(_noise(rng, size) * rng.uniform(20, 60) + _colour(rng))


def leaves(rng: Generator, size: int) -> Pixels:
    """Dead leaves: overlapping textured shapes with a power law of sizes (Lee, Mumford and Huang, IJCV 2001)."""
    canvas = np.empty((size, size, 3), np.float32)
    canvas[:] = _colour(rng)
    textures = [_noise(rng, size) for _ in range(3)]
    for radius in np.sort(_power_law(rng, int(rng.integers(60, 200)), size * 0.03, size * 0.5))[::-1]:
        mask = _shape(rng, size, float(radius))
        texture = textures[int(rng.integers(3))] * rng.uniform(0, 35)
        _blend(canvas, mask, _colour(rng) + texture)
    return _bytes(canvas)


def street(rng: Generator, size: int) -> Pixels:
    """A ground plane in perspective under a wall or sky, with lines, upright figures and their shadows."""
    horizon = int(size * rng.uniform(0.05, 0.55))
    canvas = np.empty((size, size, 3), np.float32)
    canvas[:horizon] = _colour(rng) + _noise(rng, size)[:horizon] * rng.uniform(2, 25)
    canvas[horizon:] = _ground(rng, size)[horizon:]
    if rng.random() < 0.6:
        _windows(rng, canvas, horizon)
    for bottom in np.sort(rng.uniform(horizon + 4, size, int(rng.integers(0, 14)))):
        _figure(rng, canvas, horizon, float(bottom))
    return _bytes(canvas)


def writing(rng: Generator, size: int) -> Pixels:
    """Lines of characters of mixed sizes on a shaded ground, as on signs, screens and packages."""
    canvas = _bytes(_ramp(rng, size) * rng.uniform(5, 60) + _colour(rng)).copy()
    letters = [chr(code) for code in range(33, 127)]
    for _ in range(int(rng.integers(3, 25))):
        text = "".join(rng.choice(letters, int(rng.integers(1, 16))))
        at = (int(rng.integers(-size // 4, size)), int(rng.integers(0, size)))
        scale = float(rng.uniform(0.3, 3.0))
        cv2.putText(canvas, text, at, int(rng.integers(0, 8)), scale, _tuple(_colour(rng)), max(1, round(scale)))
    return canvas


def surface(rng: Generator, size: int) -> Pixels:
    """A single material under uneven light: fabric, tiles, metal, with few marks."""
    texture = _noise(rng, size)
    period = rng.uniform(3, 40)
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
    cross = np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / (period * rng.uniform(0.5, 2)))
    pattern = np.sign(wave * cross) if rng.random() < 0.4 else wave + rng.random() * cross
    canvas = _colour(rng) + texture * rng.uniform(2, 20) + pattern[..., None] * rng.uniform(0, 25)
    canvas = canvas + _ramp(rng, size) * rng.uniform(0, 50)
    for _ in range(int(rng.integers(0, 5))):
        _blend(canvas, _shape(rng, size, float(rng.uniform(2, 30))), _colour(rng) + texture * 10)
    return _bytes(canvas)


PAINTERS: Sequence[tuple[Painter, float]] = (
    (leaves, 0.35),
    (street, 0.35),
    (surface, 0.14),
    (spectrum, 0.08),
    (writing, 0.08),
)
"""Each painter with its share of the corpus."""


def procedural(rng: Generator, size: int) -> Pixels:
    """Draw one picture by a painter drawn by its share."""
    shares = np.array([share for _, share in PAINTERS])
    return PAINTERS[int(rng.choice(len(PAINTERS), p=shares / shares.sum()))][0](rng, size)


def _noise(rng: Generator, size: int) -> NDArray[np.float32]:
    """float32 [size, size, 3] of zero mean and unit deviation; channels are correlated as in nature."""
    fy = np.fft.fftfreq(size)[:, None] * rng.uniform(0.5, 2.0)
    fx = np.fft.rfftfreq(size)[None] * rng.uniform(0.5, 2.0)
    amplitude = (fx**2 + fy**2 + 1e-5) ** (-rng.uniform(0.5, 2.2) / 2)
    amplitude[0, 0] = 0
    phases = rng.uniform(0, 2 * np.pi, (2, *amplitude.shape))
    grey, tint = np.fft.irfft2(amplitude * np.exp(1j * phases), (size, size))
    mix = np.stack([grey / grey.std() + rng.normal(0, 0.3) * tint / tint.std() for _ in range(3)], -1)
    return np.asarray(mix / mix.std(), np.float32)


def _ramp(rng: Generator, size: int) -> NDArray[np.float32]:
    """float32 [size, size, 1]: a linear slope of light, -1 to 1, in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
    return np.asarray(x * np.cos(angle) + y * np.sin(angle), np.float32)[..., None]


def _colour(rng: Generator) -> NDArray[np.float32]:
    """float32 [3]: mostly dull, sometimes vivid, as colours outdoors are."""
    grey = rng.uniform(10, 245)
    return np.asarray(np.clip(grey + rng.normal(0, 12 if rng.random() < 0.7 else 60, 3), 0, 255), np.float32)


def _power_law(rng: Generator, count: int, low: float, high: float) -> NDArray[np.float64]:
    """Radii whose density falls with the cube, which makes the scene scale-invariant."""
    u = rng.random(count)
    return np.asarray((low**-2 - u * (low**-2 - high**-2)) ** -0.5)


def _shape(rng: Generator, size: int, radius: float) -> NDArray[np.float32]:
    """float32 [size, size], 1 inside an ellipse, a polygon or a rectangle, with an anti-aliased rim."""
    mask = np.zeros((size, size), np.uint8)
    centre = rng.uniform(0, size, 2)
    kind = int(rng.integers(3))
    if kind == 0:
        axes = (max(1, round(radius)), max(1, round(radius * rng.uniform(0.3, 1))))
        cv2.ellipse(
            mask, (int(centre[0]), int(centre[1])), axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA
        )
    else:
        corners = 4 if kind == 1 else int(rng.integers(3, 9))
        turn = rng.uniform(0, 2 * np.pi) if rng.random() < 0.5 else np.pi / 4
        angles = turn + np.arange(corners) * 2 * np.pi / corners
        reach = radius * (1.0 if kind == 1 else rng.uniform(0.5, 1, corners))
        stretch = np.array([1.0, rng.uniform(0.3, 1)])
        points = centre + (np.stack([np.cos(angles), np.sin(angles)], -1) * np.reshape(reach, (-1, 1))) * stretch
        cv2.fillPoly(mask, [points.astype(np.int32)], 255, cv2.LINE_AA)
    return _soft(mask)


def _soft(mask: Pixels | cv2.typing.MatLike) -> NDArray[np.float32]:
    return np.asarray(mask, np.float32) / np.float32(255)


def _blend(canvas: NDArray[np.float32], mask: NDArray[np.float32], paint: NDArray[np.floating]) -> None:
    canvas += mask[..., None] * (paint - canvas)


def _ground(rng: Generator, size: int) -> NDArray[np.float32]:
    """float32 [size, size, 3]: a textured, sometimes tiled or lined plane seen in perspective."""
    plane = _colour(rng) + _noise(rng, size) * rng.uniform(2, 25)
    tile = int(rng.integers(8, 64))
    if rng.random() < 0.5:
        plane[::tile] += rng.uniform(-50, 50)
        plane[:, ::tile] += rng.uniform(-50, 50)
    if rng.random() < 0.5:
        at = int(rng.integers(0, size - 8))
        plane[:, at : at + int(rng.integers(2, 8))] = _colour(rng)
    far = rng.uniform(0.05, 0.4)
    source = np.array([[0, 0], [size, 0], [size, size], [0, size]], np.float32)
    middle = rng.uniform(0.2, 0.8) * size
    target = np.array([[middle - far * size, 0], [middle + far * size, 0], [size * 1.6, size], [-size * 0.6, size]])
    warp = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    warped = cv2.warpPerspective(plane, warp, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(warped, np.float32)


def _windows(rng: Generator, canvas: NDArray[np.float32], horizon: int) -> None:
    step_x, step_y = int(rng.integers(10, 60)), int(rng.integers(10, 60))
    colour = _colour(rng)
    for y in range(int(rng.integers(2, 12)), horizon - step_y, step_y):
        for x in range(int(rng.integers(2, 12)), canvas.shape[1] - step_x, step_x):
            canvas[y : y + step_y * 2 // 3, x : x + step_x // 2] = colour + rng.normal(0, 8)


def _figure(rng: Generator, canvas: NDArray[np.float32], horizon: int, bottom: float) -> None:
    """An upright figure or a box whose height follows the perspective, with a shadow at its foot."""
    size = len(canvas)
    height = 4 + (bottom - horizon) * rng.uniform(0.3, 0.6)
    width = height * (rng.uniform(0.25, 0.4) if rng.random() < 0.75 else rng.uniform(0.8, 2.2))
    x = rng.uniform(0, size)
    mask = np.zeros((size, size), np.uint8)
    cv2.ellipse(
        mask,
        (int(x + width * 0.4), int(bottom)),
        (max(1, int(width)), max(1, int(height * 0.08))),
        0,
        0,
        360,
        255,
        -1,
        cv2.LINE_AA,
    )
    canvas *= 1 - mask[..., None].astype(np.float32) * np.float32(rng.uniform(0.1, 0.5) / 255)
    for top, base, colour in ((0.0, 0.2, _colour(rng)), (0.18, 0.6, _colour(rng)), (0.55, 1.0, _colour(rng))):
        mask[:] = 0
        centre = (int(x), int(bottom - height * (1 - (top + base) / 2)))
        half = max(1, int(width / 2 * (0.5 if top == 0.0 else 1)))
        cv2.ellipse(mask, centre, (half, max(1, int(height * (base - top) / 2))), 0, 0, 360, 255, -1, cv2.LINE_AA)
        _blend(canvas, _soft(mask), colour)


def _tuple(colour: NDArray[np.float32]) -> tuple[float, float, float]:
    return float(colour[0]), float(colour[1]), float(colour[2])


def _bytes(values: NDArray[np.float32]) -> Pixels:
    return np.clip(values, 0, 255).astype(np.uint8)
