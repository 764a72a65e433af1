"""Pictures of frames, kept in a reader for as long as the daemon may ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from engines.contract import Pixels
from pipelines.apart.channel import Channel
from pipelines.errors import HelperError

_NUMBER: Final = msgspec.msgpack.Decoder(int)
"""Of the picture that is asked for."""
_SIZE: Final = msgspec.msgpack.Encoder()
"""Height and width of the picture, whose pixels follow as a second part; nil: it is not there."""

Picture: TypeAlias = Callable[[], Pixels]


class Gallery:
    """What a reader keeps for the daemon. Any thread may use it."""

    def __init__(self) -> None:
        self._pictures: dict[int, Picture] = {}

    def __len__(self) -> int:
        return len(self._pictures)

    def keep(self, number: int, picture: Picture) -> None:
        """Keep a picture until it is released."""
        self._pictures[number] = picture

    def release(self, numbers: Iterable[int]) -> None:
        """Let go of pictures; those that are not there are none of its business."""
        for number in numbers:
            self._pictures.pop(number, None)

    def find(self, number: int) -> Picture | None:
        """The picture of this number, not yet converted."""
        return self._pictures.get(number)


class GalleryStage:
    """A stage that shows pictures of a gallery to who asks for them by number over a connection."""

    name = "pictures"

    def __init__(self, connection: Channel, gallery: Gallery) -> None:
        self._connection = connection
        self._gallery = gallery

    def open(self) -> None:
        """The connection is open."""

    def step(self) -> bool:
        """Wait to be asked, and answer; False when the daemon has hung up."""
        try:
            (number,) = self._connection.receive()
            picture = self._gallery.find(_NUMBER.decode(number.data))
            if picture is None:
                self._connection.send(_SIZE.encode(None))
            else:
                pixels = picture()
                self._connection.send(_SIZE.encode(pixels.shape[:2]), pixels.data)
        except HelperError:
            return False
        return True

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
