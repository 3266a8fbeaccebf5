"""All that is known of one person, as JSON values: row by row, so that nothing stored is left out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model, Q

from guestlist.access.models import Grant, Member, SiteRequest, StaffChange
from guestlist.access.reconcile.models import Drift, OwnerHolding
from guestlist.accounts import audit
from guestlist.fulfilment.models import Decision
from guestlist.inbox.models import Delivery
from guestlist.journal.models import Line
from guestlist.orders.models import Customer, Fact, Order, OrderItem
from guestlist.people.whose import Whose, only_naming, whose


def export(email: str) -> dict[str, Any] | None:
    """Everything stored about the person with this address, by table; None = nothing is.

    Values are those of the tables; moments are UTC, bodies of deliveries are text as it came, the secret blanked.
    """
    found = whose(email)
    naming = only_naming(found)
    if found.nobody and not naming:
        return None
    of_members = {"member__in": found.members}
    return {
        "exported_at": datetime.now(UTC).isoformat(),
        "addresses": sorted(found.addresses),
        "customers": _rows(Customer.objects.filter(pk__in=found.customers)),
        "orders": _rows(Order.objects.filter(pk__in=found.orders)),
        "items": _rows(OrderItem.objects.filter(order__in=found.orders)),
        "events": _rows(
            Fact.objects.filter(customer__in=found.customers) | Fact.objects.filter(order__in=found.orders)
        ),
        "decisions": _rows(Decision.objects.filter(order__in=found.orders)),
        "members": _rows(Member.objects.filter(pk__in=found.members)),
        "grants": _rows(Grant.objects.filter(**of_members)),
        "changes_by_hand": _rows(StaffChange.objects.filter(**of_members)),
        "given_at_the_site_by_its_owner": _rows(OwnerHolding.objects.filter(**of_members)),
        "requests_to_sites": _rows(SiteRequest.objects.filter(**of_members)),
        "differences_found_at_sites": _rows(Drift.objects.filter(_about(found))),
        "journal": _rows(Line.objects.filter(**of_members)),
        "deliveries": _rows(Delivery.objects.filter(pk__in=found.deliveries | naming)),
        "audit_log": _rows(audit.entries_about(found.called)),
    }


def _about(found: Whose) -> Q:
    about = Q(member_id__in=found.members)
    for address in found.addresses:
        about |= Q(email__iexact=address)
    return about


def _rows(found: Iterable[Model]) -> list[dict[str, Any]]:
    return [_row(row) for row in sorted(found, key=lambda row: int(row.pk))]


def _row(row: Model) -> dict[str, Any]:
    return {field.attname: _value(getattr(row, field.attname)) for field in row._meta.concrete_fields}


def _value(value: Any) -> Any:
    match value:
        case bytes() | memoryview():
            return _text(bytes(value))
        case datetime():
            return value.astimezone(UTC).isoformat()
        case None | bool() | int() | str() | list() | dict():
            return value
        case _:
            return str(value)


def _text(stored: bytes) -> str:
    """As text; what is none (a checksum) as hexadecimal digits."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored.hex()
