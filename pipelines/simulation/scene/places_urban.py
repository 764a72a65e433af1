"""Places with more stone than green."""

from __future__ import annotations

from pipelines.simulation.scene.geometry import Camera
from pipelines.simulation.scene.layout import Light, Patch, Prop, Stream, View
from pipelines.simulation.scene.shapes import WHITE, arrow, dashes, rect, strip


def plaza() -> View:
    """A square between buildings; people leave a station by one ramp, and only leave."""
    ramp = ((-16.0, 33.0), (-6.0, 20.0), (2.5, 3.0))
    return View(
        name="plaza",
        camera=Camera(height_m=6.6, pitch_deg=23, yaw_deg=0),
        ground=Patch((), "slabs", (172, 164, 152)),
        patches=(
            rect(-60, 60, 34.0, 37.0, "paving", (140, 128, 120)),
            strip(ramp, 2.6, "paving", (150, 108, 92)),
            *arrow(-7.0, 21.3, (10, -14), 1.8), *arrow(-2.0, 12.0, (8, -17), 1.8),
        ),
        props=(
            Prop("building", -24, 46, 30, 16, 15, colour=(176, 150, 124)),
            Prop("building", 14, 48, 40, 16, 12, colour=(150, 152, 158)),
            Prop("building", 34, 26, 14, 36, 13, turn_deg=4, colour=(190, 178, 160)),
            Prop("planter", 5.5, 22, 4.4, 2.2, 0.6, colour=(124, 118, 112)),
            Prop("shrub", 5.5, 22, 3.6, 1.8, 1.3, colour=(70, 98, 54)),
            Prop("planter", -12.5, 14.5, 3.0, 2.0, 0.6, colour=(124, 118, 112)),
            Prop("shrub", -12.5, 14.5, 2.4, 1.6, 1.2, colour=(70, 98, 54)),
            Prop("tree", 13, 30, 4.6, 4.6, 7.5, colour=(84, 108, 54)),
            Prop("tree", -3, 33, 4.4, 4.4, 7, colour=(84, 108, 54)),
            Prop("lamp", -10.5, 22, height=5.5), Prop("lamp", 11.5, 21, height=5.5, turn_deg=180),
            Prop("bench", 7.2, 17.8, turn_deg=20, colour=(128, 92, 62)), Prop("bin", 9.4, 17.4, colour=(54, 58, 62)),
            Prop("sign", -9.3, 19.0, height=2.2, colour=(40, 84, 150)),
            Prop("bollard", -5.5, 27.5, height=0.95, colour=(60, 62, 66)),
            Prop("bollard", -2, 27.5, height=0.95, colour=(60, 62, 66)),
        ),
        streams=(
            Stream(((-24, 9.0), (24, 17.0)), 7, 3.4),
            Stream(((20, 8.0), (-2.0, 36.0), (-30, 36)), 5, 2.6),
            Stream(ramp, 9, 1.5, one_way=True),
        ),
        drive=((24, 17.0), (-24, 9.0)),
        light=Light(sun=(0.55, 0.6), strength=0.48),
    )  # fmt: skip


def street() -> View:
    """Two pavements and a road with cars between them; the farther pavement is one-way."""
    return View(
        name="street",
        camera=Camera(height_m=6.4, pitch_deg=24, yaw_deg=-5),
        ground=Patch((), "paving", (158, 152, 144)),
        patches=(
            rect(-80, 80, 13.2, 20.0, "asphalt", (84, 85, 88)),
            rect(-80, 80, 12.95, 13.2, "paint", (186, 182, 174)), rect(-80, 80, 20.0, 20.25, "paint", (186, 182, 174)),
            *dashes(-40, 40, 16.6),
            rect(-80, 80, 20.25, 24.2, "slabs", (168, 160, 150)),
            *arrow(-6.0, 22.2, (1, 0), 1.8), *arrow(5.0, 22.2, (1, 0), 1.8), *arrow(-17.0, 22.2, (1, 0), 1.8),
        ),
        props=(
            Prop("building", -22, 30, 26, 11, 12, colour=(166, 108, 86)),
            Prop("building", 4, 30, 25.6, 11.4, 14, colour=(188, 176, 150)),
            Prop("building", 31, 30, 28, 11, 11, colour=(146, 150, 154)),
            Prop("tree", -8.5, 12.0, 2.8, 2.8, 5.4, colour=(80, 106, 52)),
            Prop("tree", 6.8, 12.1, 2.8, 2.8, 5.2, colour=(80, 106, 52)),
            Prop("lamp", -1.5, 12.4, height=6, turn_deg=-90), Prop("lamp", 11.5, 20.7, height=6, turn_deg=90),
            Prop("lamp", -12.5, 20.7, height=6, turn_deg=90),
            Prop("bin", 2.4, 12.2, colour=(60, 84, 66)), Prop("sign", 2.2, 20.7, height=2.3, colour=(40, 84, 150)),
            *(Prop("bollard", x, 12.6, height=0.9, colour=(52, 54, 58)) for x in (-6.0, -4.5, -3.0, 3.6, 5.0)),
        ),
        streams=(
            Stream(((-40, 10.2), (40, 10.2)), 10, 2.8),
            Stream(((-40, 22.3), (40, 22.3)), 10, 2.2, one_way=True),
            Stream(((-60, 15.0), (60, 15.0)), 5, 0.2, one_way=True, traffic="cars", speed=7.5),
            Stream(((60, 18.3), (-60, 18.3)), 4, 0.2, one_way=True, traffic="cars", speed=7.5),
        ),
        drive=((-40, 10.4), (40, 10.4)),
        light=Light(sun=(-0.45, -0.5), strength=0.46, tint=(1.02, 1.0, 0.97)),
    )  # fmt: skip


def concourse() -> View:
    """A hall indoors: two railed lanes, one in and one out, and a cross walk behind them."""
    return View(
        name="concourse",
        camera=Camera(height_m=4.8, pitch_deg=23, yaw_deg=0, focal=0.82),
        ground=Patch((), "tiles", (186, 182, 174)),
        patches=(
            rect(-5.6, -1.6, -2, 19.0, "tiles", (164, 168, 172)), rect(1.6, 5.6, -2, 19.0, "tiles", (164, 168, 172)),
            *arrow(-3.6, 9.5, (0, 1), 1.6, (60, 110, 170)), *arrow(-3.6, 15.0, (0, 1), 1.6, (60, 110, 170)),
            *arrow(3.6, 9.5, (0, -1), 1.6, (60, 110, 170)), *arrow(3.6, 15.0, (0, -1), 1.6, (60, 110, 170)),
        ),
        props=(
            Prop("building", 0, 36, 70, 12, 9, colour=(206, 200, 190)),
            Prop("building", -26, 16, 12, 44, 9, colour=(196, 190, 180)),
            Prop("building", 26, 16, 12, 44, 9, colour=(196, 190, 180)),
            Prop("rail", 0, 11.5, 13, 0.1, 1.05, turn_deg=90, colour=(150, 154, 160)),
            *(Prop("column", x, z, 0.8, 0.8, 8.5, colour=(214, 210, 202)) for x in (-9.5, 9.5) for z in (14, 24.5)),
            Prop("planter", -12.5, 19, 2.4, 1.0, 0.7, colour=(96, 92, 90)),
            Prop("shrub", -12.5, 19, 1.8, 1.0, 1.7, colour=(64, 100, 58)),
            Prop("bench", 11.8, 18.5, turn_deg=80, colour=(90, 92, 98)), Prop("bin", 11.0, 21.5, colour=(80, 84, 90)),
            Prop("sign", -6.2, 8.6, height=2.2, colour=(40, 84, 150)),
            Prop("sign", 6.2, 17.0, height=2.2, colour=(40, 84, 150)),
        ),
        streams=(
            Stream(((-3.6, 1.0), (-3.6, 20.0), (-9.0, 26.0), (-30, 27)), 9, 2.4, one_way=True),
            Stream(((30, 25.5), (8.0, 25.0), (3.6, 19.0), (3.6, 1.0)), 9, 2.4, one_way=True),
            Stream(((-30, 22.5), (30, 22.5)), 8, 2.2),
        ),
        drive=((30, 22.2), (-30, 22.2)),
        light=Light(strength=0.0, tint=(1.02, 1.0, 0.95), brightness=0.94, clouds=0.0, noise=2.6),
    )  # fmt: skip


def courtyard() -> View:
    """A cobbled yard at dusk under lamps; the passage along the wall is one-way."""
    return View(
        name="courtyard",
        camera=Camera(height_m=5.6, pitch_deg=24, yaw_deg=12),
        ground=Patch((), "cobbles", (132, 124, 118)),
        patches=(
            strip(((-30, 18.6), (40, 22.0)), 2.8, "slabs", (150, 142, 134)),
            *arrow(-2.0, 20.0, (-70, -3.4), 1.7), *arrow(6.5, 20.4, (-70, -3.4), 1.7),
            *arrow(14.5, 20.8, (-70, -3.4), 1.7),
        ),
        props=(
            Prop("building", 0, 29, 50, 12, 10, turn_deg=-2.8, colour=(160, 136, 112)),
            Prop("building", 34, 32, 18, 20, 12, turn_deg=10, colour=(140, 120, 108)),
            Prop("lamp", -3.8, 17.0, height=4.4), Prop("lamp", 8.0, 17.4, height=4.4),
            Prop("lamp", 3.0, 9.8, height=4.4, turn_deg=-60),
            Prop("planter", 1.6, 16.2, 3.0, 1.2, 0.6, colour=(96, 92, 88)),
            Prop("shrub", 1.6, 16.2, 2.4, 1.2, 1.2, colour=(66, 88, 52)),
            Prop("tree", 12.5, 16.4, 3.6, 3.6, 6, colour=(78, 94, 52)),
            Prop("bench", 5.0, 16.6, turn_deg=-2, colour=(108, 78, 54)),
            Prop("bin", -1.6, 16.6, colour=(58, 60, 64)), Prop("sign", 10.2, 18.2, height=2.2, colour=(40, 84, 150)),
        ),
        streams=(
            Stream(((-30, 12.5), (34, 13.5)), 11, 3.4),
            Stream(((40, 22.0), (-30, 18.6)), 9, 1.6, one_way=True),
        ),
        drive=((34, 13.3), (-30, 12.3)),
        light=Light(sun=(0.2, 0.2), strength=0.06, brightness=0.62, tint=(0.92, 0.96, 1.1), noise=3.6, clouds=0.2,
                    sky=(92, 104, 140), haze=(120, 124, 146), lamps=True),
    )  # fmt: skip


def car_park() -> View:
    """A footway and a marked one-way lane in front of parked cars."""
    colours = (
        (150, 28, 30),
        (196, 198, 202),
        (44, 60, 96),
        (28, 28, 32),
        (120, 124, 128),
        (226, 226, 224),
        (70, 96, 76),
    )
    rows = [(x, 26.5, 0.0) for x in range(-16, 20, 3)] + [(x, 34.5, 180.0) for x in range(-22, 26, 3)]
    cars = tuple(
        Prop("car", float(x), z, height=1.45 + 0.05 * (i % 4), turn_deg=turn, colour=colours[(i * 5) % 7])
        for i, (x, z, turn) in enumerate(rows)
        if i % 6 != 4
    )
    bays = tuple(rect(x - 1.56, x - 1.44, 24, 29, "paint", WHITE) for x in range(-16, 23, 3))
    return View(
        name="car park",
        camera=Camera(height_m=6.8, pitch_deg=24, yaw_deg=4),
        ground=Patch((), "asphalt", (98, 98, 100)),
        patches=(
            rect(-80, 80, 8.6, 12.6, "paving", (156, 148, 140)),
            rect(-80, 80, 17.2, 20.0, "asphalt", (128, 86, 74)),
            rect(-80, 80, 17.1, 17.25, "paint", WHITE), rect(-80, 80, 19.95, 20.1, "paint", WHITE),
            *arrow(-7.0, 18.6, (-1, 0), 1.9), *arrow(3.0, 18.6, (-1, 0), 1.9), *arrow(12.0, 18.6, (-1, 0), 1.9),
            *bays,
        ),
        props=(
            Prop("building", 0, 52, 90, 12, 9, colour=(164, 160, 152)),
            *cars,
            Prop("rail", -9, 22.4, 20, 0.1, 0.9, colour=(190, 188, 180)),
            Prop("rail", 14, 22.4, 18, 0.1, 0.9, colour=(190, 188, 180)),
            Prop("lamp", 2.6, 22.4, height=6.5, turn_deg=90), Prop("lamp", -15, 22.4, height=6.5, turn_deg=90),
            Prop("shrub", -8, 14.8, 3, 1.1, 1.0, colour=(76, 100, 54)),
            Prop("shrub", -4.6, 14.8, 3, 1.1, 1.0, colour=(76, 100, 54)),
            Prop("shrub", 4, 14.8, 3, 1.1, 1.0, colour=(76, 100, 54)),
            Prop("shrub", 7.4, 14.8, 3, 1.1, 1.0, colour=(76, 100, 54)),
            Prop("bin", 0.2, 14.6, colour=(58, 84, 62)), Prop("sign", -0.8, 16.8, height=2.2, colour=(40, 84, 150)),
        ),
        streams=(
            Stream(((-40, 10.6), (40, 10.6)), 10, 2.8),
            Stream(((40, 18.6), (-40, 18.6)), 10, 1.8, one_way=True),
        ),
        drive=((40, 10.8), (-40, 10.8)),
        light=Light(sun=(0.9, -0.25), strength=0.5, tint=(1.02, 1.0, 0.96)),
    )  # fmt: skip
