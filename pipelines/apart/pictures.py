"""Pictures that a reader keeps for the daemon: converted and brought over when somebody asks for one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from engines.contract import Pixels
from pipelines.apart.camera_messages import Size
from pipelines.apart.channel import Channel, Received
from pipelines.apart.numbers import Numbers
from pipelines.errors import HelperError, HelperSilent

log = logging.getLogger("vigil.reading")

Connect: TypeAlias = Callable[[str, str], Channel]
"""Has a helper serve a stage on a thread, by their names (`daemon.helpers.Helper.connect`); raises `HelperError`."""

_PATIENCE_S: Final = 2.0
_PAUSE_S: Final = 10.0
"""A reader that did not show a picture in time is asked for no other for so long: who asks has more to do."""
_SIZE: Final = msgspec.msgpack.Decoder(Size | None)


class Pictures:
    """The pictures of one reader. Any thread may ask for one, or let one go."""

    def __init__(self, connect: Connect, patience_s: float = _PATIENCE_S) -> None:
        """A picture that does not come within `patience_s` does not come at all."""
        self._connect = connect
        self._patience_s = patience_s
        self.numbers = Numbers()
        """Of pictures; what was released, the reader hears of with the next request of any of its cameras."""
        self._one_at_a_time = threading.Lock()
        self._channel: Channel | None = None
        self._silent_until = 0.0

    def ask(self, number: int) -> Pixels | None:
        """The picture as uint8 [H, W, 3] RGB at the camera's own size; None when it cannot be had."""
        with self._one_at_a_time:
            if time.monotonic() < self._silent_until:
                return None
            try:
                return self._asked(number)
            except (HelperError, ValueError) as error:
                self._hang_up()
                if isinstance(error, HelperSilent):
                    self._silent_until = time.monotonic() + _PAUSE_S
                log.warning("a picture cannot be had from its reader; it is shown in low resolution: %s", error)
                return None

    def answers(self, within_s: float) -> bool:
        """Whether the reader answers at all. One that has ended does, in its way: the next call starts it again."""
        with self._one_at_a_time:
            try:
                self._exchange(0, within_s)
            except HelperSilent:
                return False
            except HelperError:
                self._hang_up()
            return True

    def close(self) -> None:
        """Hang up."""
        with self._one_at_a_time:
            self._hang_up()

    def _asked(self, number: int) -> Pixels | None:
        fresh = self._channel is None
        try:
            size, *rest = self._exchange(number, self._patience_s)
        except HelperSilent:
            raise
        except HelperError:
            if fresh:
                raise
            self._hang_up()  # it led to a reader that has ended; by now there may be another
            size, *rest = self._exchange(number, self._patience_s)
        shape = _SIZE.decode(size.data)
        if shape is None:
            return None
        if len(rest) != 1:
            raise ValueError("not one picture")
        return rest[0].reshape(*shape, 3)

    def _exchange(self, number: int, within_s: float) -> Received:
        if self._channel is None:
            self._channel = self._connect("pictures", "pictures")
        self._channel.send(msgspec.msgpack.encode(number), timeout_s=within_s)
        return self._channel.receive(within_s)

    def _hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
