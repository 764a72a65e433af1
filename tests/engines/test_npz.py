"""Archives of arrays that are damaged or hostile."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from engines.npz import read_npz


def archive(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return packed.getvalue()


def member(array: np.ndarray) -> bytes:
    written = io.BytesIO()
    np.lib.format.write_array(written, array)
    return written.getvalue()


def test_arrays_come_back() -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.zeros(0, np.uint8)}
    read = read_npz(archive(**{name: member(array) for name, array in arrays.items()}))
    assert set(read) == {"a", "b"}
    np.testing.assert_array_equal(read["a"], arrays["a"])


def test_a_bomb_is_not_unpacked() -> None:
    bomb = archive(a=bytes(50_000_000))
    assert len(bomb) < 100_000
    with pytest.raises(ValueError, match="would take 50000000 bytes, where 1000000 are the most"):
        read_npz(bomb, most_bytes=1_000_000)


def test_a_header_that_promises_more_than_memory_is_refused() -> None:
    whole = member(np.zeros(3))
    promising = whole.replace(b"(3,), }" + b" " * 14, b"(3000000000000,), }  ")
    assert len(promising) == len(whole)
    assert promising != whole
    with pytest.raises(ValueError, match="no archive of arrays"):
        read_npz(archive(a=promising))


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", archive(a=b"text"), archive(a=member(np.array([{}], object)))[:-4], b"\x93NUMPY"]
)
def test_what_is_no_archive_of_arrays_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="array"):
        read_npz(data)
