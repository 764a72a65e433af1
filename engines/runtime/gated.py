"""An engine that serves at once and grows better: nothing faster takes over before it says what the reference says.

The reference (OpenVINO in float32) answers first. The options, each faster, are tried one after another: opened, run on
pictures made by rule, and, where there is a camera, on the first frames that it delivers. What agrees takes over
between two batches; what does not is refused, counted and told, and the next, of a higher precision, has its turn. An
option that takes long to build is built by a process of its own meanwhile.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from engines.contract import (
    Decoded,
    DevicePart,
    Encoded,
    Engine,
    EngineInfo,
    EngineState,
    Floats,
    NetworkSpec,
    Pixels,
    Timed,
)
from engines.errors import EngineError
from engines.runtime.parity import Agreement, Expected, compare, expect, failed
from engines.runtime.pictures import trial_pictures

_log = logging.getLogger("vigil.engine")

TRIAL_FRAMES: Final = 8
"""How many pictures, and how many frames of a camera, an engine has to agree on."""
_TELL_S: Final = 30.0


class Building(Protocol):
    """A build that goes on elsewhere."""

    def start(self) -> None:
        """Begin. Raises `EngineError`."""

    def finished(self) -> bool:
        """Whether it is done; never waits. Raises `EngineError` when it failed."""

    def stop(self) -> None:
        """End it, done or not; may be called twice."""


@dataclass(frozen=True, slots=True)
class Option:
    """An engine that could serve."""

    info: EngineInfo
    make: Callable[[], Engine]
    batches: tuple[int, ...] = (1,)
    """The sizes of batch that it may behave differently at."""
    build: Building | None = None
    """What has to be done before `make` is quick."""


class Watcher(Protocol):
    """Whom to tell: the metrics."""

    def engine_state(self, info: EngineInfo, state: EngineState) -> None:
        """Say which engine serves its network, and what is going on beside that."""

    def engine_refused(self, info: EngineInfo) -> None:
        """Count an option that did not pass."""


class _Nobody:
    def engine_state(self, info: EngineInfo, state: EngineState) -> None: ...

    def engine_refused(self, info: EngineInfo) -> None: ...


@dataclass(slots=True)
class _Witness:
    """Collects what the reference made of a camera's frames, one a batch, until there are enough."""

    wanted: int
    pixels: list[Pixels] = field(default_factory=list)
    encoded: list[Encoded] = field(default_factory=list)
    latent: list[Floats] = field(default_factory=list)
    decoded: list[Decoded] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return len(self.decoded) >= self.wanted

    def saw(self, pixels: Pixels, encoded: Encoded) -> None:
        """Remember the first frame of a batch."""
        if len(self.encoded) == len(self.decoded) < self.wanted:
            self.pixels.append(pixels[:1].copy())
            self.encoded.append(Encoded(encoded.latent[:1].copy(), encoded.features[:1].copy()))

    def regenerated(self, latent: Floats, decoded: Decoded) -> None:
        """Remember what the decoder made of the same batch."""
        if len(self.decoded) < len(self.encoded):
            self.latent.append(latent[:1].copy())
            self.decoded.append(Decoded(decoded.features[:1].copy(), decoded.picture[:1].copy()))

    def told(self) -> Expected:
        """What an engine has to agree with."""
        return Expected(
            np.concatenate(self.pixels),
            Encoded(_joined(self.encoded, "latent"), _joined(self.encoded, "features")),
            np.concatenate(self.latent),
            Decoded(_joined(self.decoded, "features"), _joined(self.decoded, "picture")),
        )


class GatedEngine:
    """An `engines.contract.Engine` that is one of several. Raises `EngineError` when the one that serves fails."""

    def __init__(
        self, reference: Engine, options: Sequence[Option], *, frames: int = 0, watcher: Watcher | None = None
    ) -> None:
        """Try `options`, the fastest first.

        With `frames` > 0 an option has to agree on the first frames that come in, so many, and what takes long to
        build is built meanwhile. With 0 it has to agree on pictures made by rule: everything is settled in `open`,
        and results never change after.
        """
        self._reference = self._serving = reference
        self._options, self._queue = tuple(options), list(options)
        self._frames = frames
        self._watcher: Watcher = watcher or _Nobody()
        self._trying = self._opened = False
        self._witness: _Witness | None = None
        self._expected: Expected | None = None
        self._candidate: tuple[Option, Engine] | None = None
        self._building: tuple[Option, Building] | None = None
        self._began_s = self._told_s = 0.0

    @property
    def info(self) -> EngineInfo:
        """Which engine serves now; before `open`, the one that is wanted most."""
        return self._serving.info if self._opened or not self._options else self._options[0].info

    @property
    def spec(self) -> NetworkSpec:
        """Sizes of the network's tensors."""
        return self._reference.spec

    def open(self) -> None:
        """Open the reference and settle what can be settled at once."""
        self._reference.open()
        self._serving, self._opened, self._trying = self._reference, True, True
        self._queue = _quick_first(self._options, self._frames)
        if self._frames:
            self._witness = _Witness(self._frames)
        elif self._options:
            self._expected = expect(self._reference, trial_pictures(TRIAL_FRAMES, self.spec.input_size))
        self._advance()

    def encode(self, pixels: Pixels) -> Encoded:
        """Encode uint8 [N, H, W, 3]."""
        if self._trying:
            self._advance()
        encoded = self._serving.encode(pixels)
        if self._witness is not None and len(pixels):
            self._witness.saw(pixels, encoded)
        return encoded

    def decode(self, latent: Floats) -> Decoded:
        """Decode float32 [N, h, w, C]."""
        decoded = self._serving.decode(latent)
        if self._witness is not None and len(latent):
            self._witness.regenerated(latent, decoded)
            if self._witness.done:
                self._expected, self._witness = self._witness.told(), None
        return decoded

    def take_times(self) -> Mapping[DevicePart, float]:
        """What the device of the engine that serves spent since the last call; empty if it keeps no time."""
        return self._serving.take_times() if isinstance(self._serving, Timed) else {}

    def close(self) -> None:
        """Release all engines and end a build."""
        if self._building is not None:
            self._building[1].stop()
        if self._candidate is not None:
            self._candidate[1].close()
        self._serving.close()
        self._reference.close()
        self._serving, self._opened = self._reference, False
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
        before, self._serving = self._serving, engine
        if before is not self._reference:
            before.close()
        better = self._options[: self._options.index(option)] if self._frames else ()
        self._queue = [each for each in self._queue if each in better]
        _log.info("%s serves: it agrees with float32 (%s)", _name(engine.info), agreement.told())

    def _refuse(self, agreement: Agreement) -> None:
        self._watcher.engine_refused(agreement.info)
        _log.warning("%s may not serve: %s", _name(agreement.info), agreement.trouble())

    def _finish(self) -> None:
        """Nothing is left to try: release what only trying needed."""
        self._done_trying()
        if self._serving is not self._reference:
            self._reference.close()
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


def _joined(parts: Sequence[Encoded] | Sequence[Decoded], name: str) -> Floats:
    return np.concatenate([getattr(part, name) for part in parts])
