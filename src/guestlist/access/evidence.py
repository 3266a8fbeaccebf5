"""What is behind members and grants: the deliveries that told of them, and the requests made to the sites."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from guestlist.access.models import SiteRequest
from guestlist.domain.facts import CustomerChanged, OrderPlaced
from guestlist.orders.codec import fact_from_json
from guestlist.orders.models import Fact

REQUESTS_PER_MEMBER = 20
REQUESTS_PER_GRANT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request to a site; secrets are redacted. `status` None = no answer; `ref` "" = for the member as a whole."""

    at: datetime
    method: str
    path: str
    status: int | None
    milliseconds: int
    excerpt: str
    ref: str


def deliveries_by_item(orders: Collection[int]) -> dict[tuple[int | None, str], list[int]]:
    """The deliveries that told what happened, oldest first, by order and item."""
    found: defaultdict[tuple[int | None, str], list[int]] = defaultdict(list)
    stored = Fact.objects.filter(order__in=orders).order_by("delivery_id", "id")
    for order, delivery, data in stored.values_list("order_id", "delivery_id", "data"):
        fact = fact_from_json(data)
        if isinstance(fact, CustomerChanged):
            continue
        items = {line.item for line in fact.lines} if isinstance(fact, OrderPlaced) else {fact.item}
        for item in items:
            if delivery not in found[order, str(item)]:
                found[order, str(item)].append(delivery)
    return found


def requests_by_member(
    members: Collection[int], count: int = REQUESTS_PER_MEMBER
) -> defaultdict[int | None, list[RequestView]]:
    """The latest requests for each member, newest first, `count` of each at most."""
    rows = _latest(SiteRequest.objects.filter(member__in=members), "member_id", count)
    latest: defaultdict[int | None, list[RequestView]] = defaultdict(list)
    for row in rows:
        latest[row.member_id].append(_view(row))
    return latest


def requests_by_ref(members: Collection[int], refs: Collection[str]) -> defaultdict[str, list[RequestView]]:
    """The latest requests for each of these members' grants, newest first, by the grant's reference."""
    rows = _latest(SiteRequest.objects.filter(member__in=members, ref__in=refs), "ref", REQUESTS_PER_GRANT)
    latest: defaultdict[str, list[RequestView]] = defaultdict(list)
    for row in rows:
        latest[row.ref].append(_view(row))
    return latest


def _latest(requests: QuerySet[SiteRequest], of_each: str, count: int) -> QuerySet[SiteRequest]:
    position = Window(RowNumber(), partition_by=F(of_each), order_by=F("id").desc())
    return requests.annotate(position=position).filter(position__lte=count).order_by("-id")


def _view(row: SiteRequest) -> RequestView:
    return RequestView(
        at=row.at,
        method=row.method,
        path=row.path,
        status=row.status,
        milliseconds=row.milliseconds,
        excerpt=row.excerpt,
        ref=row.ref,
    )
