"""int8 for a network that is trained: by nncf, calibrated on frames of the place where it will serve.

Rounding hurts most where few channels carry much: in the first layers, whose outputs span wide ranges, and in the last,
whose outputs are compared. Both stay in floating point, which costs a tenth of the time that int8 saves.
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from engines.contract import Pixels
from engines.errors import EngineError
from engines.learning.onnx_files import fold_constants
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.pictures import trial_pictures

_FIRST: Final = 4
"""Convolutions of the encoder, from the input on, that stay in floating point."""
LEAST_FRAMES: Final = 8
MOST_FRAMES: Final = 48
"""More frames than this change nothing that a thousandth of the scores would show."""
_PICTURES: Final = 16
"""Pictures made by rule beside them: what is to be found is what the place has never shown, and must not be clipped."""


def quantise(network: Network, pixels: Pixels) -> Network:
    """Return the network with int8 files beside it, calibrated on uint8 [N, H, W, 3]; N from 8, 48 of them are used.

    Raises `EngineError` when nncf or ONNX Runtime is missing or there are too few frames.
    """
    if len(pixels) < LEAST_FRAMES:
        raise EngineError(f"{len(pixels)} frames are too few to calibrate int8 on: give at least {LEAST_FRAMES}")
    chosen = pixels[np.unique(np.linspace(0, len(pixels) - 1, MOST_FRAMES).round().astype(int))]
    chosen = np.concatenate([chosen, trial_pictures(_PICTURES, network.spec.input_size)])
    engine = OpenVinoEngine(network, precision="f32")
    engine.open()
    latent = engine.encode(chosen).latent
    engine.close()
    return network.with_int8(
        _quantised(network.encoder, "pixels", chosen, first=_FIRST), _quantised(network.decoder, "latent", latent)
    )


def _quantised(model: bytes, name: str, frames: NDArray[Any], first: int = 0) -> bytes:
    loaded = onnx.load_model_from_string(model)
    fold_constants(loaded)
    with _quiet() as nncf:
        made = nncf.quantize(
            loaded,
            nncf.Dataset([{name: frame[None]} for frame in frames]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(frames),
            # Measured: the exact correction halves the encoder's error against the fast one.
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(names=sorted({*_first(loaded, first), *_ends(loaded)})),
        )
    data: bytes = made.SerializeToString(deterministic=True)
    return data


def _first(model: onnx.ModelProto, count: int) -> list[str]:
    return [node.name for node in model.graph.node if node.op_type == "Conv"][:count]


def _ends(model: onnx.ModelProto) -> set[str]:
    """The way from every output back to the nearest convolutions, these included."""
    maker = {name: node for node in model.graph.node for name in node.output}
    found: dict[str, onnx.NodeProto] = {}
    waiting = [output.name for output in model.graph.output]
    while waiting:
        node = maker.get(waiting.pop())
        if node is None or node.name in found:
            continue
        found[node.name] = node
        if node.op_type != "Conv":
            waiting.extend(node.input)
    return set(found)


@contextlib.contextmanager
def _quiet() -> Iterator[Any]:
    """Give nncf, kept from reporting to its makers and from drawing bars on the terminal."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: cannot be imported
    try:
        import nncf  # type: ignore[import-untyped]  # noqa: PLC0415 - no stubs; optional, and seconds to import
        import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - likewise
    except ImportError as error:
        raise EngineError(f"int8 needs nncf and onnxruntime ({error}): pip install 'vigil[quantise]'") from error
    logger = logging.getLogger("nncf")
    level = logger.level
    onnxruntime.set_default_logger_severity(3)
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield nncf
    finally:
        logger.setLevel(level)
