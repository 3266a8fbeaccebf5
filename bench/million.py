"""Fills a Guestlist with 1,000,000 orders and all that belongs to them: `python -m bench.million FOLDER`.

    guestlist web            with GUESTLIST_HOME=FOLDER then shows them
    --orders 100000          fewer

The sample orders (`bench.samples`) are copied by the database itself: moved to another day, for another buyer, under
another number, wherever these words stand in them. Two years of orders at five carts with twenty sites; deliveries of
the last 180 days. Dates within the facts' own words stay the sample's, up to half a year later than the order's.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.copies import statements, tables
from bench.samples import PERIODS, SPAN, Sample, make_samples
from bench.troubles import make_troubles

ORDERS = 1_000_000
# So many buyers for each ten orders; and one who bought very often.
BUYERS_OF_TEN = 6
OF_ONE_BUYER = 400
FIRST_NAMES = """
Ada Ali Amir Ana Anna Ben Carla Chen Clara Dana David Diego Elena Emil Emma Eva Felix Finn Greta Hana Hugo Ida Ines
Ivan Jan Jonas Julia Kai Karim Lara Lea Leo Lina Luca Luis Maja Marco Maria Max Mia Mila Nadia Nils Nina Noah Nora Olga
Omar Oscar Paula Pia Rosa Sami Sara Sofia Tara Theo Tim Vera Yara Zoe
""".split()  # noqa: SIM905
LAST_NAMES = """
Adler Alvarez Baker Bauer Becker Berg Blanc Bosch Brandt Brown Carter Castro Chen Costa Cruz Diaz Dubois Engel Evans
Falk Ferrari Fischer Ford Fox Frank Garcia Gomez Graf Green Haas Hansen Hill Hoffmann Horn Ito Jansen Jung Kaiser Keller
Khan Kim Klein Koch Kowal Krause Lang Lee Lopez Lund Marin Martin Meyer Moreau Moretti Neumann Novak Olsen Ortiz Otto
Patel Perez Petit Pohl Quinn Ramos Reed Rossi Roth Roy Santos Sauer Schmidt Silva Simon Stein Stone Sato Torres Vogel
Wagner Walker Weber West Winter Wolf Wood Young Zeller
""".split()  # noqa: SIM905

_SAMPLE = """
CREATE UNLOGGED TABLE bench_sample (
    sample_id bigint, cart text, period int, begins float8, ends float8,
    old_number text, old_invoice text, old_customer text, old_local text, sample_customer bigint, sample_at timestamptz
)
"""
_ADD_SAMPLE = """
INSERT INTO bench_sample
SELECT id, cart_id, %(period)s, %(begins)s, %(ends)s, %(number)s, %(invoice)s, %(customer)s, %(local)s,
       customer_id, placed_at
  FROM orders_order WHERE id = %(id)s
"""
# Chance takes the sample, in the shares that they have; every tenth buyer is known at all carts by one address.
_PLAN = """
CREATE UNLOGGED TABLE bench_plan AS
WITH timed AS (
    SELECT n, %(begins_at)s::timestamptz + %(span)s::interval * (n::float8 / %(orders)s) AS at,
           least(n * %(periods)s / %(orders)s, %(periods)s - 1) AS period, random() AS chance
      FROM generate_series(0, %(orders)s - 1) n
), chosen AS (
    SELECT n, at, sample.*, row_number() OVER (PARTITION BY cart ORDER BY n) AS of_cart
      FROM timed JOIN bench_sample sample
        ON sample.period = timed.period AND chance >= sample.begins AND chance < sample.ends
), bought AS (
    SELECT *, CASE WHEN of_cart %% 97 = 0 AND of_cart / 97 <= %(of_one)s THEN 0
                   WHEN of_cart %% 10 < %(of_ten)s THEN of_cart / 10 * %(of_ten)s + of_cart %% 10
                   ELSE floor(random() * (of_cart / 10 * %(of_ten)s + 1))::int END AS buyer
      FROM chosen
), named AS (
    SELECT *, CASE WHEN buyer %% 10 = 0 THEN '' ELSE left(cart, 1) END || buyer AS mark,
           (%(first)s::text[])[1 + buyer %% cardinality(%(first)s::text[])] AS first_name,
           (%(last)s::text[])[1 + buyer / 7 %% cardinality(%(last)s::text[])] AS last_name
      FROM bought
)
SELECT n, 1000000 + n AS order_id, 1000000 + dense_rank() OVER (ORDER BY cart, buyer) AS customer_id,
       sample_id, sample_customer, old_number, old_invoice, old_customer, old_local,
       (30000000 + n)::text AS number, (600000000 + n)::text AS invoice,
       (900000000000000000 + hashtextextended(cart, 7) %% 1000000 * 1000000 + buyer)::text AS customer,
       lower(first_name || '.' || last_name) || mark AS local, first_name, last_name, at - sample_at AS shift
  FROM named ORDER BY n
"""
# A sample's deliveries, counted: the numbers of a copy's follow from its own.
_DELIVERY = """
CREATE UNLOGGED TABLE bench_delivery AS
SELECT id, row_number() OVER (PARTITION BY order_id ORDER BY id) - 1 AS place FROM inbox_delivery
"""


def main() -> None:
    """Fill the home that the command line names."""
    options = argparse.ArgumentParser(description="Fill a Guestlist with many orders.")
    options.add_argument("folder", type=Path, help="GUESTLIST_HOME of the Guestlist; must be new")
    options.add_argument("--orders", type=int, default=ORDERS)
    chosen = options.parse_args()
    if chosen.folder.exists():
        options.error(f"{chosen.folder} is there already")
    chosen.folder.mkdir(parents=True, mode=0o711)
    os.environ["GUESTLIST_HOME"] = str(chosen.folder)
    os.environ["GUESTLIST_LOG_LEVEL"] = "WARNING"
    os.environ.pop("DATABASE_URL", None)
    from guestlist.engine.boot import boot

    boot()
    fill(chosen.orders)


def fill(orders: int = ORDERS) -> None:
    """Fill the database of this process, which must be new; tells what it does."""
    from django.utils import timezone

    from guestlist.engine.pulse import count_up

    began = time.monotonic()

    def tell(words: str) -> None:
        print(f"million: {time.monotonic() - began:5.0f} s  {words}", flush=True)

    now = timezone.now()
    _run("SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'; SET synchronous_commit = off")
    samples = make_samples(now)
    tell(f"{len(samples)} sample orders")
    _plan(samples, orders, now)
    with _without_indexes():
        for table, statement in statements():
            tell(f"{_run(statement):>9,} rows of {table}")
            # What comes next looks these up.
            _run(f"ANALYZE {table}")
    _finish()
    tell("indexes and statistics")
    make_troubles()
    tell("what is wrong")
    while count_up():
        pass
    tell("days counted")


def _plan(samples: list[Sample], orders: int, now: datetime) -> None:
    """Which order is a copy of which sample, when, for whom."""
    _run(_SAMPLE)
    whole = sum(sample.share for sample in samples) / PERIODS
    # By a rounding, the shares of a period may add up to a little less than 1.
    last = {sample.period: sample.order_id for sample in samples}.values()
    ends = dict.fromkeys(range(PERIODS), 0.0)
    for sample in samples:
        begins, ends[sample.period] = ends[sample.period], ends[sample.period] + sample.share / whole
        values = {
            "id": sample.order_id,
            "period": sample.period,
            "begins": begins,
            "ends": ends[sample.period] if sample.order_id not in last else 1.0,
            "number": sample.number,
            "invoice": sample.invoice,
            "customer": sample.customer,
            "local": sample.local_part,
        }
        _run(_ADD_SAMPLE, values)
    values = {"orders": orders, "periods": PERIODS, "of_ten": BUYERS_OF_TEN, "of_one": OF_ONE_BUYER}
    _run(_PLAN, {**values, "begins_at": now - SPAN, "span": SPAN, "first": FIRST_NAMES, "last": LAST_NAMES})
    _run(_DELIVERY)
    _run("ANALYZE bench_plan; ANALYZE bench_delivery")


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Rows are stored without indexes and constraints, which are made again at the end: that is much quicker."""
    constraints = _rows(
        """SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid::regclass::text = ANY(%s) AND contype IN ('f', 'u') ORDER BY contype DESC""",
        [tables()],
    )
    for table, name, _ in constraints:
        _run(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    indexes = _rows(
        """SELECT quote_ident(indexname), indexdef FROM pg_indexes WHERE tablename = ANY(%s)
            AND indexname NOT IN (SELECT conname FROM pg_constraint)""",
        [tables()],
    )
    for name, _ in indexes:
        _run(f"DROP INDEX {name}")
    yield
    for _, definition in indexes:
        _run(definition)
    for table, name, definition in constraints:
        _run(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _finish() -> None:
    for table in tables():
        _run(f"VACUUM ANALYZE {table}")
        _run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    _run("DROP TABLE bench_plan, bench_sample, bench_delivery")


def _run(statement: str, values: Any = None) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def _rows(statement: str, values: Any) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


if __name__ == "__main__":
    main()
