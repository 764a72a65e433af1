"""``vigil train``: footage and made pictures -> a shared network. The only command that needs torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from rich.progress import Progress as Bar
from rich.progress import TaskID
from rich.table import Table

from daemon.commands.footage import samples, source_of
from daemon.commands.terminal import notes, progress_bar, results, write_json
from daemon.errors import SettingsError
from engines.contract import Pixels, Progress
from engines.learning.recipe import read_recipe
from pipelines.simulation.scene import Scene
from pipelines.sources.spec import SourceSpec, parse_source

if TYPE_CHECKING:
    from engines.learning.train import Learnt

FRAME_SIZE: Final = (512, 512)
"""Frames of footage are taken at twice the network's size, so that crops of them stay sharp."""
_FPS: Final = 0.5
"""Footage is sampled this sparsely: neighbours in time teach next to nothing new."""
_FIRST_VIEW: Final = 1000
"""The generated views that demo and benchmarks use have low numbers; what is learnt from are others."""
_SCENE_STEP: Final = 173
"""Frames between two that are learnt from, 11.5 s."""
FRAMES_OF_A_VIEW: Final = 12
"""So many are learnt from before the next view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """The command's arguments."""

    sources: Sequence[str]
    """Footage to learn from besides what the recipe makes itself; without any, the generated scene."""
    out: Path
    recipe: Path | None
    """None is the recipe of the network that ships."""
    work: Path | None
    """Where the encoded corpus and the checkpoint are kept, to go on after an interruption; None keeps nothing."""
    as_json: bool


def train_command(options: TrainOptions) -> None:
    """Train a network by a recipe and write ``encoder.onnx`` and ``decoder.onnx``.

    Raises `SettingsError` for arguments, `SourceError` for footage that cannot be read, `EngineError` for a recipe
    that does not fit or a missing package.
    """
    if find_spec("torch") is None:
        raise SettingsError("training needs torch: pip install 'vigil[learn]'")
    recipe = read_recipe(options.recipe)
    frames = footage([parse_source(text) for text in options.sources]) if options.sources else generated()
    from engines.learning.train import learn  # noqa: PLC0415 - torch takes seconds to import

    with progress_bar() as bar, TemporaryDirectory(prefix="vigil-train-") as scratch:
        learnt = learn(recipe, frames, options.work or Path(scratch), _Shown(bar))
    learnt.network.save(options.out)
    _tell(options, learnt)


def footage(specs: Sequence[SourceSpec]) -> Iterator[Pixels]:
    """Frames of all sources by turns, so that a long source does not crowd out the others.

    The first frame of each is read at once: a source that cannot be opened is told before the long work.
    """
    streams: list[Iterator[Pixels]] = [
        (sample.pixels for sample in samples(source_of(spec, _FPS, FRAME_SIZE))) for spec in specs
    ]
    first = [frame for stream in streams if (frame := next(stream, None)) is not None]
    return chain(first, _by_turns(streams))


def _by_turns(streams: list[Iterator[Pixels]]) -> Iterator[Pixels]:
    while streams:
        for stream in tuple(streams):
            frame = next(stream, None)
            if frame is None:
                streams.remove(stream)
            else:
                yield frame


def generated() -> Iterator[Pixels]:
    """Frames of ever new views of the generated scene, nothing unusual in them; without end."""
    view = _FIRST_VIEW
    while True:
        yield from islice(_frames_of(view), FRAMES_OF_A_VIEW)
        view += 1


def _frames_of(view: int) -> Iterable[Pixels]:
    scene = Scene(view, seed=view)
    index = 0
    while True:
        yield scene.frame(index)
        index += _SCENE_STEP


class _Shown:
    """Progress as one bar a task."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        name = progress.what.partition(",")[0]
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=progress.total)
        self._bar.update(self._tasks[name], completed=progress.done, description=progress.what)


def _tell(options: TrainOptions, learnt: Learnt) -> None:
    if options.as_json:
        write_json({"network": learnt.network.id, "out": str(options.out), "figures": learnt.figures})
        return
    table = Table("figure", "on pictures held out", title=f"network {learnt.network.id}")
    for name, value in learnt.figures.items():
        table.add_row(name.replace("_", " "), f"{value:.4f}")
    results().print(table)
    notes().print(f"Written to {options.out}.")
