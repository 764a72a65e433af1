"""The shipped files, run as they will be run: by OpenVINO, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engines.contract import Floats, Pixels
from engines.learning.procedural import procedural
from engines.network.files import Network, shared_network
from engines.runtime.core import openvino_core

Run = Callable[[NDArray[Any]], Mapping[str, Floats]]


def compiled(model: bytes) -> Run:
    core = openvino_core()
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    program = core.compile_model(core.read_model(model), "CPU", settings)

    def run(inputs: NDArray[Any]) -> Mapping[str, Floats]:
        return {output.any_name: value.copy() for output, value in program(inputs).items()}

    return run


@pytest.fixture(scope="module")
def network() -> Network:
    return shared_network()


@pytest.fixture(scope="module")
def encode(network: Network) -> Run:
    return compiled(network.encoder)


@pytest.fixture(scope="module")
def decode(network: Network) -> Run:
    return compiled(network.decoder)


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    return np.stack([procedural(np.random.default_rng((99, index)), 256) for index in range(24)])


@pytest.fixture(scope="module")
def encoded(encode: Run, pixels: Pixels) -> Mapping[str, Floats]:
    return encode(pixels)


@pytest.mark.parametrize("count", [1, 3])
def test_shapes_and_types_at_any_batch(network: Network, encode: Run, decode: Run, pixels: Pixels, count: int) -> None:
    spec = network.spec
    code = encode(pixels[:count])
    back = decode(code["latent"])
    assert code["latent"].shape == (count, *spec.places, spec.latent_channels)
    assert code["features"].shape == back["features"].shape == (count, *spec.places, spec.feature_channels)
    assert back["picture"].shape == (count, *spec.picture_size, 3)
    assert {value.dtype for value in (*code.values(), *back.values())} == {np.dtype(np.float32)}
    assert 0 <= back["picture"].min() <= back["picture"].max() <= 1


def test_a_frame_is_encoded_alike_in_any_batch(encode: Run, pixels: Pixels, encoded: Mapping[str, Floats]) -> None:
    np.testing.assert_allclose(encode(pixels[5:6])["latent"][0], encoded["latent"][5], atol=1e-4)


def test_the_latent_is_whitened(encoded: Mapping[str, Floats]) -> None:
    """On pictures it has not seen, of which each kind has statistics of its own, it is so only nearly."""
    latent = encoded["latent"].reshape(-1, encoded["latent"].shape[-1])
    covariance = np.cov(latent.T)
    variance = np.diag(covariance)
    correlation = covariance / np.sqrt(np.outer(variance, variance)) - np.eye(len(variance))
    assert 0.6 < variance.mean() < 1.6
    assert variance.max() / variance.min() < 10
    assert np.abs(correlation).mean() < 0.12


def test_features_are_standardised(encoded: Mapping[str, Floats]) -> None:
    features = encoded["features"]
    assert np.abs(features.mean((0, 1, 2))).mean() < 0.3
    assert 0.6 < features.std((0, 1, 2)).mean() < 1.5


def test_the_decoder_gives_back_most_of_the_features(decode: Run, encoded: Mapping[str, Floats]) -> None:
    error = np.square(decode(encoded["latent"])["features"] - encoded["features"]).mean()
    assert error < 0.4 * encoded["features"].var()


def test_the_decoder_gives_back_the_picture(decode: Run, encoded: Mapping[str, Floats], pixels: Pixels) -> None:
    target = pixels.reshape(24, 128, 2, 128, 2, 3).mean((2, 4)) / 255
    error = np.abs(decode(encoded["latent"])["picture"] - target).mean()
    flat = np.abs(target.mean((1, 2), keepdims=True) - target).mean()
    assert error < 0.75 * flat


def test_a_noisy_latent_decodes_to_nearly_the_same(decode: Run, encoded: Mapping[str, Floats]) -> None:
    latent = encoded["latent"][:4]
    noise = 0.3 * np.random.default_rng(0).standard_normal(latent.shape, dtype=np.float32)
    clean, noisy = decode(latent), decode(latent + noise)
    assert np.abs(clean["picture"] - noisy["picture"]).mean() < 0.05
    assert np.square(clean["features"] - noisy["features"]).mean() < np.square(noise).mean()


def test_an_anomaly_whose_latent_is_replaced_does_not_come_back(encode: Run, decode: Run, pixels: Pixels) -> None:
    normal = pixels[2:3]
    strange = normal.copy()
    strange[:, 96:160, 96:160] = 255 - strange[:, 96:160, 96:160]
    code, usual = encode(strange)["latent"], encode(normal)["latent"]
    code = np.where(np.linalg.norm(code - usual, axis=-1, keepdims=True) > 0.5, usual, code)
    np.testing.assert_allclose(decode(code)["picture"], decode(usual)["picture"], atol=0.25)


def test_equal_latents_decode_equally_whatever_the_frame(decode: Run, encoded: Mapping[str, Floats]) -> None:
    latent = np.repeat(encoded["latent"][:1], 2, 0)
    both = decode(latent)
    np.testing.assert_array_equal(both["picture"][0], both["picture"][1])
    np.testing.assert_array_equal(both["features"][0], both["features"][1])
