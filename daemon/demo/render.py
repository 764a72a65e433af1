"""Renders one clip of the generated scene, as a process of its own: ``python -m daemon.demo.render --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2

from daemon.demo.programme import NORMAL_DAY, watched_day
from pipelines.simulation.encode import encode_scene
from pipelines.simulation.scene import Planted, Scene

_TELL_EVERY = 5
"""Frames between two lines of progress."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Render, and write the frames done to stdout now and then; returns the exit code."""
    options = _parser().parse_args(arguments)
    cv2.setNumThreads(1)  # several clips are rendered at a time: one core each
    view, seed = options.view, NORMAL_DAY
    planted: tuple[Planted, ...] = ()
    if options.plant is not None:
        day = watched_day(view, *options.plant)
        seed, planted = day.seed, day.planted
    scene = Scene(view, seed, planted, (options.width, options.height), options.fps)
    encode_scene(scene, options.out, options.seconds, progress=_tell)
    return 0


def _tell(done: int, count: int) -> None:
    if done % _TELL_EVERY == 0 or done == count:
        sys.stdout.write(f"{done} {count} frames\n")
        sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m daemon.demo.render", description="Render a generated scene.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--view", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--fps", type=float, required=True)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--height", type=int, required=True)
    parser.add_argument("--plant", type=float, nargs=2, metavar=("FROM", "UNTIL"), help="another day, with anomalies")
    return parser


if __name__ == "__main__":
    sys.exit(main())
