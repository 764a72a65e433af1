"""Queries that several rows ask."""

from __future__ import annotations

from panels import CAMERA, Query


def rate(metric: str, selector: str = CAMERA) -> str:
    """How fast a counter rises, a second, over the panel's own interval."""
    return f"rate({metric}{{{selector}}}[$__rate_interval])"


def increased(metric: str, by: str = "camera") -> str:
    """How often something has happened at each camera, over the panel's own interval."""
    return f"sum by ({by}) (increase({metric}{{{CAMERA}}}[$__rate_interval]))"


def quantile(share: float, metric: str, by: str = "", selector: str = CAMERA) -> str:
    """A quantile of a histogram over all that is selected, or one for each value of the label `by`."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, sum by ({labels}) ({rate(f'{metric}_bucket', selector)}))"


def quantiles(metric: str) -> list[Query]:
    """The usual three."""
    return [Query(quantile(share, metric), f"p{share * 100:g}") for share in (0.5, 0.9, 0.99)]
