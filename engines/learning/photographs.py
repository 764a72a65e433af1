"""Photographs with a free licence that Python packages carry: a dash of nature in a corpus made by rule."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from engines.contract import Pixels
from engines.errors import EngineError

PHOTOGRAPHS: Final = (
    ("sklearn", "datasets/images/china.jpg"),  # CC BY 2.0, danielbuechele
    ("sklearn", "datasets/images/flower.jpg"),  # CC BY 2.0, vultilion
    ("skimage", "data/astronaut.png"),  # public domain, NASA
    ("skimage", "data/brick.png"),  # CC0
    ("skimage", "data/camera.png"),  # CC0, Lav Varshney
    ("skimage", "data/chelsea.png"),  # CC0, Stefan van der Walt
    ("skimage", "data/coffee.png"),  # CC0, Rachel Michetti
    ("skimage", "data/grass.png"),  # CC0
    ("skimage", "data/gravel.png"),  # CC0
    ("skimage", "data/hubble_deep_field.jpg"),  # public domain, NASA
    ("skimage", "data/rocket.jpg"),  # public domain, SpaceX
)
"""Package and path of each photograph. None is restricted to research."""


def photographs() -> list[Pixels]:
    """Read them all as uint8 [H, W, 3] RGB. Raises `EngineError` when a package is missing."""
    return [_read(package, path) for package, path in PHOTOGRAPHS]


def _read(package: str, path: str) -> Pixels:
    spec = find_spec(package)
    picture = cv2.imread(str(Path(spec.origin).parent / path)) if spec and spec.origin else None
    if picture is None:
        raise EngineError(f"the photograph {package}/{path} is missing: pip install 'vigil[learn]'")
    return np.asarray(picture[..., ::-1], np.uint8)
