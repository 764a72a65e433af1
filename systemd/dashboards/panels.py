"""Panels in one style: every one has a title, a unit, and a description of what it tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
DAEMON = 'job=~"$job", instance=~"$instance"'
"""Selects the daemons chosen at the top of the dashboard."""
CAMERA = f'{DAEMON}, camera=~"$camera"'
"""Selects the cameras chosen there."""

Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""Values and colours of thresholds: each colour holds from its value on; the first has None."""
PanelBuilder: TypeAlias = Builder[dashboard.Panel]


@dataclass(frozen=True)
class Query:
    """An expression and the name of its series."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Text:
    """What a panel says of itself."""

    title: str
    description: str
    unit: str = "short"


class _Common(Protocol):
    """What the builders of all kinds of panel share, as far as it is used here."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: dashboard.DataSourceRef) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def height(self, h: int) -> Self: ...
    def span(self, w: int) -> Self: ...


def describe(panel: _Common, text: Text, width: int, height: int) -> None:
    """Give a panel its words, its unit and its size (of 24 columns)."""
    panel.title(text.title).description(text.description).unit(text.unit)
    panel.datasource(SOURCE).span(width).height(height)


def _target(query: Query, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(ref)


def _thresholds(steps: Steps) -> dashboard_builders.ThresholdsConfig:
    values = [dashboard.Threshold(value=value, color=color) for value, color in steps]
    return dashboard_builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(values)


def _color(mode: dashboard.FieldColorModeId) -> dashboard_builders.FieldColor:
    return dashboard_builders.FieldColor().mode(mode)


def number(text: Text, expr: str, steps: Steps, width: int = 4, none: str = "-") -> stat.Panel:
    """One number, coloured by `steps`; `none` stands for an empty answer."""
    panel = stat.Panel()
    describe(panel, text, width, 4)
    reduced = common_builders.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(values=False)
    return (
        panel.with_target(_target(Query(expr), "A"))
        .reduce_options(reduced)
        .thresholds(_thresholds(steps))
        .color_scheme(_color(dashboard.FieldColorModeId.THRESHOLDS))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.AREA)
        .no_value(none)
    )


def lines(text: Text, queries: Sequence[Query], width: int = 12, steps: Steps = ()) -> timeseries.Panel:
    """Lines over time, with thresholds as dashed lines where `steps` are given."""
    panel = timeseries.Panel()
    describe(panel, text, width, 8)
    legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.TABLE)
    legend.placement(common.LegendPlacement.BOTTOM).show_legend(show_legend=True).calcs(["lastNotNull", "max"])
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    panel.legend(legend).tooltip(tooltip.sort(common.SortOrder.DESCENDING))
    panel.line_width(1).fill_opacity(6).show_points(common.VisibilityMode.NEVER).min(0)
    for index, query in enumerate(queries):
        panel.with_target(_target(query, chr(ord("A") + index)))
    if steps:
        style = common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel.thresholds(_thresholds(steps)).thresholds_style(style)
    return panel


def stacked(text: Text, queries: Sequence[Query], width: int = 12) -> timeseries.Panel:
    """Bars over time that add up."""
    stacking = common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
    return lines(text, queries, width).draw_style(common.GraphDrawStyle.BARS).fill_opacity(70).stacking(stacking)


def states(text: Text, query: Query, words: dict[str, tuple[str, str]], width: int = 12) -> statetimeline.Panel:
    """A band a series, coloured by value; `words` maps each value to its (text, colour)."""
    panel = statetimeline.Panel()
    describe(panel, text, width, 8)
    results = {value: dashboard.ValueMappingResult(text=word, color=color) for value, (word, color) in words.items()}
    return (
        panel.with_target(_target(query, "A"))
        .mappings([dashboard.ValueMap(options=results)])
        .color_scheme(_color(dashboard.FieldColorModeId.THRESHOLDS))
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .row_height(0.8)
    )


def density(text: Text, expr: str, width: int = 12) -> heatmap.Panel:
    """How a histogram's counts move over time; `expr` keeps the label ``le``."""
    panel = heatmap.Panel()
    describe(panel, text, width, 8)
    colors = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    target = _target(Query(expr, "{{le}}"), "A").format(PromQueryFormat.HEATMAP)
    axis = heatmap.YAxisConfig().unit(text.unit)
    return panel.with_target(target).color(colors).y_axis(axis).calculate(calculate=False)


def facts(text: Text, expr: str, columns: Sequence[str], width: int = 12) -> table.Panel:
    """A table of the labels named in `columns`, as they are now."""
    panel = table.Panel()
    describe(panel, text, width, 7)
    target = _target(Query(expr), "A").instant().format(PromQueryFormat.TABLE)
    order = {name: index for index, name in enumerate(columns)}
    keep = dashboard.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(columns)}})
    sort = dashboard.DataTransformerConfig(
        id_val="organize", options={"indexByName": order, "excludeByName": {}, "renameByName": {}}
    )
    return panel.with_target(target).transformations([keep, sort])
