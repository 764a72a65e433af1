"""The daemon's side of judging in a helper process: what stands for the engine and the detector that are there."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

import numpy as np

from engines.contract import Batch, EngineInfo, Maps, NetworkSpec, Scores
from engines.detector import Detector, Watched
from engines.errors import EngineError
from engines.network.files import Network
from engines.runtime.option import Watcher
from engines.runtime.select import EngineSettings
from engines.zoning import Zoning
from pipelines.apart import judge_messages as asked
from pipelines.apart.channel import Channel, Part
from pipelines.apart.judge_messages import Answer, Asked, Chosen, Fetched, Made, News, Refused, Scored, Told
from pipelines.apart.numbers import Numbers
from pipelines.errors import HelperError

_PATIENCE_S: Final = 60.0
"""For a batch, or for an engine that is compiled. The watchdog ends a daemon that judges nothing for less than that."""

_A = TypeVar("_A", Chosen, Scored, Fetched)


class Line:
    """A connection to a process that judges. Any thread may use it; each question waits for its answer.

    Raises `EngineError`, as an engine in this process would, once the process has ended.
    """

    def __init__(self, connect: Callable[[], Channel], watcher: Watcher) -> None:
        """Connect when first used; `watcher` is told what the engines there tell."""
        self._connect = connect
        self._watcher = watcher
        self._channel: Channel | None = None
        self._one_at_a_time = threading.Lock()
        self.numbers = Numbers()
        """Of judges, of what cameras are to be judged by, and of maps: whatever is known by a number there."""

    def ask(self, question: Asked, kind: type[_A], *pictures: Part) -> _A:
        """The answer to a question, of the `kind` that it has. Raises `EngineError` also when it is refused."""
        with self._sending(question, *pictures) as channel:
            (message,) = channel.receive(_PATIENCE_S)
        answer: Answer = pickle.loads(message.data)  # noqa: S301 - from a process that saw nothing but pixels from outside
        if isinstance(answer, Refused):
            raise EngineError(answer.reason)
        assert isinstance(answer, kind)
        self._hear(answer.news)
        return answer

    def tell(self, message: Told) -> None:
        """Have something done that is not answered, before whatever is asked next."""
        with self._sending(message):
            return

    @contextmanager
    def _sending(self, message: Asked | Told, *pictures: Part) -> Iterator[Channel]:
        """Send a message, and with it what was released; the channel is the caller's until the block is left."""
        with self._one_at_a_time:
            try:
                if self._channel is None:
                    self._channel = self._connect()
                body = pickle.dumps((self.numbers.released(), message), pickle.HIGHEST_PROTOCOL)
                self._channel.send(body, *pictures, timeout_s=_PATIENCE_S)
                yield self._channel
            except HelperError as error:
                raise EngineError(f"the process that judges is lost: {error}") from None

    def _hear(self, news: tuple[News, ...]) -> None:
        for one in news:
            if one.state is None:
                self._watcher.engine_refused(one.info)
            else:
                self._watcher.engine_state(one.info, one.state)


class ApartEngine:
    """An engine in another process, as far as the daemon minds it."""

    def __init__(self, line: Line, network: Network, settings: EngineSettings, most: int) -> None:
        """Have it chosen there, for batches of up to `most`. Raises `EngineError`."""
        self.spec: NetworkSpec = network.spec
        self.number = line.numbers.give()
        """What it and its detector are known by there."""
        self.info: EngineInfo = line.ask(asked.Choose(self.number, network, settings, most), Chosen).info
        self._line = line

    def open(self) -> None:
        """Compile or load from cache, there."""
        self.info = self._line.ask(asked.Open(self.number), Chosen).info

    def close(self) -> None:
        """Release it there. That process may be gone already."""
        try:
            self._line.tell(asked.Close(self.number))
        except EngineError:
            return


class ApartScorer:
    """A `Scorer` in another process."""

    def __init__(self, line: Line, engine: ApartEngine) -> None:
        self._line = line
        self._engine = engine
        self._judge = engine.number

    def score(self, batch: Batch) -> Scores:
        """Score a batch; one entry a frame, in the batch's order."""
        size = self._engine.spec.input_size
        numbers = tuple(self._line.numbers.give() for _ in batch.cameras)
        question = asked.Score(self._judge, batch.cameras, batch.times_s, size, batch.again, numbers)
        said = self._line.ask(question, Scored, *(np.ascontiguousarray(picture).data for picture in batch.pixels))
        self._engine.info = said.info
        maps = zip(numbers, said.maps, strict=True)
        return Scores(
            score=said.score,
            threshold=said.threshold,
            maps=[Maps(_Kept(self._line, number)) if made is None else Maps.of(*made) for number, made in maps],
            signals=said.signals,
            uncertainty=said.uncertainty,
            situations=said.situations,
        )

    def hold(self, camera: str, until_s: float, *, changed: bool) -> None:
        """Take in that a camera showed until then what its last scored frame shows; the next one may differ."""
        self._do(partial(Detector.hold, camera=camera, until_s=until_s, changed=changed))

    def forget(self, camera: str) -> None:
        """Drop what is remembered of a camera's last frames."""
        self._do(partial(Detector.forget, camera=camera))

    def remove(self, camera: str) -> None:
        """Drop a camera; does nothing when there is none of that name."""
        self._do(partial(Detector.remove, camera=camera))

    def retune(self, camera: str, threshold: float) -> None:
        """Flag a camera's frames from another score on."""
        self._do(partial(Detector.retune, camera=camera, threshold=threshold))

    def rezone(self, camera: str, zoning: Zoning | None) -> None:
        """Have a camera's places count by other weights from its next frame on."""
        self._do(partial(Detector.rezone, camera=camera, zoning=zoning))

    def _do(self, deed: Callable[[Detector], None]) -> None:
        self._line.tell(asked.Do(self._judge, deed))


class Stored:
    """What a camera is to be judged by, kept where it is needed; forgotten there with the last reference to this."""

    def __init__(self, line: Line, engine: ApartEngine, watched: Watched) -> None:
        """Raises `EngineError`."""
        self._line = line
        self._judge = engine.number
        self._number = line.numbers.give()
        line.tell(asked.Store(self._number, watched))

    def join(self, camera: str) -> None:
        """Have the camera judged by it from now on."""
        self._line.tell(asked.Join(self._judge, camera, self._number))

    def __del__(self) -> None:
        self._line.numbers.release([self._number])


class _Kept:
    """Maps that are kept where they can be made, for as long as this lives."""

    def __init__(self, line: Line, number: int) -> None:
        self._line = line
        self._number = number

    def __call__(self) -> Made:
        return self._line.ask(asked.Fetch(self._number), Fetched).maps

    def __del__(self) -> None:
        self._line.numbers.release([self._number])
