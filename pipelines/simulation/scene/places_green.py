"""Places with more green than stone."""

from __future__ import annotations

from pipelines.simulation.scene.geometry import Camera
from pipelines.simulation.scene.layout import Colour, Light, Patch, Prop, Stream, View
from pipelines.simulation.scene.shapes import arrow, rect, strip

_LAWN: Colour = (92, 116, 60)
_LEAVES: Colour = (74, 102, 48)


def _tree(x: float, z: float, height: float = 7.5, spread: float = 4.4, colour: Colour = _LEAVES) -> Prop:
    return Prop("tree", x, z, spread, spread, height, colour=colour)


def _shrub(x: float, z: float, width: float = 1.8, height: float = 1.1, colour: Colour = (62, 92, 48)) -> Prop:
    return Prop("shrub", x, z, width, width * 0.8, height, colour=colour)


def promenade() -> View:
    """A broad park walk that leads away, and a narrow one-way path beside it."""
    side = ((5.9, 2.0), (5.9, 27.0), (8.5, 33.0), (30.0, 37.0))
    return View(
        name="promenade",
        camera=Camera(height_m=5.2, pitch_deg=20, yaw_deg=8),
        ground=Patch((), "grass", _LAWN),
        patches=(
            rect(-3.0, 2.6, -5, 58, "paving", (164, 154, 142)),
            rect(-60, 60, 58, 66, "asphalt", (104, 104, 106)),
            strip(side, 2.4, "gravel", (178, 160, 128)),
            *arrow(5.9, 11.5, (0, 1)),
            *arrow(5.9, 19.0, (0, 1)),
        ),
        props=(
            Prop("building", -6, 80, 46, 14, 12, colour=(168, 140, 116)),
            Prop("building", 48, 78, 44, 14, 9, turn_deg=8, colour=(190, 182, 168)),
            _tree(-6.5, 16), _tree(-7.2, 25, 8.5, 5), _tree(-6.6, 36), _tree(-8, 48, 9), _tree(11.5, 22, 8, 5),
            _tree(13.5, 40, 9, 5.4), _tree(20, 50, 8), _tree(-18, 44, 9, 6), _tree(-16, 30, 8, 5),
            _shrub(4.1, 13), _shrub(4.0, 17.5), _shrub(4.2, 23), _shrub(8.2, 15), _shrub(9.6, 29, 2.6, 1.5),
            Prop("bench", -3.9, 13.5, turn_deg=-90, colour=(122, 84, 52)),
            Prop("bench", -3.9, 22, turn_deg=-90, colour=(122, 84, 52)),
            Prop("lamp", 3.4, 20, height=4.6, turn_deg=180), Prop("lamp", 3.4, 36, height=4.6, turn_deg=180),
            Prop("bin", -3.7, 17.5, colour=(58, 84, 62)), Prop("sign", 7.6, 9.8, height=2.1, colour=(40, 84, 150)),
        ),
        streams=(
            Stream(((-0.2, 2.0), (-0.2, 61.0), (-40, 62)), 9, 4.2),
            Stream(side, 8, 1.3, one_way=True),
        ),
        drive=((-0.2, 2.0), (-0.2, 61.0), (30, 63)),
        light=Light(sun=(0.75, 0.35)),
    )  # fmt: skip


def crossing() -> View:
    """Two paths that cross on a lawn; the farther one is one-way."""
    return View(
        name="crossing",
        camera=Camera(height_m=6.0, pitch_deg=24, yaw_deg=-10),
        ground=Patch((), "grass", (98, 118, 66)),
        patches=(
            strip(((-2.0, -5), (-2.0, 55)), 3.2, "asphalt", (120, 116, 112)),
            strip(((-40, 8.5), (40, 15.0)), 3.4, "asphalt", (124, 120, 114)),
            strip(((-40, 20.5), (40, 21.5)), 2.6, "paving", (176, 160, 144)),
            *arrow(-8.5, 20.85, (-1, 0)), *arrow(3.5, 21.0, (-1, 0)), *arrow(-15, 20.7, (-1, 0)),
        ),
        props=(
            Prop("building", -30, 62, 60, 12, 10, turn_deg=-6, colour=(172, 164, 152)),
            _tree(-9, 16.3, 7, 4), _tree(3.6, 27, 8, 5), _tree(-14, 30, 8.5, 5), _tree(10.5, 18, 7, 4.2),
            _tree(-22, 36, 9, 6), _tree(8, 40, 9, 6), _tree(-6, 44, 8, 5), _tree(-29, 27, 8, 5),
            _shrub(1.2, 17.5), _shrub(-5.2, 25, 2.2, 1.3), _shrub(5.4, 16.6), _shrub(-12.6, 12.5, 2, 1.2),
            Prop("bench", 1.0, 14.4, turn_deg=5, colour=(112, 80, 56)), Prop("lamp", -4.4, 14.0, height=5),
            Prop("bin", -4.6, 17.8, colour=(70, 70, 74)), Prop("sign", -5.2, 18.6, height=2.1, colour=(40, 84, 150)),
        ),
        streams=(
            Stream(((-40, 8.5), (40, 15.0)), 10, 2.4),
            Stream(((-2.0, 2), (-2.0, 52)), 4, 2.0),
            Stream(((40, 21.5), (-40, 20.5)), 10, 1.5, one_way=True),
        ),
        drive=((-40, 8.5), (40, 15.0)),
        light=Light(sun=(-0.7, 0.45), strength=0.45, tint=(1.03, 1.0, 0.95)),
    )  # fmt: skip


def campus() -> View:
    """A walk along a long building, seen at an angle; the path over the lawn is one-way."""
    walk, lane = ((-26, 24.0), (26, 10.5)), ((-26, 15.6), (26, 2.6))
    return View(
        name="campus",
        camera=Camera(height_m=5.6, pitch_deg=21, yaw_deg=-14),
        ground=Patch((), "grass", (88, 114, 62)),
        patches=(
            strip(walk, 4.2, "slabs", (170, 168, 162)),
            strip(lane, 2.2, "gravel", (186, 170, 140)),
            *arrow(-6.0, 10.6, (-52, 13)), *arrow(-12.0, 12.1, (-52, 13)),
        ),
        props=(
            Prop("building", -8.0, 30.0, 60, 12, 10.5, turn_deg=14.6, colour=(156, 96, 78)),
            _tree(-12.5, 17.6, 6.2, 3.6), _tree(-4.5, 15.5, 5.8, 3.2), _tree(3.5, 13.3, 6, 3.4),
            _shrub(-16, 24.2, 2, 1), _shrub(-9, 22.6, 2, 1), _shrub(-2.5, 21.0, 2, 1), _shrub(4.5, 19.2, 2, 1),
            Prop("bench", -8.5, 16.2, turn_deg=194, colour=(120, 88, 60)),
            Prop("lamp", -0.5, 14.2, height=4.4, turn_deg=200),
            Prop("sign", -10, 9.6, height=2.1, colour=(40, 84, 150)),
        ),
        streams=(
            Stream(walk, 12, 3.0),
            Stream(tuple(reversed(lane)), 8, 1.2, one_way=True),
        ),
        drive=walk,
        light=Light(sun=(0.35, -0.75), strength=0.5, brightness=0.97, tint=(1.04, 1.0, 0.93)),
    )  # fmt: skip


def quay() -> View:
    """A boardwalk by the water under a dull sky; nearer the rail people go one way."""
    return View(
        name="quay",
        camera=Camera(height_m=6.2, pitch_deg=22, yaw_deg=6),
        ground=Patch((), "water", (92, 112, 120)),
        patches=(
            rect(-80, 80, -5, 24.0, "slabs", (150, 146, 138)),
            rect(-80, 80, 8.2, 14.0, "planks", (142, 116, 88)),
            rect(-80, 80, 17.0, 21.6, "planks", (128, 108, 86)),
            *arrow(-5.5, 19.2, (1, 0), 2.0), *arrow(3.5, 19.2, (1, 0), 2.0), *arrow(12, 19.2, (1, 0), 2.0),
            rect(-200, 200, 150, 400, "grass", (92, 104, 88)),
        ),
        props=(
            Prop("rail", 0, 23.6, 70, 0.1, 1.1, colour=(196, 196, 192)),
            Prop("building", -70, 150, 60, 20, 14, colour=(150, 140, 134)),
            Prop("building", 20, 158, 50, 20, 22, colour=(170, 166, 160)),
            Prop("planter", -9, 15.6, 3.2, 1.0, 0.6, colour=(120, 114, 106)), _shrub(-9, 15.6, 2.4, 1.4),
            Prop("planter", 6, 15.6, 3.2, 1.0, 0.6, colour=(120, 114, 106)), _shrub(6, 15.6, 2.4, 1.4),
            Prop("bench", -1.5, 15.5, turn_deg=180, colour=(116, 86, 60)), Prop("bin", 1.0, 15.6, colour=(52, 66, 84)),
            Prop("lamp", 1.8, 22.8, height=5, turn_deg=90), Prop("lamp", -14, 22.8, height=5, turn_deg=90),
            Prop("lamp", 17, 22.8, height=5, turn_deg=90), Prop("bollard", -6, 23.0, height=0.9, colour=(70, 72, 76)),
        ),
        streams=(
            Stream(((-50, 11.0), (50, 11.0)), 11, 4.0),
            Stream(((-50, 19.3), (50, 19.3)), 10, 2.6, one_way=True),
        ),
        drive=((50, 11.0), (-50, 11.0)),
        light=Light(sun=(0.3, 0.3), strength=0.12, brightness=0.96, tint=(0.97, 1.0, 1.04), clouds=0.6,
                    sky=(176, 184, 192), haze=(190, 196, 200)),
    )  # fmt: skip


def snow() -> View:
    """A park in winter, cleared paths, a low sun."""
    lane = ((48.0, 46.0), (14.0, 33.0), (-3.0, 19.0), (-22.0, 14.5))
    return View(
        name="snow",
        camera=Camera(height_m=5.4, pitch_deg=22, yaw_deg=4),
        ground=Patch((), "snow", (214, 218, 226)),
        patches=(
            strip(((-30, 10.0), (30, 12.5)), 3.6, "gravel", (140, 134, 126)),
            strip(lane, 2.4, "gravel", (146, 140, 134)),
        ),
        props=(
            Prop("building", 10, 62, 70, 12, 9, colour=(150, 120, 104)),
            _tree(-10, 24, 8, 4.2, (54, 72, 58)), _tree(5.5, 19.5, 7, 3.6, (58, 76, 62)),
            _tree(12, 25, 8, 4, (52, 70, 58)),
            _tree(-18, 34, 9, 5, (56, 74, 62)), _tree(3, 40, 9, 5, (56, 74, 62)), _tree(24, 40, 9, 5, (56, 74, 62)),
            _shrub(-4, 15.2, 1.8, 1, (84, 88, 78)), _shrub(4.6, 15.0, 1.8, 1, (84, 88, 78)),
            Prop("bench", 0.6, 14.5, turn_deg=3, colour=(110, 76, 50)), Prop("lamp", -6.8, 13.2, height=4.6),
            Prop("sign", -1.0, 17.0, height=2.1, colour=(40, 84, 150)), Prop("bin", 2.6, 14.4, colour=(60, 60, 64)),
        ),
        streams=(
            Stream(((-30, 10.0), (30, 12.5)), 11, 2.6),
            Stream(lane, 9, 1.4, one_way=True),
        ),
        drive=((-30, 10.0), (30, 12.5)),
        light=Light(sun=(-1.1, 0.5), strength=0.34, tint=(1.0, 0.99, 1.0), sky=(170, 190, 220), haze=(214, 218, 226)),
    )  # fmt: skip
