"""An engine that serves at once and grows better: nothing faster takes over before it says what the reference says.

The reference (OpenVINO in float32) answers first. The options, each faster, are tried one after another: opened, run on
pictures made by rule, and, where there is a camera, on the first frames that it delivers. What agrees takes over
between two batches; what does not is refused, counted and told, and the next, of a higher precision, has its turn. An
option that takes long to build is built by a process of its own meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Final

from engines.contract import Decoded, DevicePart, Encoded, Engine, EngineInfo, Floats, NetworkSpec, Pixels, Timed
from engines.errors import EngineError
from engines.runtime.in_use import InUse
from engines.runtime.option import Building, Nobody, Option, Watcher
from engines.runtime.parity import Agreement, Expected, compare, expect, failed
from engines.runtime.pictures import trial_pictures
from engines.runtime.witness import Witness

__all__ = ["TRIAL_FRAMES", "GatedEngine", "Option", "Watcher"]

_log = logging.getLogger("vigil.engine")

TRIAL_FRAMES: Final = 8
"""How many pictures, and how many frames of a camera, an engine has to agree on."""
_TELL_S: Final = 30.0


class GatedEngine:
    """An `engines.contract.Engine` that is one of several. Raises `EngineError` when the one that serves fails.

    As many threads may call it at a time as may call the engines that it is made of.
    """

    def __init__(
        self, reference: Engine, options: Sequence[Option], *, frames: int = 0, watcher: Watcher | None = None
    ) -> None:
        """Try `options`, the fastest first.

        With `frames` > 0 an option has to agree on the first frames that come in, so many, and what takes long to
        build is built meanwhile. With 0 it has to agree on pictures made by rule: everything is settled in `open`,
        and results never change after.
        """
        self._reference, self._engines = reference, InUse(reference)
        self._options, self._queue = tuple(options), list(options)
        self._frames = frames
        self._watcher: Watcher = watcher or Nobody()
        self._trying = self._opened = False
        self._advancing = threading.Lock()
        self._witness: Witness | None = None
        self._expected: Expected | None = None
        self._candidate: tuple[Option, Engine] | None = None
        self._building: tuple[Option, Building] | None = None
        self._began_s = self._told_s = 0.0

    @property
    def info(self) -> EngineInfo:
        """Which engine serves now; before `open`, the one that is wanted most."""
        return self._engines.serving.info if self._opened or not self._options else self._options[0].info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._reference.spec

    def open(self) -> None:
        """Open the reference and settle what can be settled at once."""
        self._reference.open()
        self._engines.serve(self._reference)
        self._opened = self._trying = True
        self._queue = _quick_first(self._options, self._frames)
        if self._frames:
            self._witness = Witness(self._frames)
        elif self._options:
            self._expected = expect(self._reference, trial_pictures(TRIAL_FRAMES, self.spec.input_size))
        self._advance()

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]."""
        # Of several threads one sees to what is tried; the others go on meanwhile.
        if self._trying and self._advancing.acquire(blocking=False):
            try:
                self._advance()
            finally:
                self._advancing.release()
        witness = self._witness
        with self._engines.use() as engine:
            encoded = engine.encode(pixels)
        if witness is not None and engine is self._reference and len(pixels):
            witness.saw(pixels, encoded)
        return encoded

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        witness = self._witness
        with self._engines.use() as engine:
            decoded = engine.decode(latent)
        if witness is not None and engine is self._reference and len(latent):
            expected = witness.regenerated(latent, decoded)
            if expected is not None:
                self._expected, self._witness = expected, None
        return decoded

    def take_times(self) -> Mapping[DevicePart, float]:
        """What the device of the engine that serves spent since the last call; empty if it keeps no time."""
        engine = self._engines.serving
        return engine.take_times() if isinstance(engine, Timed) else {}

    def close(self) -> None:
        """Release all engines and end a build."""
        if self._building is not None:
            self._building[1].stop()
        if self._candidate is not None:
            self._candidate[1].close()
        self._engines.serve(self._reference).close()
        self._reference.close()
        self._opened = False
        self._done_trying()

    def _advance(self) -> None:
        """Go on as far as is possible without waiting."""
        while self._trying:
            if self._building is not None:
                if not self._built(*self._building):
                    return
            elif self._candidate is not None:
                if self._expected is None:
                    return
                self._settle(*self._candidate, self._expected)
            elif self._queue:
                self._take(self._queue.pop(0))
            else:
                self._finish()

    def _take(self, option: Option) -> None:
        """Begin with an option."""
        if option.build is None or not self._frames:
            self._try(option)
            return
        try:
            option.build.start()
        except EngineError as error:
            self._refuse(failed(option.info, str(error)))
            return
        self._building = option, option.build
        self._began_s = self._told_s = time.monotonic()
        _log.info("building %s; %s serves meanwhile", _name(option.info), _name(self.info))
        self._watcher.engine_state(self.info, "building")

    def _built(self, option: Option, build: Building) -> bool:
        """Whether the build under way is over; whatever came of it is dealt with."""
        now = time.monotonic()
        try:
            if not build.finished():
                if now - self._told_s >= _TELL_S:
                    self._told_s = now
                    _log.info("still building %s after %.0f s", _name(option.info), now - self._began_s)
                return False
        except EngineError as error:
            self._building = None
            self._refuse(failed(option.info, str(error)))
            return True
        self._building = None
        _log.info("%s built in %.0f s", _name(option.info), now - self._began_s)
        self._try(option)
        return True

    def _try(self, option: Option) -> None:
        """Open an option."""
        try:
            engine = option.make()
            engine.open()
        except EngineError as error:
            self._refuse(failed(option.info, str(error)))
            return
        self._candidate = option, engine
        self._watcher.engine_state(self.info, "checking")

    def _settle(self, option: Option, engine: Engine, expected: Expected) -> None:
        """Let an option serve, or refuse it."""
        self._candidate = None
        agreement = compare(engine, expected, option.batches)
        if agreement.trouble():
            self._refuse(agreement)
            engine.close()
            return
        before = self._engines.serve(engine)
        if before is not self._reference:
            self._engines.retire(before)
        better = self._options[: self._options.index(option)] if self._frames else ()
        self._queue = [each for each in self._queue if each in better]
        _log.info("%s serves: it agrees with float32 (%s)", _name(engine.info), agreement.told())

    def _refuse(self, agreement: Agreement) -> None:
        self._watcher.engine_refused(agreement.info)
        _log.warning("%s may not serve: %s", _name(agreement.info), agreement.trouble())

    def _finish(self) -> None:
        """Nothing is left to try: release what only trying needed."""
        self._done_trying()
        if self._engines.serving is not self._reference:
            self._engines.retire(self._reference)
        elif self._options:
            _log.warning("no faster engine may serve: %s does", _name(self.info))
        self._watcher.engine_state(self.info, "serving")

    def _done_trying(self) -> None:
        self._trying = False
        self._witness = self._expected = self._candidate = self._building = None
        self._queue = []


def _quick_first(options: Sequence[Option], frames: int) -> list[Option]:
    """What is quick to open serves while the better is built; without frames to come there is nothing to serve."""
    if not frames:
        return list(options)
    quick = [option for option in options if option.build is None]
    return [*quick, *(option for option in options if option.build is not None)]


def _name(info: EngineInfo) -> str:
    return f"{info.runtime} {info.precision} on {info.device}"
