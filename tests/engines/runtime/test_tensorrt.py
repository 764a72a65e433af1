"""The TensorRT engine on a stand-in for the GPU: what goes in which order, what comes out, what is left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from engines.contract import DEVICE_PARTS, Engine, Pixels, Timed
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache
from engines.runtime.gated import GatedEngine
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.tensorrt import Gpu, TensorRtEngine, find_gpu
from engines.runtime.tensorrt_plan import PlanOptions, make_plan
from tests.engines.conftest import film
from tests.engines.runtime.standin import StandInDevice
from tests.engines.runtime.standin_tensorrt import Shelf, StandInTensorRt


class Bench:
    """An engine with what it runs on within reach."""

    def __init__(self, network: Network, device: StandInDevice | None = None, *, graphs: bool = True) -> None:
        self.device = device or StandInDevice()
        self.trt = StandInTensorRt(self.device)
        self.shelf = Shelf(encoder=network.encoder, decoder=network.decoder)
        cache, gpu = cast(EngineCache, self.shelf), Gpu(self.device, self.trt.release)
        self.engine = TensorRtEngine(network, max_batch=4, graphs=graphs, cache=cache, gpu=gpu)


@pytest.fixture(scope="module")
def frames() -> Pixels:
    return film(2)[1]


@pytest.fixture(scope="module")
def reference(network: Network) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def bench(network: Network) -> Iterator[Bench]:
    bench = Bench(network)
    bench.engine.open()
    yield bench
    bench.engine.close()


def test_is_an_engine_that_knows_itself_before_it_is_open(network: Network) -> None:
    bench = Bench(network)
    assert isinstance(bench.engine, Engine)
    assert bench.engine.info.runtime == "tensorrt"
    assert bench.engine.info.device == "NVIDIA Stand-In"
    assert bench.engine.info.precision == "f16"
    assert bench.engine.spec == network.spec
    assert bench.device.opened == 0


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_frame_comes_back_in_its_place(
    bench: Bench, reference: OpenVinoEngine, frames: Pixels, count: int
) -> None:
    pixels = frames[:count]
    encoded, wanted = bench.engine.encode(pixels), reference.encode(pixels)
    np.testing.assert_allclose(encoded.latent, wanted.latent, atol=2e-3)
    np.testing.assert_allclose(encoded.features, wanted.features, atol=2e-3)
    decoded, regenerated = bench.engine.decode(wanted.latent), reference.decode(wanted.latent)
    np.testing.assert_allclose(decoded.features, regenerated.features, atol=2e-3)
    np.testing.assert_allclose(decoded.picture, regenerated.picture, atol=2e-3)


def test_no_frames_are_no_work(bench: Bench, frames: Pixels) -> None:
    assert bench.engine.encode(frames[:0]).latent.shape == (0, 32, 32, 64)


def test_results_are_the_callers_to_keep(bench: Bench, frames: Pixels) -> None:
    first = bench.engine.encode(frames[:1]).latent
    kept = first.copy()
    bench.engine.encode(frames[5:9])
    np.testing.assert_array_equal(first, kept)


def test_launches_graphs_once_they_are_captured(bench: Bench, frames: Pixels) -> None:
    enqueued, launches = bench.trt.enqueued, [graph.launches for graph in bench.device.graphs]
    bench.engine.encode(frames[:3])  # two frames and one
    assert len(launches) == 8, "two networks, two slots, two sizes"
    assert bench.trt.enqueued == enqueued
    assert sum(graph.launches for graph in bench.device.graphs) == sum(launches) + 2


def test_tells_what_the_device_spent(bench: Bench, frames: Pixels) -> None:
    bench.engine.take_times()
    bench.engine.encode(frames[:3])
    times = bench.engine.take_times()
    assert set(times) == {"upload", "compute", "download"}
    assert all(seconds > 0 for seconds in times.values())
    assert not bench.engine.take_times()


def test_its_times_are_told_by_the_gate_in_front_of_it(bench: Bench, reference: OpenVinoEngine, frames: Pixels) -> None:
    gated = GatedEngine(reference, ())
    assert isinstance(gated, Timed)
    assert not gated.take_times(), "a processor keeps none"
    assert set(GatedEngine(bench.engine, ()).take_times()) <= set(DEVICE_PARTS)


def test_keeps_plans_apart_by_all_that_they_depend_on(bench: Bench, network: Network) -> None:
    encoder, decoder = bench.shelf.keys[:2]
    assert encoder["device"] == "NVIDIA Stand-In, compute 8.6"
    assert encoder["runtime"] == "tensorrt 11.0.0"
    assert (encoder["model"], encoder["precision"], encoder["profiles"]) == (network.id, "f16", "1/1/1 1/2/2")
    assert (encoder["part"], decoder["part"]) == ("encoder", "decoder")
    assert encoder["file"] != decoder["file"]


def test_refuses_frames_of_another_kind(bench: Bench, frames: Pixels) -> None:
    with pytest.raises(EngineError, match="the network takes uint8 N x 256x256x3"):
        bench.engine.encode(frames[:, :128])


def test_refuses_another_thread(bench: Bench, frames: Pixels) -> None:
    caught: list[EngineError] = []

    def elsewhere() -> None:
        try:
            bench.engine.encode(frames[:1])
        except EngineError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "another thread" in str(caught[0])


def test_leaves_nothing_behind(network: Network, frames: Pixels) -> None:
    bench = Bench(network)
    alive_at_close: list[int] = []
    bench.device.at_close = lambda: alive_at_close.append(bench.trt.alive)
    bench.engine.open()
    bench.engine.encode(frames[:1])
    assert bench.trt.alive > 0
    bench.engine.close()
    bench.engine.close()
    assert alive_at_close == [0], "TensorRT's objects go before the context does"
    assert bench.device.depth == 0
    with pytest.raises(EngineError, match="not open"):
        bench.engine.encode(frames[:1])


def test_opens_again_after_it_was_closed(network: Network, frames: Pixels) -> None:
    bench = Bench(network, graphs=False)
    for _ in range(2):
        bench.engine.open()
        assert np.isfinite(bench.engine.encode(frames[:2]).latent).all()
        bench.engine.close()


def test_runs_without_graphs_where_they_cannot_be_captured(
    network: Network, frames: Pixels, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(network, StandInDevice(capturing=False))
    bench.engine.open()
    assert "no CUDA graphs: the GPU refused cuStreamBeginCapture_v2" in caplog.text
    assert np.isfinite(bench.engine.encode(frames[:3]).latent).all()
    bench.engine.close()


def test_tells_a_failed_run_in_tensorrts_words(network: Network, frames: Pixels) -> None:
    bench = Bench(network, graphs=False)
    bench.engine.open()
    bench.trt.refuse = "run"
    with pytest.raises(EngineError, match=r"TensorRT cannot run the network .*enqueueV3: Error Code 1"):
        bench.engine.encode(frames[:1])
    bench.engine.close()
    assert bench.trt.alive == 0


def test_builds_again_what_the_runtime_refuses_and_then_gives_up(network: Network) -> None:
    bench = Bench(network)
    alive_at_close: list[int] = []
    bench.device.at_close = lambda: alive_at_close.append(bench.trt.alive)
    bench.trt.refuse = "plan"
    with pytest.raises(EngineError, match=r"TensorRT cannot load the engine .*another version"):
        bench.engine.open()
    assert bench.shelf.discarded == ["encoder"]
    assert alive_at_close == [0], "nor does an error on the way keep anything alive"


def test_lets_go_when_a_context_cannot_be_made(network: Network) -> None:
    bench = Bench(network)
    alive_at_close: list[int] = []
    bench.device.at_close = lambda: alive_at_close.append(bench.trt.alive)
    bench.trt.refuse = "profile"
    with pytest.raises(EngineError, match="TensorRT cannot choose profile 0"):
        bench.engine.open()
    assert alive_at_close == [0]


def test_refuses_the_engine_of_another_network(network: Network) -> None:
    bench = Bench(network)
    bench.shelf.plans["encoder"] = network.decoder
    with pytest.raises(EngineError, match="the engine is of another network"):
        bench.engine.open()


def test_builds_once_and_learns_from_one_build_for_the_next(
    network: Network, reference: OpenVinoEngine, frames: Pixels, tmp_path: Path
) -> None:
    wanted = reference.encode(frames[:3]).latent
    given: list[list[bytes]] = []
    for _ in range(2):
        device = StandInDevice()
        trt = StandInTensorRt(device)
        engine = TensorRtEngine(network, max_batch=4, cache=EngineCache(tmp_path), gpu=Gpu(device, trt.release))
        engine.open()
        assert np.abs(engine.encode(frames[:3]).latent - wanted).mean() < 0.01, "by the weights of f16"
        engine.close()
        given.append(trt.timings_given)
    assert given == [[b"", b"."], []], "the decoder's build knows the encoder's; a second start builds nothing"


def test_a_build_that_fails_is_told_in_tensorrts_words(network: Network) -> None:
    device = StandInDevice()
    trt = StandInTensorRt(device)
    trt.refuse = "build"
    engine = TensorRtEngine(network, gpu=Gpu(device, trt.release))
    with pytest.raises(EngineError, match=r"TensorRT cannot build the engine .*could not find any implementation"):
        engine.open()
    assert device.closed == 1


def test_timings_of_another_device_are_left_out(network: Network) -> None:
    trt = StandInTensorRt(StandInDevice())
    plan = make_plan(network.decoder, PlanOptions(), trt.release, b"another device")
    assert trt.timings_given == [b""]
    assert plan.timings == b"."


@pytest.mark.parametrize(
    ("capability", "precision", "reason"),
    [((7, 5), "bf16", "no bf16"), ((7, 0), "int8", "no int8"), ((8, 6), "int8", "never quantised")],
)
def test_refuses_a_precision_that_cannot_be(
    network: Network, capability: tuple[int, int], precision: str, reason: str
) -> None:
    device = StandInDevice(capability)
    gpu = Gpu(device, StandInTensorRt(device).release)
    with pytest.raises(EngineError, match=reason):
        TensorRtEngine(network, precision=precision, gpu=gpu)  # type: ignore[arg-type]  # a parameter of the test


def test_computes_in_f32_where_f16_is_slow(network: Network) -> None:
    assert Bench(network, StandInDevice((6, 1))).engine.info.precision == "f32"


def test_says_what_is_missing_on_a_machine_without_tensorrt() -> None:
    try:
        find_gpu()
    except EngineError as error:
        assert any(word in str(error) for word in ("TensorRT", "pycuda", "driver", "GPU"))  # noqa: PT017  # both ways are right
