"""Judges frames of many cameras, each by its own profile."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from engines.contract import SIGNALS, Batch, Decoded, Encoded, Engine, Floats, Maps, Pixels, Regime, Scores, Situation
from engines.desk import Desk
from engines.errors import EngineError, ProfileError
from engines.light import Light, blocks_of, even_out_all
from engines.maps import maps_of, to_places
from engines.normality import Normality
from engines.place import Room
from engines.profile import Profile
from engines.reconstruction import residuals_of_pictures
from engines.scoring import View, row, statistic, uncertainty
from engines.stills import look_twice
from engines.surroundings import Seen, Surroundings
from engines.watched import Frame, Standard, Watched
from engines.zoning import Hidden, Zoning

__all__ = ["Detector", "Watched", "prepare", "to_places"]

_BY_LIGHT: Final[tuple[View, ...]] = ("appearance-latent", "appearance-reconstruction")
"""Views whose maps the light changes; what lasts is seen to where it is made."""


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """What a camera's memory says of a frame."""

    distance: Floats
    """float32 [1, h, w]."""
    normal: Floats
    """float32 [1, h, w, C]: the remembered latents that come nearest."""
    white: Floats
    """float32 [1, h, w, D]: what is averaged, see `place.Memory.white`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Judgement:
    """What is said of one frame."""

    row: list[float]
    """A row of `scoring.table`."""
    maps: Maps
    threshold: float
    situation: Situation


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """A frame of the batch, and what it is judged by."""

    camera: Watched
    time_s: float
    pixels: Pixels
    seen: Seen
    standard: Standard


class Detector:
    """Scores batches. Several threads may do so at a time, as many as may call its engine, if no camera is in two of
    their batches and none is added, removed, held or retuned meanwhile that is in one.

    `profiles` are by camera. Raises `ProfileError` when a profile was made with another network than the engine
    runs, or its contents do not fit.
    """

    def __init__(self, engine: Engine, profiles: Mapping[str, Profile]) -> None:
        self._engine = engine
        self._desk = Desk()
        self._cameras = {camera: prepare(camera, profile, engine.info.model) for camera, profile in profiles.items()}

    def score(self, batch: Batch) -> Scores:
        """Judge every frame of a batch, in its order; each is scored as it would be alone.

        Raises `EngineError` when the engine fails or a camera has no profile.
        """
        self._check(batch)
        cases = [self._case(batch, index) for index in range(len(batch))]
        # Step by step for all frames, not frame by frame: what a step works with stays in the processor's caches.
        fields = [self._field(case) for case in cases]
        strange = [_strange(case, field) for case, field in zip(cases, fields, strict=True)]
        pixels = self._in_usual_light(batch.pixels, cases)
        encoded = self._encode(cases, pixels, again=batch.again)
        compared = [
            _compare(case.standard.normality, encoded, index, self._desk.room) for index, case in enumerate(cases)
        ]
        decoded = self._engine.decode(np.concatenate([one.normal for one in compared]))
        pictures = residuals_of_pictures(pixels, decoded.picture, [case.camera.seen for case in cases])
        left = Decoded(decoded.features, pictures)
        seen = [_look(case, index, encoded, compared[index], left) for index, case in enumerate(cases)]
        judged = [self._judge(*part) for part in zip(cases, seen, strange, compared, strict=True)]
        return _assemble(judged)

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
        self._known(camera).retune(threshold)

    def rezone(self, camera: str, zoning: Zoning | None) -> None:
        """Have a camera's places count by other weights from its next frame on."""
        self._known(camera).rezone(zoning)

    def threshold(self, camera: str) -> float:
        """The score from which the camera's frames are flagged, in the regime that most is known of."""
        watched = self._known(camera)
        return watched.threshold_of(watched.standard)

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

    def _case(self, batch: Batch, index: int) -> _Case:
        camera, time_s, pixels = self._cameras[batch.cameras[index]], batch.times_s[index], batch.pixels[index]
        seen = camera.look(time_s, pixels)
        return _Case(camera, time_s, pixels, seen, camera.standards.get(seen.standard, camera.standard))

    def _field(self, case: _Case) -> Floats | None:
        """Displacements; None where they were not measured."""
        if case.standard.normality.moving is None:
            return None
        return case.camera.move(case.time_s, case.pixels, case.seen, self._desk)

    def _in_usual_light(self, pixels: Pixels | Sequence[Pixels], cases: Sequence[_Case]) -> Pixels:
        """What appearance is judged by. Motion is measured on the frames as they are: flow minds no change of light."""
        lights = [case.standard.light for case in cases]
        if isinstance(pixels, np.ndarray) and all(light is None for light in lights):
            return pixels
        evened = self._desk.evened_of(len(cases), pixels[0].shape)
        lit = [
            (light, blocks_of(one) if case.seen.blocks is None else case.seen.blocks, one, into)
            for light, case, one, into in zip(lights, cases, pixels, evened, strict=True)
            if light is not None
        ]
        even_out_all(lit)
        for light, one, into in zip(lights, pixels, evened, strict=True):
            if light is None:
                np.copyto(into, one)
        return evened

    def _encode(self, cases: Sequence[_Case], pixels: Pixels, *, again: bool) -> Encoded:
        """Encode; frames that were kept from the last batch, in the same light, are not encoded again."""
        shown = [(case.pixels, case.time_s, case.standard.light) for case in cases]
        encoded = self._desk.kept(shown) or self._engine.encode(pixels)
        self._desk.keep(shown, encoded if again else None)
        stills = [index for index, case in enumerate(cases) if case.standard.normality.mirrored]
        if not stills:
            return encoded
        twice = look_twice(self._engine, pixels[stills], Encoded(encoded.latent[stills], encoded.features[stills]))
        latent, features = encoded.latent.copy(), encoded.features.copy()
        latent[stills], features[stills] = twice.latent, twice.features
        return Encoded(latent, features)

    def _judge(
        self, case: _Case, raw: Mapping[View, Floats], strange: Mapping[View, Floats], compared: _Compared
    ) -> _Judgement:
        camera, normality = case.camera, case.standard.normality
        camera.enter(case.seen)
        if (moving := normality.moving) is not None:
            frame = Frame(case.time_s, strange, compared.white[0], raw["appearance-latent"][0])
            raw = {**raw, **camera.in_time(moving, frame, case.seen, self._desk.room)}
        left = raw if camera.still else _allowed(case, raw)
        allows = left is not raw
        if camera.zoning is not None:
            left = camera.zoning.weigh(left)
        statistics = camera.statistics(case.time_s, left)
        # How long normal things look strange in a regime that was never enrolled is not known: the moment alone counts.
        average = partial(camera.average, case.time_s) if case.seen.situation.enrolled else None
        judged = row(normality.fusion, normality.ensemble, statistics, average)
        threshold, situation = camera.threshold_of(case.standard), case.seen.situation
        if allows and judged[0] < threshold:
            whole = raw if camera.zoning is None else camera.zoning.weigh(raw)
            plain = {view: float(statistic(maps, view)[0]) for view, maps in whole.items()}
            situation = dataclasses.replace(situation, suppressed=row(normality.fusion, (), plain)[0] >= threshold)
        maps = Maps(partial(maps_of, normality.fusion, left, raw["appearance-latent"].shape[1:]))
        return _Judgement(judged, maps, threshold, situation)


def _strange(case: _Case, field: Floats | None) -> Mapping[View, Floats]:
    """`Moving.compare` of one frame; empty where its motion was not measured."""
    moving = case.standard.normality.moving
    return {} if moving is None or field is None else moving.compare(field[None])


def _compare(normality: Normality, encoded: Encoded, index: int, room: Room) -> _Compared:
    memory, moving, one = normality.memory, normality.moving, slice(index, index + 1)
    white = memory.white(memory.seen(encoded)[one])
    distance, normal = memory.compare_white(white, room)
    if moving is not None and moving.lasting is not None and not normality.whitens_alike:
        white = moving.lasting.memory.white(encoded.latent[one])
    return _Compared(distance, normal, white)


def _look(case: _Case, index: int, encoded: Encoded, compared: _Compared, left: Decoded) -> Mapping[View, Floats]:
    """`Normality.appearance` of one frame of a batch."""
    one = slice(index, index + 1)
    left = Decoded(left.features[one], left.picture[one])
    return case.standard.normality.appearance(compared.distance, encoded.features[one], left)


def _allowed(case: _Case, raw: Mapping[View, Floats]) -> Mapping[View, Floats]:
    """What is left of maps beside what the light alone has made strange: the very same where nothing is allowed."""
    left: dict[View, Floats] = {}
    for view in _BY_LIGHT:
        seen = case.seen
        allowance = case.camera.allow(
            case.time_s, view, raw[view], changing=seen.situation.changing, switching=seen.switching
        )
        if allowance.by is not None:
            left[view] = allowance.left(raw[view])
    return {**raw, **left} if left else raw


def _assemble(judged: Sequence[_Judgement]) -> Scores:
    rows = np.array([one.row[: 1 + len(SIGNALS)] for one in judged], np.float32)
    return Scores(
        score=rows[:, 0],
        threshold=np.array([one.threshold for one in judged], np.float32),
        maps=[one.maps for one in judged],
        signals={signal: rows[:, 1 + index] for index, signal in enumerate(SIGNALS)},
        uncertainty=np.array([uncertainty(one.row) for one in judged], np.float32),
        situations=[one.situation for one in judged],
    )


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
        standards: dict[Regime, Standard] = {
            regime: Standard(Normality.from_arrays(part.arrays), part.threshold, Light.from_arrays(part.arrays))
            for regime, part in profile.regimes.items()
        }
        learnt = Hidden.from_arrays(profile.arrays)
    except (LookupError, ValueError, TypeError) as error:
        raise ProfileError(f"the profile of camera {camera!r} lacks or garbles {error}: enrol it again") from error
    lights = {regime: standard.light for regime, standard in standards.items()}
    return Watched(standards, profile.still, Surroundings(lights), learnt=learnt)
