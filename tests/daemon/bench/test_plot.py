"""Plots that need nothing else."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import msgspec

from daemon.bench.figures import Bars, Lines, Series
from daemon.bench.plot import draw
from tests.daemon.bench.results import result


def test_the_picture_is_xml_and_says_what_where_and_when() -> None:
    picture = ET.fromstring(draw(result()))
    texts = [each.text for each in picture.iter() if each.tag.endswith("text")]
    assert "vigil bench engine" in texts
    assert "a processor, 2 cores, 2026-01-01 00:00 UTC" in texts
    assert {"a & b", "this <one>", "Growth"} <= set(texts)


def test_a_bar_is_as_long_as_its_value() -> None:
    picture = ET.fromstring(draw(msgspec.structs.replace(result(), charts=result().charts[1:])))
    rects = [each for each in picture.iter() if each.tag.endswith("rect")][1:]
    first, second = (float(each.attrib["width"]) for each in rects)
    assert math.isclose(first / second, 100.0, rel_tol=0.05)


def test_what_is_empty_or_no_number_leaves_a_gap() -> None:
    charts = (
        Lines(title="none", x="x", y="y", series=(Series("a", ((1.0, math.nan),)),)),
        Bars(title="none", unit="", items=(("a", math.nan),)),
        Bars(title="all zero", unit="", items=(("a", 0.0),)),
    )
    assert "nan" not in draw(msgspec.structs.replace(result(), charts=charts))
