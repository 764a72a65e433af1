"""Arrays from an npz archive that may be damaged or hostile."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engines.quoting import shortened

MOST_BYTES: Final = 2**30
"""An archive may unpack to so much; a profile has some 20 MB."""


def read_npz(data: bytes, most_bytes: int = MOST_BYTES) -> dict[str, NDArray[Any]]:
    """The arrays by name. Raises ValueError, and nothing else, for what is no archive of arrays or too large."""
    try:
        size, arrays = _read(data, most_bytes)
    except Exception as error:
        raise ValueError(f"no archive of arrays: {' '.join(str(error).split())[:200]}") from error
    if size > most_bytes:
        raise ValueError(f"its arrays would take {size} bytes, where {most_bytes} are the most")
    if strange := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
        raise ValueError(f"{shortened(strange[0], 60)!r} in it is no array")
    return arrays


def _read(data: bytes, most_bytes: int) -> tuple[int, dict[str, Any]]:
    """What it would unpack to, bytes, and, unless that is too much, its contents."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > most_bytes:
        return size, {}
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return size, {name: stored[name] for name in stored.files}
