"""Torch on a real GPU: `make test-gpu`. Expected: all pass; the first builds for a minute or two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnx", reason="needs the learn extra")

import torch

from engines.network.files import Network
from engines.runtime.cache import EngineCache
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.parity import compare, expect
from engines.runtime.pictures import trial_pictures
from engines.runtime.torch import TorchEngine

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
PIXELS = trial_pictures(8, (256, 256))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> EngineCache:
    return EngineCache(tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module")
def on_gpu(network: Network, cache: EngineCache) -> Iterator[TorchEngine]:
    engine = TorchEngine(network, device="cuda", most=8, cache=cache)
    engine.open()
    yield engine
    engine.close()


def test_f16_agrees_with_float32_at_every_batch(network: Network, on_gpu: TorchEngine) -> None:
    reference = OpenVinoEngine(network, precision="f32")
    reference.open()
    agreement = compare(on_gpu, expect(reference, PIXELS), (1, 2, 3, 7, 8))
    reference.close()
    assert on_gpu.info.precision == "f16"
    assert not agreement.trouble()


def test_results_are_the_callers_to_keep(on_gpu: TorchEngine) -> None:
    first = on_gpu.encode(PIXELS[:2]).latent
    kept = first.copy()
    on_gpu.encode(PIXELS[2:6])
    np.testing.assert_array_equal(first, kept)


def test_batches_beyond_the_largest_go_through_in_parts(on_gpu: TorchEngine) -> None:
    many = np.concatenate([PIXELS, PIXELS[:3]])
    np.testing.assert_allclose(on_gpu.encode(many).latent[8:], on_gpu.encode(PIXELS[:3]).latent, atol=0.05)


def test_the_second_start_builds_nothing(network: Network, on_gpu: TorchEngine, cache: EngineCache) -> None:
    before = {path: path.stat().st_ino for path in Path(cache.folder).iterdir()}
    again = TorchEngine(network, device="cuda", most=8, cache=cache)
    again.open()
    np.testing.assert_allclose(again.encode(PIXELS).latent, on_gpu.encode(PIXELS).latent, atol=1e-3)
    again.close()
    assert {path: path.stat().st_ino for path in Path(cache.folder).iterdir()} == before


def test_memory_comes_back(network: Network, cache: EngineCache) -> None:
    free, _ = torch.cuda.mem_get_info()
    for _ in range(3):
        engine = TorchEngine(network, device="cuda", most=8, cache=cache)
        engine.open()
        engine.close()
    assert free - torch.cuda.mem_get_info()[0] < 256 * 2**20
