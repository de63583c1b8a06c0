"""Exposes the figures to Prometheus, beside the metrics of every process."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.monitor.figures import QUANTILES, WINDOW_SECONDS, Figures, quantile

WINDOW = f"{WINDOW_SECONDS / 60:.0f}m"


class FiguresCollector(Collector):
    """Exposes the figures that were set last; a quiet mailbox disappears."""

    def __init__(self) -> None:
        self.figures = Figures()

    def collect(self) -> Iterator[Metric]:
        """Yields the metrics. Called by prometheus_client, in a thread of the health server."""
        shown = self.figures
        yield _mails(shown)
        yield _ages(shown)
        yield _contacts(shown)
        yield _processes(shown)


def _mails(shown: Figures) -> Metric:
    metric = GaugeMetricFamily(
        "postrail_mailbox_mails",
        "Messages of the last minutes by mailbox, stage and outcome",
        labels=("mailbox", "service", "outcome", "window"),
    )
    for (mailbox, service), stage in shown.stages.items():
        for outcome, count in stage.outcomes.items():
            metric.add_metric((mailbox, service, outcome, WINDOW), count)
    return metric


def _ages(shown: Figures) -> Metric:
    metric = GaugeMetricFamily(
        "postrail_mailbox_age_seconds",
        "Time from reception until a stage had finished, by mailbox and stage",
        labels=("mailbox", "service", "quantile"),
    )
    for (mailbox, service), stage in shown.stages.items():
        for wanted in QUANTILES:
            age = quantile(stage.ages, wanted)
            if age is not None:
                metric.add_metric((mailbox, service, f"{wanted:g}"), age)
    return metric


def _contacts(shown: Figures) -> Metric:
    metric = GaugeMetricFamily(
        "postrail_mailbox_last_contact_timestamp_seconds",
        "When the mail server of a mailbox last answered",
        labels=("mailbox",),
    )
    for mailbox, at in shown.contacts.items():
        metric.add_metric((mailbox,), at)
    return metric


def _processes(shown: Figures) -> Metric:
    metric = GaugeMetricFamily(
        "postrail_processes", "Running processes by service", labels=("service", "ready")
    )
    for (service, ready), count in shown.processes.items():
        metric.add_metric((service, str(ready).lower()), count)
    return metric
