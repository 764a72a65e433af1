from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the learn extra")
pytest.importorskip("onnx", reason="needs the learn extra")

import onnx

from engines.contract import Floats
from engines.errors import EngineError
from engines.learning.onnx_files import constants
from engines.learning.pruning import follow_trunk, prune_decoder, recover
from engines.network.files import Network, shared_network
from engines.runtime.openvino import OpenVinoEngine
from engines.runtime.parity import difference
from engines.runtime.pictures import trial_pictures

PIXELS = trial_pictures(12, (256, 256))


def features(network: Network, latent: Floats) -> Floats:
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    made = engine.decode(latent).features
    engine.close()
    return made


@pytest.fixture(scope="module")
def network() -> Network:
    return shared_network()


@pytest.fixture(scope="module")
def pruned(network: Network) -> Network:
    return prune_decoder(network, 0.5)


@pytest.fixture(scope="module")
def latent(network: Network) -> Floats:
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    made = engine.encode(PIXELS[:4]).latent
    engine.close()
    return made


def test_the_trunk_is_followed_through_its_blocks(network: Network) -> None:
    model = onnx.load_model_from_string(network.decoder)
    group = follow_trunk(model)
    shapes = {name: value.shape for name, value in constants(model).items()}
    assert all(shapes[each.weight][each.axis] >= group.channels for each in group.slices)
    assert {each.weight for each in group.slices if each.axis == 1} >= {"features.weight", "picture.0.weight"}
    assert len(group.depthwise) == 5


def test_keeping_all_changes_nothing(network: Network, latent: Floats) -> None:
    np.testing.assert_array_equal(features(prune_decoder(network, 1.0), latent), features(network, latent))


def test_half_the_channels_are_half_the_size_and_still_a_network(network: Network, pruned: Network) -> None:
    assert len(pruned.decoder) < 0.6 * len(network.decoder)
    assert pruned.spec == network.spec
    assert pruned.id != network.id
    assert pruned.encoder == network.encoder


def test_the_worth_of_a_channel_decides(network: Network) -> None:
    group = follow_trunk(onnx.load_model_from_string(network.decoder))
    weights = constants(onnx.load_model_from_string(network.decoder))
    for each in group.slices:
        np.moveaxis(weights[each.weight], each.axis, 0)[7] = 0
    assert group.worth(weights).argmin() == 7


def test_recovery_makes_good_for_what_went(network: Network, pruned: Network, latent: Floats) -> None:
    whole = features(network, latent)
    recovered = recover(pruned, network, PIXELS, steps=25)
    assert difference(features(recovered, latent), whole) < 0.8 * difference(features(pruned, latent), whole)
    assert follow_trunk(onnx.load_model_from_string(recovered.decoder)).channels == 48
    assert recover(pruned, network, PIXELS[:8], steps=2) == recover(pruned, network, PIXELS[:8], steps=2)


def test_too_little_to_keep_is_refused(network: Network) -> None:
    with pytest.raises(EngineError, match="not possible"):
        prune_decoder(network, 0.01)
