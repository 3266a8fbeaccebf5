"""`/metrics`: this process's counters, and gauges read from the tables at each scrape."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from guestlist.engine.overview import overview


class _Tables(Collector):
    def collect(self) -> Iterable[GaugeMetricFamily]:
        found = overview()
        deliveries = GaugeMetricFamily(
            "guestlist_deliveries", "Deliveries that are not settled, by state.", labels=["state"]
        )
        deliveries.add_metric(["waiting"], found.deliveries.waiting)
        deliveries.add_metric(["unreadable"], found.deliveries.unreadable)
        deliveries.add_metric(["failed"], found.deliveries.failed)
        yield deliveries
        members = GaugeMetricFamily(
            "guestlist_members", "Members who are not as desired, by site and state.", labels=["site", "state"]
        )
        works = GaugeMetricFamily("guestlist_site_works", "1 = the site's last requests worked.", labels=["site"])
        for site in found.sites:
            members.add_metric([site.id, "due"], site.members.waiting + site.members.retrying)
            members.add_metric([site.id, "working"], site.members.working)
            members.add_metric([site.id, "attention"], site.members.attention)
            if site.active:
                works.add_metric([site.id], site.state in ("new", "ok"))
        yield members
        yield works


_tables = CollectorRegistry()
_tables.register(_Tables())


@require_safe
def page(_request: HttpRequest) -> HttpResponse:
    """The text format of Prometheus. Counts and ids only."""
    return HttpResponse(generate_latest(REGISTRY) + generate_latest(_tables), content_type=CONTENT_TYPE_LATEST)
