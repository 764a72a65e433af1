"""A frame made small, as changes of light are watched for and as the light is told by: both in one go.

OpenCV has fast code for halves only, which round: of whole numbers large enough nothing is lost before the end.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from engines.contract import Floats, Pixels
from engines.light import BLOCKS, blocks_of, shares_of
from engines.transition import SIDE, shrunk

_FINE: Final = 16
"""Parts of a level that are told apart meanwhile: the mean of 16 pixels is a whole number of them."""


def shrink(pixels: Pixels) -> tuple[Pixels, Floats]:
    """`transition.shrunk` and `light.blocks_of` of a frame, uint8 [H, W, 3]: of one of 256 x 256 at half their cost."""
    if pixels.shape[:2] != (4 * SIDE, 4 * SIDE):
        return shrunk(pixels), blocks_of(pixels)
    fine = pixels.astype(np.uint16)
    fine *= _FINE
    for side in (2 * SIDE, SIDE):
        fine = np.asarray(cv2.resize(fine, (side, side), interpolation=cv2.INTER_AREA), np.uint16)
    blocks = cv2.resize(fine.astype(np.float32), (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    whole = np.rint(np.asarray(blocks, np.float32) * np.float32(1 / _FINE))
    return np.asarray(cv2.convertScaleAbs(fine, alpha=1 / _FINE), np.uint8), shares_of(whole)
