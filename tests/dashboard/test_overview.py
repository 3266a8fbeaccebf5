"""The overview: what to do first, what happened today, and how everything stands."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.utils import timezone

import stored
from guestlist.access.models import Grant
from guestlist.dashboard.overview.chart import HEIGHT, WIDTH, in_words, volume_chart, waiting_chart
from guestlist.dashboard.overview.first_steps import first_steps
from guestlist.engine.overview import overview
from guestlist.engine.pulse import Day
from guestlist.journal.models import Event, Line
from guestlist.orders.models import Order


def page(client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def tile(html: str, label: str) -> str:
    found = re.search(r'tile-number">([^<]*)</span>\s*<span class="tile-label">' + label, html)
    assert found, label
    return found[1]


def steps() -> list[bool]:
    return [step.done for step in first_steps(overview())]


@pytest.mark.django_db
def test_a_fresh_guestlist_says_what_to_do_first(viewer):
    html = page(viewer)

    assert "First steps" in html
    assert "Connect your cart" in html
    assert "No cart is connected." in html
    assert steps() == [False, False, False, False]


@pytest.mark.django_db
def test_steps_are_ticked_off_and_then_go_away(viewer):
    stored.open_shop()
    assert steps() == [True, True, True, False]

    stored.sell_monthly()

    assert all(steps())
    assert "First steps" not in page(viewer)


@pytest.mark.django_db
def test_a_settled_shop_says_so(viewer):
    stored.open_shop()
    stored.sell_monthly()
    stored.confirm("academy")
    stored.confirm("club")

    assert "All access is as it should be." in page(viewer)


def listed(client, html: str, label: str) -> int:
    """How many there are in the list to which a tile leads."""
    found = re.search(
        r'<a class="tile" href="([^"]+)">\s*<span class="tile-number">[^<]*</span>\s*<[^>]*>' + label, html
    )
    assert found, label
    rows = client.get(unescape(found[1])).content.decode()
    return rows.count('class="feed-words"') or rows.count('href="/orders/')


@pytest.mark.django_db
def test_todays_orders_and_access_are_counted_and_lead_to_what_was_counted(viewer):
    stored.open_shop()
    order = stored.sell_monthly()
    old = stored.sell_monthly("7002", stored.OMAR)
    Order.objects.filter(pk=order.pk).update(placed_at=timezone.now())
    for grant in Grant.objects.filter(order=order):
        over = timezone.now().date() - timedelta(days=1)
        until = [over] if grant.level == "8" else [over, None]
        for until_on in until:
            Line.objects.create(
                at=timezone.now(),
                event=Event.GIVEN,
                site="academy",
                member=grant.member_id,
                grant=grant.pk,
                order=order.pk,
                until_on=until_on,
            )

    html = page(viewer)

    assert old.placed_at.date() != timezone.now().date()
    assert tile(html, "Orders placed today") == "1"
    assert listed(viewer, html, "Orders placed today") == 1
    lasting = Grant.objects.filter(order=order, level="10").count()
    assert tile(html, "Levels given or prolonged today") == str(lasting)
    assert listed(viewer, html, "Levels given or prolonged today") == lasting
    assert tile(html, "From order to access").endswith(" s")
    assert '<svg class="chart"' in html


@pytest.mark.django_db
def test_what_waits_leads_to_the_members_and_deliveries_that_wait(viewer):
    stored.open_shop()
    stored.sell_monthly()
    stored.store()

    html = page(viewer)

    assert tile(html, "Waiting") == "3"
    assert '<a href="/people?standing=waiting">2 members</a>' in html
    assert '<a href="/deliveries?state=waiting">1 delivery</a>' in html


@pytest.mark.django_db
def test_what_needs_attention_is_said_first(viewer):
    stored.open_shop()
    stored.site_needs_its_owner("academy")

    html = page(viewer)

    assert "1 thing needs your attention" in html
    assert tile(html, "Need attention") == "1"
    assert "The site refused the API key." in html


@pytest.mark.django_db
def test_without_a_worker_the_page_says_that_nothing_is_worked_on(viewer):
    assert "No worker is running" in page(viewer)


@pytest.mark.django_db
def test_the_page_keeps_itself_up_to_date_with_a_part_of_it(viewer):
    answer = viewer.get("/", headers={"hx-request": "true"})

    assert "<html" not in answer.content.decode()
    assert 'id="now"' in answer.content.decode()


def test_nobody_looks_without_signing_in(client, db):
    assert client.get("/").status_code == 302


# --- charts -------------------------------------------------------------------------------------------------------


def days(*found: dict[str, object]) -> list[Day]:
    return [Day(on=date(2026, 3, 1) + timedelta(days=n), **fields) for n, fields in enumerate(found)]


def test_days_without_anything_have_no_chart():
    assert waiting_chart(days({}, {})) is None
    assert volume_chart(days({}, {})) is None


@pytest.mark.parametrize("most", [0.01, 0.15, 2.0, 90.0, 700000.0])
def test_waiting_stays_within_its_frame_and_half_never_stands_above_most(most):
    chart = waiting_chart(days({"half": most / 2, "most": most}, {}, {"half": 0.2, "most": 0.2}))

    assert chart is not None
    assert len(chart.bars) == 4
    for bar in chart.bars:
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH
    second, first = chart.bars[:2]
    assert first.height <= second.height
    assert "1 Mar" in first.says


@pytest.mark.parametrize("most", [1, 2, 7, 10, 11, 99, 100, 4711, 123456])
def test_volumes_have_at_most_five_lines_above_the_floor(most):
    chart = volume_chart(days({"orders": most, "given": 0}, {"orders": 1, "given": most}))

    assert chart is not None
    assert 2 <= len(chart.rows) <= 6
    assert min(row.at for row in chart.rows) >= 0
    assert max(bar.height for bar in chart.bars) <= HEIGHT


def test_not_each_of_many_days_has_a_label_but_today_has():
    chart = volume_chart(days(*({"orders": 1} for _ in range(30))))

    assert chart is not None
    assert len(chart.columns) <= 7
    assert chart.columns[-1].label == "30 Mar"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.44, "0.4 s"),
        (1.0, "1 s"),
        (2.96, "3 s"),
        (7.4, "7 s"),
        (59.4, "59 s"),
        (90, "2 min"),
        (7300, "2 h"),
        (200000, "2 d"),
    ],
)
def test_a_time_of_waiting_in_words(seconds, words):
    assert in_words(seconds) == words
