from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnx", reason="needs the learn extra")
pytest.importorskip("nncf", reason="needs the quantise extra")
pytest.importorskip("onnxruntime", reason="needs the quantise extra")

from engines.errors import EngineError
from engines.learning.quantisation import quantise
from engines.network.files import Network, shared_network
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.parity import Expected, compare, expect
from engines.runtime.pictures import trial_pictures
from engines.runtime.torch import TorchEngine

PIXELS = trial_pictures(8, (256, 256))


@pytest.fixture(scope="module")
def quantised() -> Network:
    return quantise(shared_network(), PIXELS)


@pytest.fixture(scope="module")
def expected() -> Expected:
    engine = OpenVinoEngine(shared_network(), precision="f32", threads=1)
    engine.open()
    return expect(engine, PIXELS[:4])


def test_is_the_same_network_smaller(quantised: Network) -> None:
    assert quantised.id == shared_network().id
    assert quantised.int8 is not None
    assert sum(map(len, quantised.int8)) < 0.65 * (len(quantised.encoder) + len(quantised.decoder))


def test_int8_agrees_with_float32_well_enough_to_serve(quantised: Network, expected: Expected) -> None:
    engine = OpenVinoEngine(quantised, precision="int8", threads=1)
    engine.open()
    agreement = compare(engine, expected, (1,))
    engine.close()
    assert not agreement.trouble()
    assert agreement.latent > 0.005


def test_torch_understands_int8_as_openvino_does(quantised: Network) -> None:
    ours, theirs = TorchEngine(quantised, precision="int8"), OpenVinoEngine(quantised, precision="int8", threads=1)
    latents = []
    for engine in (ours, theirs):
        engine.open()
        latents.append(engine.encode(PIXELS[:1]).latent.ravel())
        engine.close()
    assert np.corrcoef(latents[0], latents[1])[0, 1] > 0.99


def test_travels_and_is_saved_with_its_network(quantised: Network, tmp_path: Path) -> None:
    assert Network.from_bytes(quantised.to_bytes()) == quantised
    assert Network.from_bytes(shared_network().to_bytes()).int8 is None


def test_too_few_frames_are_refused() -> None:
    with pytest.raises(EngineError, match="too few to calibrate"):
        quantise(shared_network(), PIXELS[:3])


def test_files_of_another_network_are_refused(quantised: Network) -> None:
    assert quantised.int8 is not None
    with pytest.raises(EngineError, match=r"does not state its sizes|is damaged|other sizes"):
        shared_network().with_int8(b"\x08\x0a", quantised.int8[1])
