"""Judges frames of many cameras, each by its own profile."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engines.contract import SIGNALS, Batch, Encoded, Engine, Floats, Maps, Pixels, Scores, Signal
from engines.errors import EngineError, ProfileError
from engines.lasting import LastingLatent, Standing
from engines.light import Light
from engines.motion import CELLS, MotionHistory
from engines.normality import Lasting, Moving, Normality
from engines.place import Room
from engines.profile import Profile
from engines.reconstruction import Residuals, residuals_of
from engines.scoring import Fusion, Smoother, View, by_signal, row, statistic, uncertainty
from engines.steady import Steady
from engines.stills import statistic_of_stills


@dataclass(slots=True, eq=False)
class Watched:
    """A camera's normality and its last moments."""

    normality: Normality
    threshold: float
    still: bool
    light: Light | None
    motion: MotionHistory = field(default_factory=MotionHistory)
    steady: Steady = field(default_factory=Steady)
    steady_bodies: Steady = field(default_factory=Steady)
    lasting: LastingLatent = field(default_factory=LastingLatent)
    standing: Standing = field(default_factory=Standing)
    smoother: Smoother = field(default_factory=Smoother)

    def in_time(self, moving: Moving, time_s: float, pixels: Pixels, white: Floats, room: Room) -> dict[View, Floats]:
        """Maps [1, ...] of the views that need a history, NaN where it is too short; takes the frame into it."""
        seen = self.motion.observe(time_s, pixels)
        strange = self.steady.step(time_s, None if seen is None else moving.traffic.compare(seen[None])[0])
        maps: dict[View, Floats] = {"motion": _unmeasured(CELLS, CELLS) if strange is None else strange[None]}
        if moving.paces is not None:
            hasty = self.steady_bodies.step(time_s, None if seen is None else moving.paces.compare(seen))
            maps["motion-bodies"] = _unmeasured(CELLS, CELLS) if hasty is None else hasty[None]
        if moving.lasting is not None:
            maps["appearance-lasting"] = self._standing(moving.lasting, time_s, white, room)
        return maps

    def _standing(self, lasting: Lasting, time_s: float, white: Floats, room: Room) -> Floats:
        """The map of what is strange now and was some seconds ago, [1, h, w].

        The average of whitened latents is the whitened average, and whitening is done for the memory anyway.
        """
        mean = self.lasting.step(time_s, white)
        if mean is None:
            self.standing.forget()
            return _unmeasured(*white.shape[:2])
        (slow,), (brief,) = lasting.memory.distances_white((mean[None], self.lasting.brief[None]), room)
        least = self.standing.step(time_s, slow)
        if least is None:
            return _unmeasured(*white.shape[:2])
        return np.asarray(np.minimum(least, brief) / lasting.scale, np.float32)[None]

    def statistics(self, time_s: float, raw: Mapping[View, Floats]) -> dict[View, float]:
        """The statistic of each view's map [1, ...], smoothed."""
        now = {view: statistic(maps, view)[0] for view, maps in raw.items()}
        if self.normality.moving is None:
            now["appearance-latent"] = statistic_of_stills(raw["appearance-latent"])[0]
        values = np.array(list(now.values()), np.float32)
        smoothed = values if self.still else self.smoother.step(time_s, values)
        return dict(zip(now, smoothed.tolist(), strict=True))

    def hold(self, until_s: float, *, changed: bool) -> None:
        """Take in that the last frame stood until this time."""
        self.motion.hold(until_s)
        self.steady.hold(until_s)
        self.steady_bodies.hold(until_s)
        self.lasting.hold(until_s)
        if changed:  # else the statistics moved from the last to the next, and did not stand
            self.smoother.hold(until_s)

    def forget(self) -> None:
        """Begin anew."""
        self.motion.forget()
        self.steady.forget()
        self.steady_bodies.forget()
        self.lasting.forget()
        self.standing.forget()
        self.smoother.forget()


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """What a camera's memory says of a frame."""

    distance: Floats
    """float32 [1, h, w]."""
    normal: Floats
    """float32 [1, h, w, C]: the remembered latents that come nearest."""
    white: Floats
    """float32 [1, h, w, D]: see `place.Memory.white`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Judgement:
    """What is said of one frame."""

    row: list[float]
    """A row of `scoring.table`."""
    maps: Maps


class Detector:
    """Scores batches. Belongs to the thread that owns its engine.

    `profiles` are by camera. Raises `ProfileError` when a profile was made with another network than the engine
    runs, or its contents do not fit.
    """

    def __init__(self, engine: Engine, profiles: Mapping[str, Profile]) -> None:
        self._engine = engine
        self._room = Room()
        self._evened: Pixels = np.empty((0, 0, 0, 3), np.uint8)
        self._last: Sequence[tuple[Pixels, float, Light | None]] = ()
        self._encoded: Encoded | None = None
        self._cameras = {camera: prepare(camera, profile, engine.info.model) for camera, profile in profiles.items()}

    def score(self, batch: Batch) -> Scores:
        """Judge every frame of a batch, in its order; each is scored as it would be alone.

        Raises `EngineError` when the engine fails or a camera has no profile.
        """
        self._check(batch)
        pixels = self._in_usual_light(batch)
        encoded = self._encode(batch, pixels)
        compared = [self._compare(camera, encoded, index) for index, camera in enumerate(batch.cameras)]
        decoded = self._engine.decode(np.concatenate([one.normal for one in compared]))
        residuals = residuals_of(encoded.features, pixels, decoded)
        judged = [self._judge(batch, index, encoded, one, residuals) for index, one in enumerate(compared)]
        return self._assemble(batch, judged)

    def hold(self, camera: str, until_s: float, *, changed: bool) -> None:
        """Take in that a camera showed until `until_s` what its last scored frame shows; to be told before the next.

        `changed` says that the next frame shows something else. Whatever has a memory of time must be told, else a
        scene that was still would pass for an outage.
        """
        self._known(camera).hold(until_s, changed=changed)

    def forget(self, camera: str) -> None:
        """Drop a camera's history: its next frame does not continue its last, as after an outage."""
        self._known(camera).forget()

    def add(self, camera: str, watched: Watched) -> None:
        """Judge one more camera, or one by another profile: what `prepare` made, which has no history yet."""
        self._cameras[camera] = watched

    def remove(self, camera: str) -> None:
        """Drop a camera; does nothing when there is none of that name."""
        self._cameras.pop(camera, None)

    def retune(self, camera: str, threshold: float) -> None:
        """Flag a camera's frames from another score on."""
        self._known(camera).threshold = threshold

    def threshold(self, camera: str) -> float:
        """The score from which the camera's frames are flagged."""
        return self._known(camera).threshold

    def _known(self, camera: str) -> Watched:
        try:
            return self._cameras[camera]
        except KeyError:
            raise EngineError(f"no profile was given for camera {camera!r}: enrol it first") from None

    def _check(self, batch: Batch) -> None:
        if not len(batch) == len(batch.times_s) == len(batch.pixels) or not len(batch):
            raise EngineError("a batch needs one camera, one time and one picture a frame, and at least one frame")
        for camera in batch.cameras:
            self._known(camera)

    def _in_usual_light(self, batch: Batch) -> Pixels:
        """What appearance is judged by. Motion is measured on the frames as they are: flow minds no change of light."""
        lights = [self._cameras[camera].light for camera in batch.cameras]
        if isinstance(batch.pixels, np.ndarray) and all(light is None for light in lights):
            return batch.pixels
        evened = self._evened_of(len(batch), batch.pixels[0].shape)
        for light, one, into in zip(lights, batch.pixels, evened, strict=True):
            if light is None:
                np.copyto(into, one)
            else:
                light.even_out(one, into)
        return evened

    def _encode(self, batch: Batch, pixels: Pixels) -> Encoded:
        """Encode, unless the last batch held the same frames in the same light: then its own is taken again."""
        lights = [self._cameras[camera].light for camera in batch.cameras]
        seen = list(zip(batch.pixels, batch.times_s, lights, strict=True))
        if (rows := self._rows_of_last(seen)) is not None:
            assert self._encoded is not None
            return Encoded(self._encoded.latent[rows], self._encoded.features[rows])
        encoded = self._engine.encode(pixels)
        self._last, self._encoded = seen, encoded
        return encoded

    def _rows_of_last(self, seen: Sequence[tuple[Pixels, float, Light | None]]) -> list[int] | None:
        """Where in the last batch each of these is; None if one is not there."""
        rows = []
        for one, time_s, light in seen:
            alike = (
                row
                for row, (last, last_s, at) in enumerate(self._last)
                if last is one and last_s == time_s and _same_light(at, light)
            )
            if (found := next(alike, None)) is None:
                return None
            rows.append(found)
        return rows

    def _evened_of(self, count: int, shape: tuple[int, ...]) -> Pixels:
        """Where evened frames lie side by side: kept from batch to batch, since fresh memory costs page faults."""
        if len(self._evened) < count or self._evened.shape[1:] != shape:
            self._evened = np.empty((count, *shape), np.uint8)
        return self._evened[:count]

    def _compare(self, camera: str, encoded: Encoded, index: int) -> _Compared:
        memory = self._cameras[camera].normality.memory
        white = memory.white(memory.seen(encoded)[index : index + 1])
        return _Compared(*memory.compare_white(white, self._room), white)

    def _judge(
        self, batch: Batch, index: int, encoded: Encoded, compared: _Compared, residuals: Residuals
    ) -> _Judgement:
        camera, one = self._cameras[batch.cameras[index]], slice(index, index + 1)
        normality, time_s = camera.normality, batch.times_s[index]
        left = Residuals(residuals.features[one], residuals.picture[one])
        raw = normality.appearance(compared.distance, left)
        if (moving := normality.moving) is not None:
            white = compared.white
            if moving.lasting is not None and not normality.whitens_alike:
                white = moving.lasting.memory.white(encoded.latent[one])
            raw |= camera.in_time(moving, time_s, batch.pixels[index], white[0], self._room)
        judged = row(normality.fusion, normality.ensemble, camera.statistics(time_s, raw))
        return _Judgement(judged, Maps(lambda: _maps(normality.fusion, raw)))

    def _assemble(self, batch: Batch, judged: list[_Judgement]) -> Scores:
        rows = np.array([one.row[: 1 + len(SIGNALS)] for one in judged], np.float32)
        return Scores(
            score=rows[:, 0],
            threshold=np.array([self._cameras[camera].threshold for camera in batch.cameras], np.float32),
            maps=[one.maps for one in judged],
            signals={signal: rows[:, 1 + index] for index, signal in enumerate(SIGNALS)},
            uncertainty=np.array([uncertainty(one.row) for one in judged], np.float32),
        )


def _same_light(one: Light | None, other: Light | None) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one.usual, other.usual))


def _maps(fusion: Fusion, raw: Mapping[View, Floats]) -> tuple[Floats, Mapping[Signal, Floats]]:
    """The fused map and one a signal, [h, w], from maps [1, ...] of the views."""
    surprises = fusion.surprises({v: to_places(m, raw["appearance-latent"].shape[1:]) for v, m in raw.items()})
    return fusion.score(surprises)[0], {signal: values[0] for signal, values in by_signal(surprises).items()}


def to_places(maps: Floats, places: tuple[int, ...]) -> Floats:
    """Bring maps [N, a*h, b*w] to [N, h, w]: the strongest of each place's cells."""
    count, (height, width) = len(maps), places
    tall, wide = maps.shape[1] // height, maps.shape[2] // width
    return np.asarray(maps.reshape(count, height, tall, width, wide).max((2, 4)), np.float32)


def _unmeasured(height: int, width: int) -> Floats:
    return np.full((1, height, width), math.nan, np.float32)


def prepare(camera: str, profile: Profile, model: str) -> Watched:
    """Make a profile ready to judge a camera by, for `Detector.add`; on any thread.

    Raises `ProfileError` when it was made with another network than `model`, or its contents do not fit.
    """
    if profile.network.id != model:
        raise ProfileError(
            f"the profile of camera {camera!r} was made with network {profile.network.id}, the engine runs "
            f"{model}: enrol the camera again with this network"
        )
    try:
        light = Light.from_arrays(profile.arrays)
        return Watched(Normality.from_arrays(profile.arrays), profile.threshold, profile.still, light)
    except (LookupError, ValueError, TypeError) as error:
        raise ProfileError(f"the profile of camera {camera!r} lacks or garbles {error}: enrol it again") from error
