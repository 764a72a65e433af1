"""One HTML page that holds all: figures, plots and pictures. It loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final

from engines.evaluation import sections
from engines.evaluation.charts import Timeline
from engines.evaluation.figures import Evaluation, Figures
from engines.evaluation.page import Html, join, number, picture, tag


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A frame worth a look; the pictures are JPEG files."""

    title: str
    what: str
    score: float
    threshold: float
    overlay: bytes
    picture: bytes
    truth: bytes | None
    """None of a normal frame: the truth has nothing to show."""
    located: bool = True
    """Whether it is known where in the picture the anomaly is."""


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """What the report shows of one profile on one set of footage beyond its figures."""

    figures: Figures
    timelines: Sequence[tuple[str, Timeline]] = ()
    best: Sequence[Shown] = ()
    worst: Sequence[Shown] = ()
    highest_normal: Sequence[Shown] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """All that goes into the page."""

    evaluation: Evaluation
    details: Sequence[Detail]
    profiles: Sequence[tuple[str, str]] = ()
    """Names of profiles and what is to be said of each."""
    notes: Sequence[str] = field(default_factory=tuple)


_BEST: Final = "Anomalies: highest scores"
_WORST: Final = "Anomalies: lowest scores"
_NORMAL: Final = "Normal footage: highest scores"


def render(report: Report) -> str:
    """The page as a string."""
    evaluation = report.evaluation
    names = ", ".join(dict.fromkeys(one.footage for one in evaluation.sets))
    body = [*_head(report, names)]
    if evaluation.together is not None:
        body += _set_figures(evaluation.together, "all", "All footage together", lead=_TOGETHER)
    for index, detail in enumerate(report.details):
        body += _detail(detail, f"set{index}", alone=len(report.details) == 1)
    if evaluation.cross:
        body += [tag("h2", "Across scenes", id="cross"), *sections.cross(evaluation.cross)]
    if evaluation.shifts:
        body += [tag("h2", "Calibration under changed conditions", id="study"), *sections.study(evaluation.shifts)]
    body += [tag("h2", "How the figures are counted", id="how"), sections.definitions()]
    style = files("engines.evaluation").joinpath("report.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"Vigil evaluation: {names}"),
        tag("style", Html(style)),
    )
    return "<!doctype html>\n" + tag("html", head, tag("body", tag("main", *body)), lang="en")


_TOGETHER: Final = "Scores and events of all sets pooled; each clip keeps the threshold of its own profile."


def _head(report: Report, names: str) -> list[Html]:
    evaluation = report.evaluation
    frames = sum(one.frames for one in evaluation.sets)
    hours = sum(one.hours or 0.0 for one in evaluation.sets)
    length = f", {60 * hours:.1f} minutes" if hours else ""
    links = [(f"set{i}", one.figures.footage) for i, one in enumerate(report.details)]
    links = ([("all", "All together")] if evaluation.together else []) + links
    links += [("cross", "Across scenes")] if evaluation.cross else []
    links += [("study", "Calibration study")] if evaluation.shifts else []
    links += [("how", "How the figures are counted")]
    said = [tag("p", f"{name}: {text}", class_="note") for name, text in report.profiles]
    return [
        tag("h1", f"Evaluation: {names}"),
        tag("p", f"{frames:,} frames{length}. Vigil {evaluation.vigil}, {evaluation.made}.", class_="soft"),
        *said,
        *(tag("p", note, class_="note") for note in report.notes),
        tag("nav", *(tag("a", text, href=f"#{target}") for target, text in links)),
    ]


def _set_figures(figures: Figures, anchor: str, title: str, lead: str) -> list[Html]:
    return [
        tag("h2", title, id=anchor),
        tag("p", lead, class_="soft"),
        sections.tiles(figures),
        *sections.signals(figures),
        *sections.kinds(figures),
        *sections.sizes(figures),
        *sections.curves(figures),
    ]


def _detail(detail: Detail, anchor: str, *, alone: bool) -> list[Html]:
    figures = detail.figures
    lead = (
        f"Profile {figures.profile}. {figures.frames:,} frames, {figures.abnormal_frames:,} of them abnormal and "
        f"{figures.normal_frames:,} normal."
    )
    shown = _set_figures(figures, anchor, figures.footage if not alone else f"Figures: {figures.footage}", lead)
    return [
        *shown,
        *sections.clips(figures),
        *sections.timelines(detail.timelines),
        *_gallery(_BEST, detail.best),
        *_gallery(_WORST, detail.worst),
        *_gallery(_NORMAL, detail.highest_normal),
    ]


def _gallery(title: str, shown: Sequence[Shown]) -> list[Html]:
    if not shown:
        return []
    return [tag("h3", title), *(_triple(one) for one in shown)]


def _triple(shown: Shown) -> Html:
    verdict = "flagged" if shown.score >= shown.threshold else "not flagged"
    caption = (
        f"{shown.title}: {shown.what}, {verdict}, score {number(shown.score)}, threshold {number(shown.threshold)}"
    )
    truth = "truth" if shown.located else "truth: abnormal, nobody said where"
    cells = (("overlay", shown.overlay), ("picture", shown.picture), (truth, shown.truth))
    pictures = [tag("div", picture(data, f"{name} of {shown.title}"), name) for name, data in cells if data is not None]
    return join([tag("div", tag("strong", caption), class_="note"), tag("div", *pictures, class_="triple")])
