from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engines.contract import Engine, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnx", reason="needs the learn extra")

import torch

from engines.runtime.torch import TorchEngine


def noise(count: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (count, 256, 256, 3), np.uint8)


@pytest.fixture(scope="module")
def on_torch(network: Network) -> Iterator[TorchEngine]:
    engine = TorchEngine(network)
    engine.open()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reference(network: Network) -> Iterator[OpenVinoEngine]:
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    yield engine
    engine.close()


def test_is_an_engine_that_knows_itself_before_it_is_open(network: Network) -> None:
    engine = TorchEngine(network)
    assert isinstance(engine, Engine)
    assert (engine.info.runtime, engine.info.precision, engine.info.model) == ("torch", "f32", network.id)
    assert engine.spec == network.spec


def test_says_what_openvino_says(on_torch: TorchEngine, reference: OpenVinoEngine) -> None:
    ours, theirs = on_torch.encode(noise(2)), reference.encode(noise(2))
    np.testing.assert_allclose(ours.latent, theirs.latent, atol=1e-4)
    np.testing.assert_allclose(ours.features, theirs.features, atol=1e-4)
    back, forth = on_torch.decode(theirs.latent), reference.decode(theirs.latent)
    np.testing.assert_allclose(back.features, forth.features, atol=1e-4)
    np.testing.assert_allclose(back.picture, forth.picture, atol=1e-4)


def test_results_are_the_callers_to_keep(on_torch: TorchEngine) -> None:
    first = on_torch.encode(noise(1)).latent
    kept = first.copy()
    on_torch.encode(np.zeros((1, 256, 256, 3), np.uint8))
    np.testing.assert_array_equal(first, kept)


def test_a_batch_beyond_the_largest_is_cut(network: Network, on_torch: TorchEngine) -> None:
    engine = TorchEngine(network, most=2)
    engine.open()
    np.testing.assert_allclose(engine.encode(noise(3)).latent, on_torch.encode(noise(3)).latent, atol=1e-4)
    engine.close()


def test_takes_pixels_that_may_not_be_written(on_torch: TorchEngine) -> None:
    pixels = noise(1)
    pixels.setflags(write=False)
    assert np.isfinite(on_torch.encode(pixels).latent).all()


def test_refuses_pixels_that_do_not_fit(on_torch: TorchEngine) -> None:
    with pytest.raises(EngineError, match="128"):
        on_torch.encode(np.zeros((1, 128, 256, 3), np.uint8))


def test_a_closed_engine_says_so(network: Network) -> None:
    engine = TorchEngine(network)
    engine.open()
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="not open"):
        engine.encode(noise(1))


def test_a_network_of_rubbish_is_refused_in_one_line(network: Network) -> None:
    engine = TorchEngine(Network(b"rubbish", network.decoder, network.spec))
    with pytest.raises(EngineError) as caught:
        engine.open()
    assert "\n" not in str(caught.value)


def test_without_a_card_cuda_is_refused(network: Network) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(EngineError, match="no CUDA device"):
        TorchEngine(network, device="cuda")
