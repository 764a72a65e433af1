"""Engines built for real, by TensorRT for RTX, of the network that ships; no GPU is needed for that."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cuda_driver import CudaDriver
from engines.runtime.cuda_ring import Port
from engines.runtime.tensorrt_api import Release, load_tensorrt
from engines.runtime.tensorrt_log import tensorrt_log
from engines.runtime.tensorrt_part import TensorRtPart
from engines.runtime.tensorrt_plan import (
    BatchProfile,
    PlanOptions,
    TensorRtPrecision,
    build_plan,
    make_plan,
    plan_key,
    profile_for,
    profiles_up_to,
)
from tests.engines.runtime.standin import StandInDevice

OPTIONS = PlanOptions(profiles=profiles_up_to(16), capabilities=("8.6",))


@pytest.fixture(scope="module")
def rtx() -> Release:
    """TensorRT for RTX, which CI has: a machine that cannot have it (not Linux on x86-64) skips."""
    try:
        return load_tensorrt("tensorrt_rtx")
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def decoder(network: Network, rtx: Release) -> bytes:
    return build_plan(network.decoder, OPTIONS, rtx)


def test_builds_the_encoder_that_ships_for_batches_of_1_to_16_at_every_precision(
    network: Network, rtx: Release
) -> None:
    precisions: tuple[TensorRtPrecision, ...] = ("f32", "f16", "bf16")
    plans = {each: make_plan(network.encoder, replace(OPTIONS, precision=each), rtx) for each in precisions}
    sizes = {each: len(plan.engine) for each, plan in plans.items()}
    assert sizes["f32"] > len(network.encoder), "the weights are in it"
    assert sizes["f16"] < sizes["f32"]
    assert sizes["bf16"] < sizes["f32"]
    assert all(plan.seconds > 0 for plan in plans.values())


def test_builds_the_decoder_that_ships_for_several_devices(network: Network, decoder: bytes, rtx: Release) -> None:
    several = build_plan(network.decoder, replace(OPTIONS, capabilities=("7.5", "8.9")), rtx)
    assert len(several) > len(decoder)


def test_an_operator_that_tensorrt_lacks_is_told_in_its_words(rtx: Release) -> None:
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("StringNormalizer", ["x"], ["y"], name="what")],
        "odd",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", 2])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, ["batch", 2])],
    )
    model = helper.make_model(graph).SerializeToString()
    with pytest.raises(EngineError, match=r"TensorRT cannot read the network \(.*StringNormalizer.*\): see"):
        build_plan(model, OPTIONS, rtx)


def test_a_damaged_file_is_refused(network: Network, rtx: Release) -> None:
    with pytest.raises(EngineError, match="missing at its end"):
        build_plan(network.encoder[:5000], OPTIONS, rtx)


def test_the_builders_own_words_are_told_when_it_fails(network: Network, rtx: Release) -> None:
    with pytest.raises(EngineError, match=r"TensorRT cannot build the engine \(.*sm75.*b16.*\): see"):
        build_plan(network.decoder, replace(OPTIONS, precision="bf16", capabilities=("7.5",)), rtx)


def test_building_for_the_gpu_at_hand_needs_one(network: Network, rtx: Release) -> None:
    if _has_gpu():
        pytest.skip("there is a GPU at hand")
    with pytest.raises(EngineError, match=r"TensorRT cannot build the engine \(.*CUDA driver"):
        build_plan(network.decoder, replace(OPTIONS, capabilities=()), rtx)


def test_an_unknown_device_is_told_with_the_known_ones(network: Network, rtx: Release) -> None:
    with pytest.raises(EngineError, match=r"builds for none of SM90: it knows .*SM89"):
        build_plan(network.decoder, replace(OPTIONS, capabilities=("9.0",)), rtx)


def test_int8_needs_a_quantised_file(network: Network, rtx: Release) -> None:
    with pytest.raises(EngineError, match="vigil quantise"):
        build_plan(network.encoder, replace(OPTIONS, precision="int8"), rtx)


def test_loading_a_plan_without_a_gpu_is_told_in_tensorrts_words(decoder: bytes, rtx: Release) -> None:
    if _has_gpu():
        pytest.skip("there is a GPU at hand")
    ports = (Port("latent", (32, 32, 64), np.dtype(np.float32)),)
    device = StandInDevice()
    device.open()
    with device.active(), pytest.raises(EngineError, match=r"TensorRT cannot load the engine \(.*CUDA driver"):
        TensorRtPart(device, rtx, decoder, ports, OPTIONS.profiles, 2)


def test_complaints_reach_the_log_only_when_asked_for(rtx: Release, caplog: pytest.LogCaptureFixture) -> None:
    log = tensorrt_log(rtx)
    with caplog.at_level(logging.DEBUG, "vigil.tensorrt"):
        log.hear("WARNING", "two\n  lines")
        log.hear("INFO", "chatter")
        log.hear("ERROR", "told by the exception")
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "two lines"),
        ("DEBUG", "told by the exception"),
    ]
    assert "told by the exception" in str(log.error("go on"))


def test_the_key_names_all_that_a_plan_depends_on(network: Network, rtx: Release) -> None:
    key = plan_key(network.encoder, OPTIONS, rtx)
    assert key["runtime"] == f"tensorrt_rtx {rtx.version}"
    for other in (
        replace(OPTIONS, precision="f32"),
        replace(OPTIONS, profiles=profiles_up_to(8)),
        replace(OPTIONS, workspace_mib=1024),
        replace(OPTIONS, effort=5),
        replace(OPTIONS, capabilities=("8.9",)),
    ):
        assert plan_key(network.encoder, other, rtx) != key
    assert plan_key(network.decoder, OPTIONS, rtx) != key


@given(st.integers(1, 64), st.data())
def test_every_size_up_to_the_most_has_a_profile(most: int, data: st.DataObject) -> None:
    profiles = profiles_up_to(most)
    size = data.draw(st.integers(1, most))
    assert profiles[profile_for(profiles, size)].takes(size)
    assert profile_for(profiles, 1) == 0, "one frame alone has its own"
    with pytest.raises(EngineError, match="no profile takes a batch"):
        profile_for(profiles, most + 1)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (2, 1, 4), (1, 5, 4)])
def test_a_profile_that_makes_no_sense_is_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(EngineError, match="makes no sense"):
        BatchProfile(*sizes)


@pytest.mark.parametrize(
    ("version", "refused"), [("10.0.1", True), ("10.1.0", False), ("11.4.0.106", False), ("8.6.1", True), ("new", True)]
)
def test_versions_are_checked(monkeypatch: pytest.MonkeyPatch, version: str, *, refused: bool) -> None:
    module: Any = ModuleType("tensorrt")
    module.Builder, module.__version__ = object, version
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    if refused:
        with pytest.raises(EngineError, match=r"is too old|is none"):
            load_tensorrt()
    else:
        assert load_tensorrt().version == version


def test_types_without_libraries_are_not_taken_for_tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", ModuleType("tensorrt"))
    with pytest.raises(EngineError, match="TensorRT is not installed"):
        load_tensorrt()


def _has_gpu() -> bool:
    try:
        CudaDriver.load()
    except EngineError:
        return False
    return True
