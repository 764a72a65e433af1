"""Frames go through OpenVINO where they lie, one by one or side by side."""

import importlib
from typing import Any

import numpy as np
import pytest

from engines.contract import Floats
from engines.runtime.core import openvino_core
from engines.runtime.requests import Compiled

WIDTH = 64
STREAMS = [1, 2, 3]


def doubling() -> Any:
    core, ops = openvino_core(), importlib.import_module("openvino.opset13")
    given = ops.parameter([1, WIDTH], np.float32, name="given")
    doubled = ops.multiply(given, ops.constant(np.float32(2)))
    doubled.output(0).set_names({"doubled"})
    model = importlib.import_module("openvino").Model([doubled], [given])
    return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def frames(count: int) -> Floats:
    return np.arange(count * WIDTH, dtype=np.float32).reshape(count, WIDTH)


def run(compiled: Compiled, inputs: Floats) -> Floats:
    into = np.full((len(inputs), WIDTH), np.nan, np.float32)
    compiled.run(inputs, {"doubled": into})
    return into


@pytest.mark.parametrize("streams", STREAMS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_frame_gets_its_own_result(streams: int, count: int) -> None:
    assert (run(Compiled(doubling(), 1, streams), frames(count)) == 2 * frames(count)).all()


@pytest.mark.parametrize("streams", STREAMS)
def test_frames_that_lie_apart_or_may_not_be_written_to_are_read_all_the_same(streams: int) -> None:
    compiled = Compiled(doubling(), 1, streams)
    assert (run(compiled, frames(8)[::2]) == 2 * frames(8)[::2]).all()
    fixed = frames(4)
    fixed.flags.writeable = False
    assert (run(compiled, fixed) == 2 * frames(4)).all()


@pytest.mark.parametrize("streams", STREAMS)
def test_after_a_frame_that_failed_the_next_batch_comes_out_right(streams: int) -> None:
    compiled = Compiled(doubling(), 1, streams)
    for _ in range(20):
        with pytest.raises(RuntimeError):
            compiled.run(frames(7), {"doubled": np.empty((3, WIDTH), np.float32)})
        assert (run(compiled, frames(5)) == 2 * frames(5)).all()
