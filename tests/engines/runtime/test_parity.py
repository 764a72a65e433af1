from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr  # type: ignore[import-untyped]  # it has no stubs

from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.openvino import OpenVinoEngine, processor
from engines.runtime.parity import Expected, Tolerance, compare, difference, expect, rank_correlation
from engines.runtime.pictures import trial_pictures

pytest.importorskip("onnx", reason="needs the learn extra")

from tests.engines.runtime.broken import perturbed, without_numbers


def opened(network: Network, precision: str = "f32") -> OpenVinoEngine:
    engine = OpenVinoEngine(network, precision=precision, threads=1)  # type: ignore[arg-type]  # one of its literals
    engine.open()
    return engine


@pytest.fixture(scope="module")
def reference(network: Network) -> Iterator[OpenVinoEngine]:
    engine = opened(network)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def expected(reference: OpenVinoEngine) -> Expected:
    return expect(reference, trial_pictures(4, (256, 256)))


def test_the_reference_agrees_with_itself(reference: OpenVinoEngine, expected: Expected) -> None:
    found = compare(reference, expected, (1, 3, 4))
    assert not found.trouble()
    assert found.latent == found.map == 0
    assert found.rank == pytest.approx(1)


def test_bf16_may_serve(network: Network, expected: Expected) -> None:
    if "bf16" not in processor().precisions:
        pytest.skip("this processor has no bf16")
    found = compare(opened(network, "bf16"), expected, (1, 4))
    assert not found.trouble()
    assert 0 < found.latent < 0.1


def test_weights_that_are_off_are_found(network: Network, expected: Expected) -> None:
    trouble = compare(opened(perturbed(network, 0.05)), expected, (1,)).trouble()
    assert "latents differ" in trouble
    assert "maps differ" in trouble
    assert "ranks" in trouble


def test_numbers_that_are_none_are_found(network: Network, expected: Expected) -> None:
    found = compare(opened(without_numbers(network)), expected, (1, 2))
    assert not found.finite
    assert "NaN" in found.trouble()


def test_an_engine_that_fails_is_told_not_raised(network: Network, expected: Expected) -> None:
    closed = OpenVinoEngine(network, threads=1)
    assert "not open" in compare(closed, expected, (1,)).trouble()


def test_what_goes_wrong_at_one_batch_size_only_is_found(reference: OpenVinoEngine, expected: Expected) -> None:
    class MixesUp(OpenVinoEngine):
        """Gives the frames of a batch in another order."""

        def __init__(self) -> None: ...

        info = reference.info
        spec = reference.spec

        def encode(self, pixels):  # type: ignore[no-untyped-def]  # as its parent
            return reference.encode(pixels[::-1])

        def decode(self, latent):  # type: ignore[no-untyped-def]  # as its parent
            return reference.decode(latent[::-1])

    assert not compare(MixesUp(), expected, (1,)).trouble()
    found = compare(MixesUp(), expected, (1, 2))
    assert found.batch == 2
    assert "at batch 2" in found.trouble()


def test_a_stricter_tolerance_refuses_more(network: Network, expected: Expected) -> None:
    found = compare(opened(perturbed(network, 0.003)), expected, (1,))
    assert not found.trouble()
    assert found.trouble(Tolerance(values=1e-4, map=1, rank=0)).startswith("at batch 1, latents differ by")


def test_pictures_are_the_same_each_time_and_have_something_in_them() -> None:
    made = trial_pictures(3, (64, 96))
    assert made.shape == (3, 64, 96, 3)
    np.testing.assert_array_equal(made, trial_pictures(3, (64, 96)))
    assert (made.std((1, 2, 3)) > 20).all()
    assert not np.array_equal(made[0], made[1])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=40, unique=True), st.randoms())
def test_rank_correlation_is_spearmans(values: list[float], random) -> None:  # type: ignore[no-untyped-def]  # hypothesis' own
    one = np.array(values, np.float32)
    random.shuffle(values)
    other = np.array(values, np.float32)
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-6)


def test_differences_are_relative() -> None:
    theirs = np.array([3, 4], np.float32)
    assert difference(theirs * np.float32(1.1), theirs) == pytest.approx(0.1, rel=1e-5)


def test_frames_that_do_not_fit_are_refused(reference: OpenVinoEngine) -> None:
    with pytest.raises(EngineError):
        expect(reference, trial_pictures(1, (128, 128)))
