from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.network.files import SPEC_KEY, shared_network
from engines.network.metadata import read_metadata


def test_reads_what_the_file_says_of_itself() -> None:
    assert SPEC_KEY in read_metadata(shared_network().encoder)


@pytest.mark.parametrize("damaged", [b"", b"not a network at all", shared_network().decoder[:-7]])
def test_refuses_what_is_not_a_whole_file(damaged: bytes) -> None:
    with pytest.raises(EngineError, match=r"network file is (empty|damaged)"):
        read_metadata(damaged)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(EngineError):
        assert isinstance(read_metadata(data), dict)


def test_reads_the_same_as_the_onnx_package() -> None:
    onnx = pytest.importorskip("onnx", reason="needs the learn extra")
    data = shared_network().decoder
    model = onnx.load_model_from_string(data)
    assert read_metadata(data) == {entry.key: entry.value for entry in model.metadata_props}
