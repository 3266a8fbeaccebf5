"""A shop with so many orders that only an index finds any of them quickly, written with a few statements."""

from __future__ import annotations

from django.db import connection

from db.conftest import make_cart, make_site

DAYS = 3000

_CUSTOMERS = """
    INSERT INTO orders_customer (cart_id, external_id, email, email_key, first_name, last_name, name_key, surname_key,
                                 as_of)
    SELECT CASE n %% 5 WHEN 0 THEN 'second' ELSE 'shop' END, n::text, e, e, f, l, lower(f || ' ' || l), lower(l), now()
      FROM generate_series(1, %(orders)s) n,
           LATERAL (SELECT initcap(substr(md5(n::text), 1, 6)) f, initcap(substr(md5((n * 7)::text), 1, 8)) l) names,
           LATERAL (SELECT lower(f) || '.' || n || '@buyers.test' e) address
"""
# One in 50 was refunded, one in 1,000 is a test, one in 2,000 has something unmapped. Product 7 was sold at first only.
_ORDERS = """
    INSERT INTO orders_order (cart_id, external_id, mode, customer_id, placed_at, invoice_id, currency, unmapped, held,
                              paid_minor, refunded, cancelled, failing, paused, created_at)
    SELECT c.cart_id, 'N' || n, CASE n %% 1000 WHEN 0 THEN 'test' ELSE 'live' END, c.id, at, 'INV-' || n, 'USD',
           CASE n %% 2000 WHEN 1 THEN '[{"item": "product-9", "option": null, "name": "X", "charge_key": "first"}]'
                          ELSE '[]' END::jsonb,
           n %% 1000 = 0, 2900, n %% 50 = 3, n %% 20 = 4, n %% 500 = 5, n %% 3000 = 6, at
      FROM (SELECT *, external_id::int n FROM orders_customer) c,
           LATERAL (SELECT now() - (%(orders)s - n) * (interval '1 day' * %(days)s / %(orders)s) AS at) placed
     ORDER BY n
"""
_ITEMS = """
    INSERT INTO orders_orderitem (order_id, cart_id, placed_at, item, option, name)
    SELECT id, cart_id, placed_at,
           CASE WHEN n %% 4000 = 2 THEN 'product-99'
                WHEN placed_at < now() - interval '1 day' * %(days)s * 0.9 THEN 'product-7' ELSE 'product-12' END,
           NULL, 'Course'
      FROM (SELECT *, substr(external_id, 2)::int n FROM orders_order) o
"""
_MEMBERS = """
    INSERT INTO access_member (site_id, email, email_key, first_name, last_name, name_key, surname_key, remote_id,
                               made_by_us, welcomed, send_password, look_first, state, due_at, version, epoch, attempts,
                               reason, remedy, help, alert, email_due, former_email_key, created_at)
    SELECT CASE n %% 10 WHEN 0 THEN 'club' ELSE 'academy' END, email, email_key, first_name, last_name, name_key,
           surname_key, id::text, true, true, true, false,
           CASE n %% 5000 WHEN 2 THEN 'attention' WHEN 3 THEN 'due' ELSE 'idle' END, now() + interval '1 hour', 1, 0,
           0, '', '', '', '', false, '', now()
      FROM (SELECT *, external_id::int n FROM orders_customer) c ORDER BY n
"""
_GRANTS = """
    INSERT INTO access_grant (member_id, site_id, order_id, customer_id, item, charge_key, level, ref, live, reason,
                              planned_live, planned_reason, blocked, amount_minor, total_minor, currency, charged_at,
                              welcome, state, look_first, remote_id, problem, remedy, created_at)
    SELECT m.id, m.site_id, o.id, o.customer_id, 'product-12', 'first',
           CASE WHEN o.n %% 4000 = 1 THEN '10' WHEN o.n %% 5 = 0 THEN '9' ELSE '8' END,
           'gl-' || o.id, true, '', true, '', false, 2900, 2900, 'USD', o.placed_at, 'never',
           CASE m.state WHEN 'idle' THEN 'right' WHEN 'attention' THEN 'attention' ELSE 'due' END, false,
           o.id::text, '', '', o.placed_at
      FROM (SELECT *, substr(external_id, 2)::int n FROM orders_order) o JOIN orders_customer c ON c.id = o.customer_id
           JOIN access_member m ON m.email_key = c.email_key
     WHERE o.mode = 'live'
"""
_DELIVERIES = """
    INSERT INTO inbox_delivery (cart_id, digest, body, content_type, received_at, shard, state, event, mode, summary,
                                remedy, order_id, interpreted_at)
    SELECT cart_id, sha256(external_id::bytea), 'x'::bytea, '', placed_at, 0,
           CASE WHEN n %% 3000 = 1 THEN 'ignored' WHEN n %% 5000 = 1 THEN 'unreadable' ELSE 'done' END,
           'order.success', mode, '1 new fact', '', id, placed_at
      FROM (SELECT *, substr(external_id, 2)::int n FROM orders_order) o ORDER BY n
"""


def fill(orders: int) -> None:
    """Carts `shop` and `second`, sites `academy` and `club`, and so many orders, the latest of them just now."""
    make_cart("shop")
    make_cart("second")
    make_site("academy", state="ok")
    make_site("club", state="ok")
    with connection.cursor() as cursor:
        for statement in (_CUSTOMERS, _ORDERS, _ITEMS, _MEMBERS, _GRANTS, _DELIVERIES):
            cursor.execute(statement, {"orders": orders, "days": DAYS})
        # Now, and not again at the end of each test.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ANALYZE")
