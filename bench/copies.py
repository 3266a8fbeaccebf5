"""The INSERTs that copy the sample orders, table by table, from what `bench.million` planned.

A line of the plan says which sample an order is a copy of, its numbers and buyer, and by how much time it is moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.samples import FIRST_NAME, LAST_NAME

DELIVERIES_KEPT_DAYS = 180

_ADDRESS = "plan.local || '@example.com'"
_DELIVERY = "1000000 + plan.n * 16 + told.place"
_WORDS = (
    ("plan.old_number", "plan.number"),
    ("plan.old_invoice", "plan.invoice"),
    ("plan.old_customer", "plan.customer"),
    ("plan.old_local", "plan.local"),
    (f"'{FIRST_NAME}'", "plan.first_name"),
    (f"'{LAST_NAME}'", "plan.last_name"),
    (f"'{FIRST_NAME.lower()}'", "lower(plan.first_name)"),
    (f"'{LAST_NAME.lower()}'", "lower(plan.last_name)"),
)


def _told_anew(text: str) -> str:
    for old, new in _WORDS:
        text = f"replace({text}, {old}, {new})"
    return text


def _of_order(table: str) -> str:
    return f"FROM bench_plan plan JOIN {table} old ON old.order_id = plan.sample_id"


def _member(column: str) -> str:
    """Finds the copy's own member at the site of the sample's."""
    return f"""JOIN access_member was ON was.id = old.{column}
               JOIN access_member own ON own.site_id = was.site_id AND own.email_key = {_ADDRESS}"""


@dataclass(frozen=True)
class Copy:
    """How a table's rows are copied: `source` names the row to copy `old` and the line of the plan `plan`.

    Attributes:
        columns: what a column gets that is not simply the sample's, moved in time and with the plan's words in it.
    """

    model: str
    source: str
    columns: dict[str, str] = field(default_factory=dict)


_COPIES = (
    Copy(
        "orders.Customer",
        """FROM (SELECT DISTINCT ON (customer_id) * FROM bench_plan ORDER BY customer_id, n) plan
           JOIN orders_customer old ON old.id = plan.sample_customer ORDER BY plan.customer_id""",
        {"id": "plan.customer_id"},
    ),
    Copy(
        "orders.Order",
        "FROM bench_plan plan JOIN orders_order old ON old.id = plan.sample_id ORDER BY plan.n",
        {"id": "plan.order_id", "customer_id": "plan.customer_id"},
    ),
    Copy("orders.OrderItem", f"{_of_order('orders_orderitem')} ORDER BY plan.n, old.id", {"order_id": "plan.order_id"}),
    Copy(
        "orders.Fact",
        f"{_of_order('orders_fact')} JOIN bench_delivery told ON told.id = old.delivery_id ORDER BY plan.n, old.id",
        {"order_id": "plan.order_id", "customer_id": "plan.customer_id", "delivery_id": _DELIVERY},
    ),
    Copy(
        "inbox.Delivery",
        f"""{_of_order("inbox_delivery")} JOIN bench_delivery told ON told.id = old.id
            WHERE old.received_at + plan.shift > now() - interval '{DELIVERIES_KEPT_DAYS} days' ORDER BY 1""",
        {
            "id": _DELIVERY,
            "order_id": "plan.order_id",
            "body": "convert_to(" + _told_anew("convert_from(old.body, 'UTF8')") + ", 'UTF8')",
            "digest": "sha256(convert_to(plan.number || '-' || old.id, 'UTF8'))",
        },
    ),
    Copy(
        "fulfilment.Decision",
        f"{_of_order('fulfilment_decision')} ORDER BY plan.n, old.id",
        {"order_id": "plan.order_id"},
    ),
    Copy(
        "access.Member",
        f"""FROM (SELECT DISTINCT ON (site_id, {_ADDRESS}) plan.*, given.member_id FROM bench_plan plan
                    JOIN (SELECT DISTINCT order_id, member_id FROM access_grant) given
                      ON given.order_id = plan.sample_id
                    JOIN access_member ON access_member.id = given.member_id
                   ORDER BY site_id, {_ADDRESS}, n) plan
            JOIN access_member old ON old.id = plan.member_id ORDER BY plan.n""",
    ),
    Copy(
        "access.Grant",
        f"{_of_order('access_grant')} {_member('member_id')} ORDER BY plan.n, old.id",
        {
            "order_id": "plan.order_id",
            "customer_id": "plan.customer_id",
            "member_id": "own.id",
            "ref": "'gl-' || md5(plan.n || '-' || old.id)",
            "remote_id": "(1000000 + plan.n * 8 + old.id % 8)::text",
        },
    ),
    Copy(
        "access.SiteRequest",
        f"""FROM (SELECT own.id AS own_member, was.id AS member_id, plan.* FROM access_member own
                    JOIN bench_plan plan ON {_ADDRESS} = own.email_key
                    JOIN (SELECT DISTINCT order_id, member_id FROM access_grant WHERE order_id < 1000000) given
                      ON given.order_id = plan.sample_id
                    JOIN access_member was ON was.id = given.member_id AND was.site_id = own.site_id) plan
            JOIN access_siterequest old ON old.member_id = plan.member_id ORDER BY plan.n, old.id""",
        {"member_id": "plan.own_member"},
    ),
    Copy(
        "journal.Line",
        f"""FROM bench_plan plan JOIN journal_line old ON old."order" = plan.sample_id {_member("member")}
            ORDER BY old.at + plan.shift""",
        {"order": "plan.order_id", "member": "own.id"},
    ),
)


def tables() -> list[str]:
    """The tables that are filled."""
    from django.apps import apps

    return [apps.get_model(copy.model)._meta.db_table for copy in _COPIES]


def statements() -> Iterator[tuple[str, str]]:
    """For each table its name and its INSERT."""
    from django.apps import apps

    for copy in _COPIES:
        meta = apps.get_model(copy.model)._meta
        stored = [
            column
            for column in meta.concrete_fields
            if not column.generated and (not column.primary_key or column.column in copy.columns)
        ]
        names = ", ".join(f'"{column.column}"' for column in stored)
        values = ", ".join(copy.columns.get(column.column) or _value(column) for column in stored)
        yield meta.db_table, f"INSERT INTO {meta.db_table} ({names}) SELECT {values} {copy.source}"


def _value(column: Any) -> str:
    name = f'old."{column.column}"'
    match column.get_internal_type():
        case "DateTimeField":
            return f"{name} + plan.shift"
        case "DateField":
            return f"({name} + plan.shift)::date"
        case "JSONField":
            return f"({_told_anew(f'{name}::text')})::jsonb"
        case "CharField" | "TextField":
            return _told_anew(name)
        case _:
            return name
