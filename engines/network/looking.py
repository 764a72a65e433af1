"""Where a network's attention looks, read off the exported files and drawn for people. No torch is needed here."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.errors import EngineError
from engines.runtime.core import openvino_core

_SETTINGS: Final = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
_SHARE: Final = 0.55
"""Of the heat in the drawing; the rest is the picture."""
_LEAST: Final = 1e-3
_BOX: Final = (255, 255, 255)


def attention_weights(model: bytes, inputs: NDArray[Any]) -> list[Floats]:
    """How much each place attends to each cell of the coarse grid, for each attention of an exported part.

    `model` is a `Network`'s encoder or decoder and `inputs` one frame of what it takes: uint8 [1, H, W, 3] or
    float32 [1, h, w, C]. Each answer is float32 [heads, h*w, k*k], rows that add up to 1 (`attention.PooledAttention`).
    Raises `EngineError` when the part has no attention.
    """
    core = openvino_core()
    graph = core.read_model(model)
    inside = [node.output(0) for node in graph.get_ops() if node.get_type_name() == "Softmax"]
    if not inside:
        raise EngineError("this part of the network has no attention: train one by a recipe that has")
    known = len(graph.outputs)
    graph.add_outputs(inside)
    request = core.compile_model(graph, "CPU", _SETTINGS).create_infer_request()
    request.infer([inputs])
    return [request.get_output_tensor(known + at).data[0].astype(np.float32) for at in range(len(inside))]


def draw_attention(pixels: Pixels, weights: Floats, place: tuple[int, int] | None = None) -> Pixels:
    """Draw where a place looks onto its picture, uint8 [H, W, 3]: the warmer, the more, as a mean over the heads.

    The scale is fixed: dark is half as much as if it looked everywhere alike, or less, and bright is twice, or more.

    `weights` is float32 [heads, h*w, k*k] of one attention, `place` a row and a column of the grid of h x w places,
    which gets a white frame; without one, what all places look at on the whole.
    """
    side = round(weights.shape[1] ** 0.5)
    rows = weights.mean(0)
    looked = rows.mean(0) if place is None else rows[place[0] * side + place[1]]
    coarse = looked.reshape(round(len(looked) ** 0.5), -1)
    height, width = pixels.shape[:2]
    even = np.log2(np.maximum(coarse * coarse.size, _LEAST)).clip(-1, 1)
    heat = cv2.resize((even + 1) / 2, (width, height), interpolation=cv2.INTER_LINEAR)
    levels = np.asarray(heat * 255, np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    drawn = cv2.addWeighted(pixels, 1 - _SHARE, colours, _SHARE, 0)
    if place is not None:
        top, left = place[0] * height // side, place[1] * width // side
        cv2.rectangle(drawn, (left, top), (left + width // side, top + height // side), _BOX, 1)
    return np.asarray(drawn, np.uint8)
