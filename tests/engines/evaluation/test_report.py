"""The report is one page that loads nothing."""

from __future__ import annotations

import re
from contextlib import ExitStack
from html.parser import HTMLParser

import cv2
import msgspec
import numpy as np
import pytest

from engines.evaluation.alarms import EventRule
from engines.evaluation.charts import Axes, Line, Timeline, curve_chart, timeline
from engines.evaluation.figures import CrossRow, Evaluation, ShiftRow
from engines.evaluation.judge import figures
from engines.evaluation.page import Html, number, percent, share, table, tag
from engines.evaluation.pooled import outcome
from engines.evaluation.report import Detail, Report, Shown, render
from tests.engines.evaluation.records import record

VOID = {"img", "meta", "line", "rect", "circle", "polyline", "br"}


class Checker(HTMLParser):
    """Follows tags and gathers what the page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.seen: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for key, value in attrs if key in ("src", "href", "srcset", "data")]
        self.ids |= {value or "" for key, value in attrs if key == "id"}

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page() -> str:
    clip = record("clip <1> & more")
    with ExitStack() as stack:
        stack.callback(clip.close)
        found = figures("place", "profile", [clip], EventRule())
        alarms = outcome(clip, EventRule())
        plot = Timeline(clip.time, clip.score, clip.state, clip.threshold, alarms.events, alarms.false, still=False)
    jpeg = cv2.imencode(".jpg", np.zeros((9, 16, 3), np.uint8))[1].tobytes()
    shown = Shown("clip, 3 s", "square", 7.0, 3.0, jpeg, jpeg, jpeg)
    cross = tuple(
        CrossRow(
            profile=p, footage=f, home=p == f, frame_auroc=0.9, pixel_auroc=None, false_alarms_per_hour=1.0,
            flagged_normal_share=0.1, found_share=1.0,
        )
        for p in "ab" for f in "ab"
    )  # fmt: skip
    shift = ShiftRow(
        footage="place", shift="noise", strength="sigma 4", frame_auroc=0.8, false_alarms_per_hour=None,
        flagged_normal_share=0.02, found_share=1.0, median_normal_score=0.5,
    )  # fmt: skip
    evaluation = Evaluation(vigil="1", made="today", sets=(found, found), together=found, cross=cross, shifts=(shift,))
    detail = Detail(found, [("clip <1> & more", plot)], [shown], [shown], [shown])
    return render(Report(evaluation, [detail, detail], [("profile", "a profile")], ["note"]))


def test_the_page_is_well_formed_and_loads_nothing(page: str) -> None:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert "script" not in checker.seen
    assert "link" not in checker.seen
    assert all(ref.startswith(("data:image/jpeg;base64,", "#")) for ref in checker.references)
    assert "url(" not in page
    assert "@import" not in page
    assert {ref[1:] for ref in checker.references if ref.startswith("#")} <= checker.ids


def test_the_page_says_it_all(page: str) -> None:
    text = re.sub(r"<[^>]+>", " ", page)
    for words in (
        "Frame AUROC", "RBDC", "TBDC", "PRO", "Region AUROC", "False alarms an hour", "Detection delay",
        "Latency a frame", "Each signal alone", "By kind of anomaly", "By size of region", "By clip", "Score over time",
        "Across scenes", "Calibration under changed conditions", "Anomalies: lowest scores",
        "How the figures are counted",
    ):  # fmt: skip
        assert words in text
    assert "clip &lt;1&gt; &amp; more" in page


def test_figures_travel_as_json() -> None:
    clip = record()
    with ExitStack() as stack:
        stack.callback(clip.close)
        found = figures("place", "profile", [clip], EventRule())
    whole = Evaluation(vigil="1", made="today", sets=(found,), together=None, cross=(), shifts=())
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Evaluation) == whole


def test_what_is_not_markup_is_escaped() -> None:
    assert tag("p", "a < b", title='"') == '<p title="&quot;">a &lt; b</p>'
    assert tag("p", Html("<b>a</b>"), class_="x") == '<p class="x"><b>a</b></p>'


def test_columns_without_a_figure_are_left_out() -> None:
    made = table(("name", "one", "two"), [("a", share(None), share(0.5))])
    assert "one" not in made
    assert "0.500" in made


def test_how_figures_are_written() -> None:
    assert [share(0.98765), percent(0.1234), percent(0.00123), number(1234.5), number(3.14159, "s")] == [
        "0.988", "12.3 %", "0.123 %", "1,234", "3.14 s",
    ]  # fmt: skip


def test_a_curve_is_cut_at_the_axis() -> None:
    drawn = curve_chart("t", [Line("", ((0.0, 0.0), (1.0, 1.0)))], Axes("x", "y", x_most=0.5))
    (points,) = re.findall(r'<polyline points="([^"]+)"', drawn)
    assert points.split() == ["44.0,228.0", "290.0,120.0"]


def test_no_peak_is_lost_in_a_long_clip() -> None:
    times, scores = np.arange(20_000) / 10, np.ones(20_000)
    scores[12_345] = 2.5
    drawn = timeline(Timeline(times, scores, np.zeros(20_000, np.int8), 3.0, (), (), still=False))
    (points,) = re.findall(r'<polyline points="([^"]+)"', drawn)
    heights = [float(one.split(",")[1]) for one in points.split()]
    assert len(heights) < 1000
    assert min(heights) < sorted(heights)[1]


def test_abnormal_stretches_are_shaded() -> None:
    state = np.array([0, 0, 1, 1, 0, -1], np.int8)
    drawn = timeline(Timeline(np.arange(6.0), np.ones(6), state, 3.0, (), (), still=True))
    assert drawn.count('class="truth"') == 1
    assert drawn.count('class="unjudged"') == 1
    assert drawn.count("<circle") == 6
