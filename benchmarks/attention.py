"""Draw where the attention of a trained network looks: a sheet of a picture's places, each with what it attends to.

    vigil train --recipe attention.toml --out NET
    python -m benchmarks.attention NET frame.jpg --out attention.png

The network that ships has no attention; `bottleneck.attention` and `decoder.attention` of a recipe switch it on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from engines.contract import Floats, Pixels
from engines.errors import EngineError
from engines.network.files import Network
from engines.network.looking import attention_weights, draw_attention
from engines.runtime.openvino import OpenVinoEngine

_PLACES: Final = ((4, 16), (16, 6), (16, 16), (16, 26), (27, 16))
"""Above, left, middle, right and below, of 32 x 32."""


def sheet(network: Network, picture: Pixels) -> Pixels:
    """A row for each attention: the picture, what all places look at, and what single places look at.

    Raises `EngineError` when neither part of the network has attention.
    """
    rows = [_row(picture, weights) for weights in weights_of(network, picture)]
    if not rows:
        raise EngineError("the network has no attention: train one by a recipe that has")
    return np.concatenate(rows)


def weights_of(network: Network, picture: Pixels) -> list[Floats]:
    """The weights of every attention in encoder and decoder for a picture, uint8 [256, 256, 3]."""
    engine = OpenVinoEngine(network, precision="f32", threads=1)
    engine.open()
    try:
        latent = engine.encode(picture[None]).latent
    finally:
        engine.close()
    found: list[Floats] = []
    for model, inputs in ((network.encoder, picture[None]), (network.decoder, latent)):
        try:
            found += attention_weights(model, inputs)
        except EngineError:  # this part has none
            continue
    return found


def _row(picture: Pixels, weights: Floats) -> Pixels:
    places = [None, *_PLACES]
    return np.concatenate([picture, *(draw_attention(picture, weights, place) for place in places)], axis=1)


def main() -> None:
    """Write a sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path, help="the folder that `vigil train` wrote")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--out", type=Path, default=Path("attention.png"))
    options = parser.parse_args()
    read = cv2.imread(str(options.picture), cv2.IMREAD_COLOR)
    if read is None:
        raise SystemExit(f"{options.picture} cannot be read as a picture")
    network = Network.load(options.network)
    fitted = cv2.resize(read[..., ::-1], network.spec.input_size[::-1], interpolation=cv2.INTER_AREA)
    drawn = sheet(network, np.ascontiguousarray(fitted, np.uint8))
    cv2.imwrite(str(options.out), drawn[..., ::-1])
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
