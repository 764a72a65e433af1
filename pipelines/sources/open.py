"""From the name of a source to an open one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pipelines.errors import SourceRefused
from pipelines.sources.clips import ClipsSource
from pipelines.sources.fragment import WHOLE, Stretch
from pipelines.sources.libav import Input
from pipelines.sources.pictures import PicturesSource
from pipelines.sources.settings import SourceSettings
from pipelines.sources.source import Admits, Source, always
from pipelines.sources.spec import CLIP_SUFFIXES, SourceSpec, list_files
from pipelines.sources.video import VideoSource

__all__ = ["SourceSettings", "clips_of", "open_source"]

LEAST_PACED_FPS = 0.5
"""A file in real time is analysed at least this often, so that waiting for its next frame stays bounded."""


def open_source(
    spec: SourceSpec, settings: SourceSettings, input_size: tuple[int, int], admits: Admits = always
) -> Source:
    """Open a source whose samples have this (height, width).

    A video asks `admits` before it converts a frame, and leaves it out if there is no time for it.
    Raises SourceLost when it cannot be reached now, SourceRefused when trying again will not help by itself.
    """
    source = _make(spec, settings, input_size, admits)
    source.open()
    return source


def clips_of(spec: SourceSpec) -> list[SourceSpec]:
    """The clips of a folder as sources of their own, in order of name; any other source is returned as it is."""
    if spec.kind != "clips":
        return [spec]
    return [SourceSpec("video", str(path)) for path in _files(spec)]


def _make(spec: SourceSpec, settings: SourceSettings, input_size: tuple[int, int], admits: Admits) -> Source:
    if settings.paced and settings.fps is not None and settings.fps < LEAST_PACED_FPS:
        raise SourceRefused(f"{spec.label}: {settings.fps:g} fps is too seldom in real time: {LEAST_PACED_FPS} or more")
    stretch = Stretch(spec.start_s, spec.end_s)
    if spec.kind == "pictures":
        return _pictures(spec, settings, input_size, stretch)
    if spec.kind == "clips":
        return _clips(spec, settings, input_size, stretch)
    return VideoSource(_plan(spec, settings), settings, input_size, stretch, admits)


def _pictures(
    spec: SourceSpec, settings: SourceSettings, input_size: tuple[int, int], stretch: Stretch
) -> PicturesSource:
    if settings.fps is None and stretch != WHOLE:
        raise SourceRefused(f"{spec.label}: stills have no time; give a rate (--fps) to make them a film")
    source = PicturesSource(_files(spec), settings, input_size, stretch)
    if source.size_hint == 0:
        raise SourceRefused(f"{spec.label}: no picture in this stretch; choose one inside the film")
    return source


def _clips(spec: SourceSpec, settings: SourceSettings, input_size: tuple[int, int], stretch: Stretch) -> ClipsSource:
    if stretch != WHOLE:
        raise SourceRefused(f"{spec.label}: a stretch of several clips is not clear; name one clip")
    plans = [_plan(clip, settings) for clip in clips_of(spec)]
    return ClipsSource([partial(VideoSource, plan, settings, input_size) for plan in plans])


def _files(spec: SourceSpec) -> list[Path]:
    """The files of a folder or a pattern: all pictures or all clips."""
    path = Path(spec.location)
    files = list_files(path)
    if not files:
        missing = not path.exists()
        what = "no such file or folder, or nothing fits the pattern" if missing else "no picture or clip in the folder"
        raise SourceRefused(f"{spec.label}: {what}; check the path")
    clips = [f for f in files if f.suffix.lower() in CLIP_SUFFIXES]
    if clips and len(clips) != len(files):
        raise SourceRefused(f"{spec.label}: both pictures and clips in it; name one kind, such as {spec.label}/*.jpg")
    return files


_RTSP = {"analyzeduration": "0", "probesize": "32", "allowed_media_types": "video"}
"""Opens with the first packet: default probing waits 2 s and then delivers a burst of stale frames. Not with
``fflags=nobuffer``: that throws the first packet away, which is the key frame, and costs a whole group of pictures."""
_WEB = {"analyzeduration": "1000000", "probesize": "500000"}
_DEVICE = {"fflags": "nobuffer"}


def _plan(spec: SourceSpec, settings: SourceSettings) -> Input:
    plan = partial(Input, open_timeout_s=settings.open_timeout_s, read_timeout_s=settings.read_timeout_s)
    if spec.kind == "device":
        return plan(spec.location, spec.label, live=True, format="v4l2", options=dict(_DEVICE))
    if spec.kind != "stream":
        return plan(f"file:{spec.location}", spec.label)
    rtsp = spec.location.lower().startswith(("rtsp://", "rtsps://"))
    options = {**_RTSP, "rtsp_transport": settings.transport} if rtsp else dict(_WEB)
    return plan(spec.location, spec.label, live=True, options=options)
