"""``vigil quantise``: a profile and footage of its camera -> the same profile, its network with int8 beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from daemon.commands.footage import samples, source_of
from daemon.commands.terminal import notes, results, write_json
from daemon.errors import SettingsError
from engines.contract import Pixels
from engines.profile import Profile
from engines.runtime.select import EngineSettings, try_engines
from pipelines.errors import SourceError
from pipelines.sources.spec import SourceSpec, parse_source

_MOST = 512
"""Frames taken in at most, two a second; the calibration picks from them evenly."""
_FPS = 2.0


def quantise(profile: Path, sources: Sequence[str], out: Path, *, as_json: bool) -> None:
    """Calibrate on the sources, write the profile and tell whether int8 agrees with float32.

    Scores and threshold stay what they are: they do not depend on the precision. Raises `SettingsError` for
    arguments, `ProfileError` and `SourceError` for what cannot be read, `EngineError` when nncf is missing.
    """
    known = Profile.load(profile)
    try:
        specs = [parse_source(text) for text in sources]
    except SourceError as error:
        raise SettingsError(str(error)) from None
    # What quantises is imported once it is known that there is something to do: it needs the quantise extra.
    from engines.learning.quantisation import quantise as calibrated  # noqa: PLC0415

    with notes().status("quantising"):
        frames = list(islice(_frames(specs, known.network.spec.input_size), _MOST))
        network = calibrated(known.network, np.stack(frames) if frames else np.empty((0, 0, 0, 3), np.uint8))
        dataclasses.replace(known, network=network).save(out)
        agreement = try_engines(network, EngineSettings(runtime="openvino", precision="int8", cache="off"))[0]
    trouble = agreement.trouble()
    if as_json:
        write_json({"out": str(out), "frames": len(frames), "serves": not trouble, "told": trouble or agreement.told()})
    else:
        told = f"int8 may not serve: {trouble}" if trouble else f"int8 agrees with f32: {agreement.told()}"
        results().print(f"{out}: calibrated on {len(frames)} frames; {told}", markup=False)


def _frames(specs: Sequence[SourceSpec], size: tuple[int, int]) -> Iterator[Pixels]:
    for spec in specs:
        source = source_of(spec, _FPS, size)
        source.open()
        for sample in samples(source):
            yield sample.pixels
