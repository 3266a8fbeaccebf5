"""The activity: lines of several tables by time, older ones page by page, news by itself."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

import stored
from guestlist.access.models import Grant, Member
from guestlist.accounts.audit import record
from guestlist.accounts.models import AuditEntry
from guestlist.connections.models import Site
from guestlist.dashboard.activity import feed as feed_module
from guestlist.dashboard.activity.feed import FILTERS, feed
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.journal.models import Event, Line

NOW = timezone.now


@pytest.fixture
def shop(db) -> None:
    stored.open_shop()
    AuditEntry.objects.all().delete()  # of the cart, the sites and the rule


def happen(event: Event, minutes_ago: float = 0, **fields: object) -> Line:
    values = {"site": "academy", **fields}
    return Line.objects.create(at=NOW() - timedelta(minutes=minutes_ago), event=event, **values)


def texts(kind: str = "", cursor: str = "") -> list[str]:
    return [line.text for line in feed(kind, cursor).lines]


def test_what_was_given_names_the_person_the_level_and_the_day(shop):
    stored.sell_monthly()
    grant = Grant.objects.filter(member__site="academy").latest("pk")
    happen(
        Event.GIVEN, member=grant.member_id, grant=grant.pk, order=grant.order_id, level="8", until_on=grant.until_on
    )

    (line,) = feed("access").lines

    assert line.text == "Nora@Buyers.test was given Gold monthly at academy until 13 May 2026"
    assert line.href == "/people/show?email=Nora%40Buyers.test"


def test_somebody_who_was_erased_stays_unnamed(shop):
    happen(Event.ENDED, member=4711, level="99")

    assert texts() == ["An erased person no longer has level 99 at academy by this purchase"]


@pytest.mark.parametrize("event", list(Event))
def test_each_event_has_its_words(shop, event):
    happen(event, member=1 if event in feed_module.ACCESS or event is Event.STUCK else None, level="8")

    assert "%(" not in texts()[0]


@pytest.mark.parametrize("state", list(DeliveryState))
def test_each_delivery_has_its_words(shop, state):
    stored.store(state=state, event="order.success")

    assert re.match("shop: ", texts()[0]) or "order.success" in texts()[0]


def test_lines_of_all_tables_stand_by_their_time(shop, rf):
    member = Member.objects.create(site_id="academy", email="a@buyers.test", email_key="a@buyers.test")
    happen(Event.SITE_DOWN, 5, words="It does not answer.")
    delivery = stored.store(state=DeliveryState.DONE, event="order.success")
    Delivery.objects.filter(pk=delivery.pk).update(received_at=NOW() - timedelta(minutes=3))
    member.staff_changes.create(
        act="revoke", level="", who="Olive", why="asked for it", at=NOW() - timedelta(minutes=4)
    )
    record(None, "replayed a delivery", delivery)

    assert texts() == [
        f"Guestlist replayed a delivery {delivery}",
        "shop: order.success received",
        "Olive revoked every level at academy from a@buyers.test",
        "The site academy is down",
    ]


def test_each_filter_shows_its_own(shop):
    member = Member.objects.create(site_id="academy", email="a@buyers.test", email_key="a@buyers.test")
    happen(Event.SITE_DOWN)
    happen(Event.GIVEN, member=member.pk, level="8")
    stored.store(state=DeliveryState.UNREADABLE)
    stored.store(state=DeliveryState.DONE)
    member.staff_changes.create(act="hold", level="8", who="Olive", why="asked for it", at=NOW())

    counts = {kind: len(texts(kind)) for kind in FILTERS}

    assert {kind: count for kind, count in counts.items() if kind != "settings"} == {
        "": 5,
        "deliveries": 2,
        "access": 1,
        "given": 1,
        "troubles": 2,
        "staff": 1,
    }


def test_what_staff_do_for_a_person_is_told_once(shop, operator):
    stored.sell_monthly()
    Delivery.objects.all().delete()
    asked = {"email": "nora@buyers.test", "site": "academy", "level": "8", "why": "She wrote."}
    for act in ("hold", "release", "revoke", "release"):
        assert operator.post(f"/people/{act}?email=nora@buyers.test", asked).status_code == 303
    for act, lasts in (("grant", {"lasts": "until", "until": "2099-01-01"}), ("extend", {"lasts": "forever"})):
        assert operator.post(f"/people/{act}?email=nora@buyers.test", asked | lasts).status_code == 303

    assert AuditEntry.objects.filter(kind="work").count() == 6
    assert len(texts()) == len(texts("staff")) == 6


def test_what_was_given_on_a_day_is_that_of_the_viewers_zone(shop, viewer):
    yesterday = timezone.localdate() - timedelta(days=1)
    midnight = datetime.combine(yesterday, time.min, tzinfo=UTC)
    for minutes, event in ((-1, Event.GIVEN), (0, Event.GIVEN), (1, Event.ENDED), (1439, Event.RESTORED)):
        line = happen(event, member=1, level=str(minutes))
        Line.objects.filter(pk=line.pk).update(at=midnight + timedelta(minutes=minutes))

    assert [len(feed(kind, day=yesterday).lines) for kind in ("given", "access")] == [1, 3]
    html = viewer.get(f"/activity?kind=given&day={yesterday}").content.decode()
    assert html.count('class="feed-words"') == 1
    assert "Show all days" in html


@pytest.mark.parametrize("day", ["2026-02-31", "tomorrow", "0001-01-01", ""])
def test_a_day_that_is_none_is_every_day(shop, viewer, day):
    happen(Event.GIVEN, member=1)

    html = viewer.get(f"/activity?kind=given&day={day}").content.decode()

    assert html.count('class="feed-words"') == 1
    assert "Show all days" not in html


def test_paging_to_the_end_shows_each_line_once(shop, monkeypatch):
    monkeypatch.setattr(feed_module, "SHOWN", 3)
    for number in range(7):
        # Two lines of one moment nearly, written down the other way round.
        happen(Event.SITE_DOWN, 20 - number + 1.5 * (number % 2), words=f"down {number}")
        delivery = stored.store(state=DeliveryState.DONE)
        Delivery.objects.filter(pk=delivery.pk).update(received_at=NOW() - timedelta(minutes=17 - number))

    seen, cursor, rounds = [], "", 0
    while True:
        page = feed("", cursor)
        seen += [(line.at, line.detail, line.href) for line in page.lines]
        rounds += 1
        # What comes in meanwhile is for the first page.
        happen(Event.SITE_WORKS)
        stored.store()
        if page.older is None:
            break
        cursor = page.older

    assert len(seen) == len(set(seen)) == 14
    assert rounds == 5


def test_the_list_asks_for_news_and_gets_none_or_the_list(shop, viewer):
    happen(Event.SITE_DOWN)
    html = viewer.get("/activity").content.decode()
    (address,) = re.findall(r'hx-get="([^"]+)"', html.partition('id="feed"')[2].partition(">")[0])

    quiet = viewer.get(f"/activity{address}", headers={"hx-request": "true"})
    happen(Event.SITE_WORKS)
    news = viewer.get(f"/activity{address}", headers={"hx-request": "true"})

    assert quiet.status_code == 204
    assert "The site academy works" in news.content.decode()
    assert "<html" not in news.content.decode()


def test_a_delivery_that_was_read_meanwhile_is_news(shop):
    delivery = stored.store()
    before = feed("")
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DONE)

    assert feed("").newest != before.newest


@pytest.mark.parametrize("query", ["?live=no", "?older=j5.d9"])
def test_a_paused_list_and_older_pages_stand_still(shop, viewer, query):
    happen(Event.SITE_DOWN)

    html = viewer.get(f"/activity{query}").content.decode()

    assert 'hx-trigger="every 4s"' not in html


def test_an_empty_activity_says_what_will_be_here(db, viewer):
    assert "Nothing has happened yet" in viewer.get("/activity").content.decode()


def test_a_kind_that_is_none_is_not_found(db, viewer):
    assert viewer.get("/activity?kind=gossip").status_code == 404


def test_a_cursor_that_is_none_is_the_beginning(shop, viewer):
    happen(Event.SITE_DOWN)

    assert "The site academy is down" in viewer.get("/activity?older=%00x!").content.decode()


def test_a_changed_setting_is_named_with_what_changed_of_it(shop):
    site = Site.objects.get(pk="academy")
    site.concurrency = 5
    site.save()

    (line,) = feed("settings").lines

    assert (line.text, line.detail) == ("Guestlist changed the site academy", "concurrency")


def test_who_signs_in_is_for_the_audit_log(shop, operator):
    assert texts() == []


def test_many_lines_take_few_queries(shop, django_assert_max_num_queries):
    for number in range(30):
        member = Member.objects.create(
            site_id="academy", email=f"{number}@buyers.test", email_key=f"{number}@buyers.test"
        )
        happen(Event.GIVEN, member=member.pk, level="8")
        member.staff_changes.create(act="hold", level="8", who="Olive", why="asked for it", at=NOW())

    with django_assert_max_num_queries(8):
        feed("")


def test_nobody_looks_without_signing_in(client, db):
    assert client.get("/activity").status_code == 302
