"""``vigil snapshot``: what a camera shows now, with its zones, its masks and a grid to read corners from."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import msgspec
import numpy as np
from rich.markup import escape
from rich.table import Table

from daemon.commands.outputs import can_be_a_file
from daemon.commands.terminal import notes, results, write_json
from daemon.errors import SettingsError
from daemon.one_camera import OneCamera, one_camera
from engines.contract import Pixels
from engines.errors import VigilError
from engines.quoting import shortened
from engines.whole import write_whole
from pipelines.caption import INK, PAPER, Lettering, text_size
from pipelines.masks import Curtain, Masks
from pipelines.polygon import outline
from pipelines.sources.open import open_source
from pipelines.sources.settings import SourceSettings
from pipelines.zone_lines import draw_zone
from pipelines.zones import Zone

_ANY_SIZE: Final = (256, 256)
_TENTHS: Final = 10
_QUALITY: Final = (cv2.IMWRITE_JPEG_QUALITY, 90)


class Covered(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the picture a zone, or all masks together, cover."""

    kind: str
    name: str
    weight: float
    share: float


def snapshot(config: Path, name: str, out: Path, *, as_json: bool) -> None:
    """Save one picture of a camera and tell what its zones cover.

    Raises `SettingsError`, and `SourceError` when the camera gives no picture.
    """
    kind = out.suffix.lower()
    if kind not in (".jpg", ".jpeg", ".png") or not can_be_a_file(out):
        raise SettingsError(
            f"--out {shortened(out)}: expected a file that ends in .jpg or .png, in a folder that exists"
        )
    camera = one_camera(config, name)
    zones, masks = [Zone.of(zone) for zone in camera.zones], Masks.of(camera.masks)
    picture = _take(camera, masks)
    drawn = _draw(picture, camera, zones)
    encoded, data = cv2.imencode(kind, drawn, _QUALITY if kind != ".png" else ())
    if not encoded:
        raise VigilError(f"a picture of {picture.shape[1]}x{picture.shape[0]} pixels cannot be written as {kind}")
    try:
        write_whole(out, data.tobytes())
    except OSError as error:
        raise VigilError(f"--out {out}: cannot be written ({error.strerror})") from error
    _tell(out, picture, _covered(zones, masks), as_json=as_json)


def _take(camera: OneCamera, masks: Masks | None) -> Pixels:
    """The first picture, uint8 [H, W, 3] RGB at the camera's own size, behind its masks."""
    settings = SourceSettings(transport=camera.transport)
    with closing(Curtain(masks).before(open_source(camera.source, settings, _ANY_SIZE))) as source:
        sample = source.read()
    if sample is None:
        raise VigilError(f"{camera.source.label}: no frame in it")
    return sample.picture()


def _draw(picture: Pixels, camera: OneCamera, zones: list[Zone]) -> Pixels:
    """uint8 [H, W, 3] BGR."""
    scene = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), np.uint8)
    size, lettering = text_size(scene.shape[1], scene.shape[0]), Lettering()
    _grid(scene, lettering, max(9, round(size * 0.7)))
    for number, mask in enumerate(camera.masks, start=1):
        outline(scene, mask.polygon, INK, max(1, size // 10))
        x, y = np.mean(mask.polygon, axis=0)
        at = round(x * scene.shape[1]) - 2 * size, round(y * scene.shape[0])
        lettering.draw(scene, f"mask {number}", at, PAPER, size, 600)
    for zone in zones:
        draw_zone(scene, zone, lettering, size, f"{zone.name}, weight {zone.weight:g}")
    return scene


def _grid(scene: Pixels, lettering: Lettering, size: int) -> None:
    """A line each tenth of the picture, its number at the upper and the left edge."""
    height, width = int(scene.shape[0]), int(scene.shape[1])
    faint = scene.copy()
    for tenth in range(1, _TENTHS):
        x, y = round(tenth * width / _TENTHS), round(tenth * height / _TENTHS)
        for start, end in (((x, 0), (x, height)), ((0, y), (width, y))):
            cv2.line(faint, start, end, INK, 3 if tenth == _TENTHS // 2 else 2)
            cv2.line(faint, start, end, PAPER, 1)
    cv2.addWeighted(faint, 0.45, scene, 0.55, 0, dst=scene)
    for tenth in range(1, _TENTHS):
        x, y = round(tenth * width / _TENTHS), round(tenth * height / _TENTHS)
        for at in ((x + 2, size), (2, y - 2)):
            lettering.draw(scene, f"{tenth / _TENTHS:g}", (at[0] + 1, at[1] + 1), INK, size, 600)
            lettering.draw(scene, f"{tenth / _TENTHS:g}", at, PAPER, size, 600)


def _covered(zones: list[Zone], masks: Masks | None) -> list[Covered]:
    covered = [Covered(kind="zone", name=zone.name, weight=zone.weight, share=round(zone.share, 4)) for zone in zones]
    if masks is not None:
        share = round(float(masks.hidden.cells.mean()), 4)
        covered.append(Covered(kind="masks", name=f"{len(masks.polygons)} together", weight=0, share=share))
    return covered


def _tell(out: Path, picture: Pixels, covered: list[Covered], *, as_json: bool) -> None:
    height, width = picture.shape[:2]
    if as_json:
        write_json({"out": str(out), "width": width, "height": height, "covered": covered})
        return
    if covered:
        table = Table()
        table.add_column("")
        table.add_column("name", overflow="fold")
        for heading in ("weight", "share of places"):
            table.add_column(heading, justify="right")
        for each in covered:
            table.add_row(each.kind, escape(each.name), f"{each.weight:g}", f"{each.share:.1%}")
        results().print(table)
    else:
        notes().print("the camera has no zones and no masks")
    results().print(f"{out}: {width}x{height}", markup=False)
