"""The helper's side of judging: engines and detectors, at the daemon's beck and call."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from engines.contract import Batch, Engine, EngineInfo, EngineState, Maps
from engines.detector import Detector
from engines.errors import VigilError
from engines.runtime.gated import TRIAL_FRAMES
from engines.runtime.select import select_engine
from engines.watched import Watched
from pipelines.apart import judge_messages as asked
from pipelines.apart.channel import Channel, Received
from pipelines.apart.judge_messages import Answer, Asked, Chosen, Fetched, Made, News, Refused, Scored, Told

_NEAR: Final = 0.5
_AFTER_S: Final = 10.0
"""A frame's maps are made at once if its score, or that of one of its camera so long before, comes to this share of the
threshold: somebody will look at them, and soon. The others are made only if they are asked for: that takes 0.5 ms, and
whoever asks waits for the batch in hand."""


class JudgeStage:
    """A stage that does what comes over a connection, one thing after the other. Ends when the daemon hangs up."""

    name = "judge"

    def __init__(self, connection: Channel, settled: Callable[[], None] = lambda: None) -> None:
        """`settled` is called when an engine has been chosen for good, and what choosing took has been freed."""
        self._connection = connection
        self._settled = settled
        self._judges: dict[int, tuple[Engine, Detector]] = {}
        self._stored: dict[int, Watched] = {}
        self._maps: dict[int, Maps] = {}
        self._near_s: dict[str, float] = {}
        """When each camera last had a score near its threshold, on its own clock."""
        self._watcher = _Watcher()

    def open(self) -> None:
        """Nothing is known yet."""

    def step(self) -> bool:
        """Wait for the next message, obey, and answer if it is one that is answered."""
        message, *pictures = self._connection.receive()
        released: list[int]
        request: Asked | Told
        released, request = pickle.loads(message.data)  # noqa: S301 - the daemon's own word
        for number in released:
            self._stored.pop(number, None)
            self._maps.pop(number, None)
        if isinstance(request, Asked):
            answer = self._answer(request, pictures)
            self._connection.send(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))
            if isinstance(answer, Scored) and any(news.state == "serving" for news in answer.news):
                self._settled()
        else:
            self._obey(request)
        return True

    def close(self) -> None:
        """Release every engine, and hang up."""
        for engine, _ in self._judges.values():
            engine.close()
        self._connection.close()

    def _answer(self, request: Asked, pictures: Received) -> Answer:
        try:
            if isinstance(request, asked.Score):
                return self._score(request, pictures)
            if isinstance(request, asked.Choose):
                return self._choose(request)
            if isinstance(request, asked.Fetch):
                return Fetched(_made(self._maps[request.number]))
            engine, _ = self._judges[request.judge]
            engine.open()
            return Chosen(engine.info, self._watcher.take())
        except VigilError as error:
            return Refused(str(error))

    def _choose(self, request: asked.Choose) -> Chosen:
        network = request.network
        engine = select_engine(network, request.settings, most=request.most, frames=TRIAL_FRAMES, watcher=self._watcher)
        self._judges[request.judge] = engine, Detector(engine, {})
        return Chosen(engine.info, self._watcher.take())

    def _score(self, request: asked.Score, pictures: Received) -> Scored:
        engine, detector = self._judges[request.judge]
        pixels = [picture.reshape(*request.input_size, 3) for picture in pictures]
        scores = detector.score(
            Batch(cameras=request.cameras, times_s=request.times_s, pixels=pixels, again=request.again)
        )
        near = scores.score >= _NEAR * scores.threshold
        wanted = [self._wanted(*frame) for frame in zip(request.cameras, request.times_s, near.tolist(), strict=True)]
        return Scored(
            score=scores.score,
            threshold=scores.threshold,
            uncertainty=scores.uncertainty,
            signals=scores.signals,
            maps=[self._made_or_kept(*frame) for frame in zip(request.numbers, scores.maps, wanted, strict=True)],
            situations=scores.situations,
            info=engine.info,
            news=self._watcher.take(),
        )

    def _wanted(self, camera: str, time_s: float, near: bool) -> bool:  # noqa: FBT001 - of a row
        """Whether somebody is likely to look at a frame's maps."""
        if near:
            self._near_s[camera] = time_s
        return 0 <= time_s - self._near_s.get(camera, -math.inf) < _AFTER_S

    def _made_or_kept(self, number: int, maps: Maps, wanted: bool) -> Made | None:  # noqa: FBT001 - likewise
        if wanted:
            return _made(maps)
        self._maps[number] = maps
        return None

    def _obey(self, told: Told) -> None:
        match told:
            case asked.Store(number, watched):
                self._stored[number] = watched
            case asked.Join(judge, camera, number):
                self._judges[judge][1].add(camera, self._stored[number])
            case asked.Close(judge):
                engine, _ = self._judges.pop(judge)
                engine.close()
            case asked.Do(judge, deed):
                deed(self._judges[judge][1])


def _made(maps: Maps) -> Made:
    return maps.fused, maps.signals


@dataclass
class _Watcher:
    """Keeps what an engine tells until the next answer takes it along."""

    news: list[News] = field(default_factory=list)

    def engine_state(self, info: EngineInfo, state: EngineState) -> None:
        self.news.append(News(info, state))

    def engine_refused(self, info: EngineInfo) -> None:
        self.news.append(News(info, None))

    def take(self) -> tuple[News, ...]:
        taken, self.news = tuple(self.news), []
        return taken
