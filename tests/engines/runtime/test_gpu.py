"""What only a GPU can show: `make test-gpu` on a machine with an NVIDIA GPU, its driver, and `vigil[tensorrt]`.

What to expect of each test is written in `engines/runtime/README.md`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from engines.contract import Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.cache import EngineCache
from engines.runtime.cuda import CudaDevice
from engines.runtime.cuda_ring import Port, Slot
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.parity import compare, expect
from engines.runtime.pictures import trial_pictures
from engines.runtime.tensorrt import Gpu, TensorRtEngine, TensorRtPrecision, encoder_ports, find_gpu
from engines.runtime.tensorrt_part import TensorRtPart
from engines.runtime.tensorrt_plan import PlanOptions, make_plan, profiles_up_to

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(1200)]
Found = TypeVar("Found")
BATCHES = (1, 2, 3, 7, 8, 16, 33)


@pytest.fixture(scope="module")
def gpu() -> Gpu:
    return _found(find_gpu)


@pytest.fixture
def device() -> Iterator[CudaDevice]:
    device = _found(CudaDevice)
    device.open()
    yield device
    device.close()


@pytest.fixture(scope="module")
def reference(network: Network) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(network, precision="f32")
    engine.open()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> EngineCache:
    return EngineCache(tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def engine(network: Network, gpu: Gpu, cache: EngineCache) -> Iterator[TensorRtEngine]:
    engine = TensorRtEngine(network, max_batch=16, cache=cache)
    engine.open()
    yield engine
    engine.close()


def noise(count: int) -> Pixels:
    return np.random.default_rng(count).integers(0, 256, (count, 256, 256, 3), np.uint8)


def test_bytes_go_there_and_back_while_streams_overlap(device: CudaDevice) -> None:
    port = Port("numbers", (1 << 20,), np.dtype(np.uint8))
    with device.active():
        slots = [Slot(device, port, [port], 8, 0) for _ in range(3)]
        for index, slot in enumerate(slots):
            slot.upload(np.full((8, 1 << 20), index, np.uint8))
            device.download(slot.results[0].host, slot.source.address, slot.stream)
            slot.download(0)
        for index, slot in enumerate(slots):
            times = slot.drain({"numbers": np.empty((0, 1 << 20), np.uint8)}, 0, 0)
            assert (slot.results[0].host == index).all()
            assert times.upload > 0


def test_a_graph_does_again_what_was_captured(device: CudaDevice) -> None:
    with device.active():
        stream, memory = device.stream(), device.allocate(256)
        there, back = (device.page_locked((256,), np.dtype(np.uint8)) for _ in range(2))
        with device.capture(stream) as graph:
            device.upload(memory, there, stream)
            device.download(back, memory, stream)
        for value in (7, 9):
            there[:], back[:] = value, 0
            graph.launch(stream)
            device.wait(stream)
            assert (back == value).all()


def test_memory_that_is_not_there_is_an_error_and_no_end(device: CudaDevice) -> None:
    with device.active():
        with pytest.raises(EngineError, match="cannot allocate"):
            device.allocate(1 << 50)
        assert device.allocate(256)


@pytest.mark.parametrize("precision", ["f32", "f16", "bf16"])
def test_says_what_the_reference_says_at_every_batch_size(
    network: Network, gpu: Gpu, cache: EngineCache, reference: OpenVinoEngine, precision: TensorRtPrecision
) -> None:
    if precision == "bf16" and gpu.device.capability < (8, 0):
        pytest.skip(f"{gpu.device.name} has no bf16")
    engine = TensorRtEngine(network, precision=precision, max_batch=16, cache=cache)
    engine.open()
    try:
        agreement = compare(engine, expect(reference, trial_pictures(8, network.spec.input_size)), BATCHES)
    finally:
        engine.close()
    assert not agreement.trouble(), agreement.told()


def test_every_frame_comes_back_in_its_place(engine: TensorRtEngine, reference: OpenVinoEngine) -> None:
    pixels = noise(37)
    made, wanted = engine.encode(pixels).latent, reference.encode(pixels).latent
    for index in range(len(pixels)):
        nearest = int(np.abs(wanted - made[index]).mean((1, 2, 3)).argmin())
        assert nearest == index


def test_graphs_say_what_plain_launches_say(network: Network, engine: TensorRtEngine, cache: EngineCache) -> None:
    plain = TensorRtEngine(network, max_batch=16, graphs=False, cache=cache)
    plain.open()
    try:
        for count in BATCHES:
            ours, theirs = engine.encode(noise(count)), plain.encode(noise(count))
            np.testing.assert_allclose(ours.latent, theirs.latent, atol=1e-3)
    finally:
        plain.close()


def test_small_batches_are_faster_by_graphs(network: Network, engine: TensorRtEngine, cache: EngineCache) -> None:
    plain = TensorRtEngine(network, max_batch=16, graphs=False, cache=cache)
    plain.open()
    try:
        assert _fastest_s(lambda: engine.encode(noise(1))) < 1.05 * _fastest_s(lambda: plain.encode(noise(1)))
    finally:
        plain.close()


def test_two_streams_beat_one(network: Network, gpu: Gpu, device: CudaDevice) -> None:
    options = PlanOptions(profiles=profiles_up_to(16))
    plan = make_plan(network.encoder, options, gpu.release).engine
    pixels, taken = noise(128), {}
    with device.active():
        for slots in (1, 2):
            part = TensorRtPart(device, gpu.release, plan, encoder_ports(network.spec), options.profiles, slots)
            assert part.warm_up(graphs=True) == 5 * slots
            taken[slots] = _fastest_s(partial(part.run, pixels))
            part.close()
    assert taken[2] < taken[1], "copies and computation overlap"


def test_a_second_start_takes_the_plans_from_the_cache(network: Network, gpu: Gpu, cache: EngineCache) -> None:
    again = TensorRtEngine(network, max_batch=16, cache=cache)
    began = time.perf_counter()
    again.open()
    opened = time.perf_counter() - began
    again.close()
    assert opened < 10, "a build takes longer"


def test_a_plan_that_was_damaged_is_built_again(network: Network, gpu: Gpu, tmp_path: Path) -> None:
    cache = EngineCache(tmp_path)
    for _ in range(2):
        engine = TensorRtEngine(network, max_batch=1, cache=cache)
        engine.open()
        assert np.isfinite(engine.encode(noise(1)).latent).all()
        engine.close()
        for path in tmp_path.glob("*.engine"):
            path.write_bytes(path.read_bytes()[:-1000])


def test_timings_of_one_build_speed_up_the_next(network: Network, gpu: Gpu) -> None:
    options = PlanOptions(profiles=profiles_up_to(4))
    first = make_plan(network.encoder, options, gpu.release)
    second = make_plan(network.encoder, options, gpu.release, first.timings)
    assert first.timings
    assert second.seconds < first.seconds


def test_memory_comes_back(network: Network, gpu: Gpu, cache: EngineCache) -> None:
    free = _free_bytes()
    for _ in range(5):
        engine = TensorRtEngine(network, max_batch=16, cache=cache)
        engine.open()
        engine.encode(noise(5))
        engine.close()
    assert free - _free_bytes() < 64 << 20


def test_lives_beside_torch(engine: TensorRtEngine) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("this build of torch has no CUDA")
    before = engine.encode(noise(3)).latent
    ours = torch.ones(1000, 1000, device="cuda")
    assert float((ours @ ours).sum()) == pytest.approx(1e9)
    np.testing.assert_array_equal(engine.encode(noise(3)).latent, before)
    assert float((ours @ ours).sum()) == pytest.approx(1e9)


def test_two_engines_share_a_thread(network: Network, engine: TensorRtEngine, cache: EngineCache) -> None:
    other = TensorRtEngine(network, max_batch=4, cache=cache)
    other.open()
    np.testing.assert_allclose(other.encode(noise(3)).latent, engine.encode(noise(3)).latent, atol=1e-2)
    other.close()
    assert np.isfinite(engine.encode(noise(3)).latent).all()


def test_opens_and_runs_on_a_thread_of_its_own(network: Network, gpu: Gpu, cache: EngineCache) -> None:
    found: list[Any] = []

    def infer() -> None:
        engine = TensorRtEngine(network, max_batch=4, cache=cache)
        engine.open()
        found.append(engine.encode(noise(2)).latent)
        engine.close()

    thread = threading.Thread(target=infer)
    thread.start()
    thread.join()
    assert np.isfinite(found[0]).all()


def _found(find: Callable[[], Found]) -> Found:
    try:
        return find()
    except EngineError as error:
        pytest.skip(str(error))


def _fastest_s(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(50):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def _free_bytes() -> int:
    device = CudaDevice()
    device.open()
    with device.active():
        free = device.free_bytes()
    device.close()
    return free
