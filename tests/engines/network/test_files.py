from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engines.errors import EngineError
from engines.network.files import Network, shared_network


@pytest.fixture(scope="module")
def network() -> Network:
    return shared_network()


def test_the_shared_network_is_small(network: Network) -> None:
    assert len(network.encoder) + len(network.decoder) < 10_000_000


def test_the_shared_network_states_its_sizes(network: Network) -> None:
    assert network.spec.input_size == (256, 256)
    assert network.spec.places == (32, 32)
    assert network.spec.latent_channels < network.spec.feature_channels


def test_the_shared_network_says_how_it_was_made(network: Network) -> None:
    assert {"recipe", "recipe_id", "seed", "figures", "versions"} <= network.provenance.keys()


def test_the_id_is_the_hash_of_both_files(network: Network) -> None:
    assert network.id == hashlib.sha256(network.encoder + network.decoder).hexdigest()[:12]


def test_travels_as_bytes(network: Network) -> None:
    copy = Network.from_bytes(network.to_bytes())
    assert copy == network
    assert copy.id == network.id


def test_travels_as_a_folder(network: Network, tmp_path: Path) -> None:
    network.save(tmp_path / "new" / "folder")
    assert Network.load(tmp_path / "new" / "folder") == network


@pytest.mark.parametrize("at", [20, 60, 5000, -1])
def test_one_changed_byte_is_noticed(network: Network, at: int) -> None:
    data = bytearray(network.to_bytes())
    data[at] ^= 0x40
    with pytest.raises(EngineError, match="damaged"):
        Network.from_bytes(bytes(data))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 something else"])
def test_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(EngineError, match="not a Vigil network"):
        Network.from_bytes(data)


def test_parts_cut_short_are_refused(network: Network) -> None:
    with pytest.raises(EngineError, match="damaged"):
        Network.from_onnx(network.encoder[:-100], network.decoder)


def test_an_onnx_file_of_another_maker_is_refused() -> None:
    empty_model = b"\x08\x08"  # ir_version = 8 and nothing else
    with pytest.raises(EngineError, match="does not state its sizes"):
        Network.from_onnx(empty_model, empty_model)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"encoder\.onnx"):
        Network.load(tmp_path)
