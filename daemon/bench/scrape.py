"""Reading a daemon's metrics page."""

from __future__ import annotations

import math
import urllib.request
from collections import defaultdict
from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


class Page:
    """One scrape."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._samples: dict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)
        for family in families:
            for sample in family.samples:
                self._samples[sample.name].append((dict(sample.labels), sample.value))

    @classmethod
    def fetch(cls, url: str) -> Page:
        """Scrape `url`."""
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - a loopback address of our own
            return cls(list(text_string_to_metric_families(reply.read().decode())))

    def without(self, label: str, value: str) -> Page:
        """The page less the samples that carry this label."""
        page = Page(())
        for name, samples in self._samples.items():
            page._samples[name] = [sample for sample in samples if sample[0].get(label) != value]
        return page

    def total(self, name: str, **labels: str) -> float:
        """Sum of the samples that carry these labels."""
        return sum(value for have, value in self._samples[name] if labels.items() <= have.items())

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Sums of the samples that carry these labels, by the values of another."""
        sums: dict[str, float] = defaultdict(float)
        for have, value in self._samples[name]:
            if labels.items() <= have.items():
                sums[have[label]] += value
        return dict(sums)

    def quantile(self, share: float, name: str, since: Page | None = None, **labels: str) -> float:
        """Quantile of a histogram, interpolated inside its bucket as PromQL does; NaN without samples."""
        counts = self.by("le", f"{name}_bucket", **labels)
        if since is not None:
            before = since.by("le", f"{name}_bucket", **labels)
            counts = {le: count - before.get(le, 0.0) for le, count in counts.items()}
        buckets = sorted((float(le), count) for le, count in counts.items())
        wanted = share * buckets[-1][1] if buckets else 0.0
        if wanted <= 0:
            return math.nan
        below, start = 0.0, 0.0
        for edge, count in buckets:
            if count >= wanted:
                return start if math.isinf(edge) else start + (edge - start) * (wanted - below) / (count - below)
            below, start = count, edge
        return start
