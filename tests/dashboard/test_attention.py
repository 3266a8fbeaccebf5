"""Needs attention: all that needs a person is listed with what to do, and tried again one by one or all at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

import stored
from db.conftest import make_cart
from factories import line, placed
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.access.reconcile.models import Drift, Reconciliation
from guestlist.access.stuck import stuck_members
from guestlist.accounts import acts
from guestlist.accounts.models import AuditEntry
from guestlist.connections.models import Site
from guestlist.dashboard.attention import members as members_view
from guestlist.engine.attention import attention, attention_count
from guestlist.inbox.models import Delivery, DeliveryState, Refusal


@pytest.fixture
def shop(db) -> None:
    stored.open_shop()


def stick(number: int, *, site: str = "academy", remedy: str = "Publish it.", topic: str = "level-missing") -> Member:
    member = Member.objects.create(
        site_id=site,
        email=f"buyer{number}@buyers.test",
        email_key=f"buyer{number}@buyers.test",
        state=MemberState.ATTENTION,
        reason="The site has no level 8.",
        remedy=remedy,
        help=topic,
    )
    Grant.objects.create(
        member=member,
        site_id=member.site_id,
        staff_change=member.staff_changes.create(act="grant", level="8", who="a", why="b", at=timezone.now()),
        level="8",
        ref=f"gl-hand-{number}",
        reason="by hand",
        charged_at=timezone.now(),
        state=GrantState.ATTENTION,
    )
    return member


def refuse(reason: str = "wrong-secret", *, cart: str = "shop", days_ago: int = 0, count: int = 3) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Refusal.objects.create(cart_id=cart, on=at.date(), reason=reason, count=count, last_at=at)


def differ(site: str = "academy", *, differences: int = 2, mended: bool = False, **fields: object) -> Reconciliation:
    now = timezone.now()
    run = Reconciliation.objects.create(site_id=site, started_at=now, finished_at=now, **{"state": "done", **fields})
    for number in range(differences):
        Drift.objects.create(
            reconciliation=run,
            kind="gone",
            email=f"buyer{number}@buyers.test",
            words=f"Transaction {number} is gone.",
            remedy="It is made again.",
            mended_at=now if mended else None,
        )
    return run


def followed(client, answer):
    assert answer.status_code == 303
    return client.get(answer["Location"])


def page(client, path: str = "/attention") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


# --- what there is ------------------------------------------------------------------------------------------------


def test_where_all_is_well_nothing_needs_anybody(shop, viewer):
    assert attention().nothing
    assert attention_count() == 0
    assert "Nothing needs you" in page(viewer)
    assert page(viewer, "/attention/count").strip() == ""


def test_members_for_whom_the_same_is_to_be_done_are_one_line(shop, viewer):
    for number in range(3):
        stick(number)
    stick(7, remedy="Ask the host.", topic="member-stuck")

    groups = attention().members

    assert [(group.count, group.remedy) for group in groups] == [(3, "Publish it."), (1, "Ask the host.")]
    assert attention_count() == 4
    html = page(viewer)
    assert "3 members at academy" in html
    assert 'href="/help/level-missing"' in html


def test_members_of_a_disconnected_site_need_nobody(shop):
    stick(1, site="club")
    Site.objects.filter(pk="club").update(active=False)

    assert attention().nothing
    assert attention_count() == 0


def test_a_site_that_needs_its_owner_says_what_to_do(shop, viewer):
    stored.sell_monthly()
    stored.site_needs_its_owner("academy")

    (site,) = attention().sites

    assert (site.site, site.waiting) == ("academy", 1)
    assert attention_count() == 1
    html = page(viewer)
    assert "The site refused the API key." in html
    assert "Enter the key again." in html
    assert 'href="/help/site-unreachable"' in html


@pytest.mark.parametrize("state", [DeliveryState.UNREADABLE, DeliveryState.FAILED])
def test_a_stuck_delivery_is_listed_with_its_remedy(shop, viewer, state):
    delivery = stored.store(state=state, summary="order.id: is no number", remedy="Report it.")

    assert attention_count() == 1
    html = page(viewer)
    assert "order.id: is no number" in html
    assert "Report it." in html
    assert f'href="/deliveries/{delivery.pk}"' in html


def test_an_item_without_a_rule_is_listed_once(shop, viewer):
    for number in ("1", "2"):
        stored.deliver(placed("2026-03-10", line("bump-5", name="Workbook", paid_minor=900), order_id=number))

    assert attention_count() == 1
    assert "Workbook" in page(viewer)


def test_a_rejected_secret_counts_as_long_as_nothing_good_came_after_it(shop, viewer):
    refuse()
    assert attention_count() == 1
    assert "3 requests were turned away" in page(viewer)

    stored.store()

    assert attention_count() == 0


@pytest.mark.parametrize(("reason", "days_ago"), [("too-large", 0), ("unknown-token", 0), ("wrong-secret", 8)])
def test_a_stranger_or_an_old_refusal_is_no_rejected_secret(shop, reason, days_ago):
    refuse(reason, days_ago=days_ago)

    assert attention_count() == 0


def test_a_disconnected_cart_needs_nobody(shop):
    refuse()
    stored.store(state=DeliveryState.UNREADABLE)
    stored.deliver(placed("2026-03-10", line("bump-5", paid_minor=900)))
    stored.disconnect("shop")

    assert attention_count() == 0
    assert attention().nothing


def test_only_what_the_latest_check_left_counts(shop, viewer):
    differ()
    assert attention_count() == 1
    assert "academy differs from what it should hold in 2 places" in page(viewer)

    differ(mended=True)

    assert attention_count() == 0


def test_a_check_that_failed_says_why(shop, viewer):
    differ(differences=0, state="failed", reason="The list cannot be read.", remedy="Ask the host.")

    assert attention_count() == 1
    html = page(viewer)
    assert "The list cannot be read." in html
    assert "Ask the host." in html


def test_the_menu_does_not_count_beyond_a_thousand(shop, viewer, monkeypatch):
    monkeypatch.setattr("guestlist.engine.attention.COUNTED_TO", 2)
    monkeypatch.setattr("guestlist.dashboard.attention.views.COUNTED_TO", 2)
    for number in range(3):
        stick(number)

    assert attention_count() == 2
    assert "1+" in page(viewer, "/attention/count")


def test_counting_takes_few_queries(shop, django_assert_max_num_queries):
    stick(1)
    differ()
    with django_assert_max_num_queries(9):
        attention_count()


# --- trying again -------------------------------------------------------------------------------------------------


def test_those_ticked_are_tried_again_and_no_others(shop, operator):
    first, second = stick(1), stick(2)

    answer = operator.post("/attention/members", {"member": [first.pk]})

    assert answer.status_code == 303
    assert Member.objects.get(pk=first.pk).state == MemberState.DUE
    assert Grant.objects.get(member=first).state == GrantState.DUE
    assert Member.objects.get(pk=second.pk).state == MemberState.ATTENTION
    assert AuditEntry.objects.filter(did=acts.TRIED_AGAIN).count() == 1


def test_all_of_a_group_are_tried_again(shop, operator):
    for number in (1, 2):
        stick(number)
    stick(3, topic="member-stuck")
    stick(4, site="club")
    stick(5, remedy="Ask the host.")
    group = next(group for group in attention().members if group.count == 2)
    assert "buyer3" not in page(operator, f"/attention/members?site=academy&group={group.key}")

    operator.post("/attention/members", {"all": "yes", "site": "academy", "group": group.key})

    left = sorted(stuck_members().values_list("email_key", flat=True))
    assert left == ["buyer3@buyers.test", "buyer4@buyers.test", "buyer5@buyers.test"]


def test_very_many_are_tried_again_some_at_a_time(shop, operator, monkeypatch):
    monkeypatch.setattr(members_view, "AT_ONCE", 2)
    ids = [stick(number).pk for number in range(5)]

    answer = operator.post("/attention/members", {"all": "yes"})
    assert answer.status_code == 200
    assert f'name="after" value="{ids[1]}"' in answer.content.decode()
    # Whoever leaves now has two tried again all the same.
    assert [entry.additional_data["count"] for entry in AuditEntry.objects.filter(did=acts.TRIED_AGAIN)] == [2]
    # The first two are stuck again at once: they are not tried twice.
    Member.objects.filter(pk__in=ids[:2]).update(state=MemberState.ATTENTION)
    answer = operator.post("/attention/members", {"all": "yes", "after": ids[1], "done": 2})
    assert answer.status_code == 200
    answer = followed(operator, operator.post("/attention/members", {"all": "yes", "after": ids[3], "done": 4}))

    assert "5 members are tried again now." in answer.content.decode()
    assert list(stuck_members().order_by("pk").values_list("pk", flat=True)) == ids[:2]


def test_nobody_ticked_says_so(shop, operator):
    stick(1)

    answer = followed(operator, operator.post("/attention/members", {}))

    assert "Nobody was ticked" in answer.content.decode()
    assert stuck_members().count() == 1


def test_what_is_no_number_is_nobody(shop, operator):
    answer = followed(operator, operator.post("/attention/members", {"member": ["x", "9" * 30, "-1"]}))

    assert "Nobody was ticked" in answer.content.decode()


def test_a_list_of_stuck_members_has_pages(shop, viewer):
    for number in range(60):
        stick(number)

    html = page(viewer, "/attention/members?site=academy")

    assert html.count("no level 8") == 50
    assert 'rel="next"' in html
    assert "<input" not in html.partition('class="list-group')[2].partition("</form>")[0]


def test_a_delivery_is_read_again(shop, operator):
    stuck = stored.store(state=DeliveryState.UNREADABLE)
    other = stored.store(state=DeliveryState.UNREADABLE)
    done = stored.store(state=DeliveryState.DONE)

    operator.post("/attention/deliveries", {"delivery": [stuck.pk, done.pk]})

    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {stuck.pk: "waiting", other.pk: "unreadable", done.pk: "done"}


def test_all_stuck_deliveries_of_a_cart_are_read_again(shop, operator, monkeypatch):
    monkeypatch.setattr("guestlist.inbox.replay.BATCH", 2)
    make_cart("other")
    for _ in range(5):
        stored.store(state=DeliveryState.FAILED)
    stored.store(state=DeliveryState.UNREADABLE)
    stored.store(state=DeliveryState.FAILED, cart_id="other")

    answer = followed(
        operator, operator.post("/attention/deliveries", {"all": "yes", "cart": "shop", "state": "failed"})
    )

    assert "5 deliveries are read again now." in answer.content.decode()
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 5


def test_a_site_is_asked_now_instead_of_later(shop, operator):
    stored.site_needs_its_owner("academy")
    Site.objects.filter(pk="academy").update(probe_at=timezone.now() + timedelta(hours=1))

    answer = operator.post("/attention/site/academy")

    assert answer.status_code == 303
    assert Site.objects.get(pk="academy").probe_at <= timezone.now()


def test_a_site_that_works_meanwhile_is_not_said_to_be_asked(shop, operator):
    answer = followed(operator, operator.post("/attention/site/academy"))

    assert "asked again now" not in answer.content.decode()
    assert not AuditEntry.objects.filter(did=acts.SITE_ASKED).exists()


def test_a_site_that_is_not_there_cannot_be_asked(shop, operator):
    assert operator.post("/attention/site/nowhere").status_code == 404


def test_differences_are_shown_and_handed_over_to_be_mended(shop, operator):
    differ()
    assert "Transaction 1 is gone." in page(operator, "/attention/check/academy")

    answer = followed(operator, operator.post("/attention/check/academy", {"fix": "yes"}))

    assert Reconciliation.objects.get(finished_at=None).fix
    assert "being compared at this moment" in answer.content.decode()


def test_a_site_that_was_never_compared_says_when_it_will_be(shop, viewer):
    assert "Not compared yet" in page(viewer, "/attention/check/academy")


def test_notes_are_read_and_taken_off_the_list(shop, operator):
    member = stick(1)
    Member.objects.filter(pk=member.pk).update(state=MemberState.IDLE, alert="Two users have this address.")
    assert attention_count() == 1
    assert "Two users have this address." in page(operator, "/attention/notes")

    operator.post("/attention/notes", {"member": [member.pk]})

    assert attention_count() == 0


# --- who may ------------------------------------------------------------------------------------------------------

ACTS = [
    "/attention/members",
    "/attention/notes",
    "/attention/deliveries",
    "/attention/check/academy",
    "/attention/site/academy",
]


@pytest.mark.parametrize("path", ACTS)
def test_a_viewer_looks_and_changes_nothing(shop, viewer, path):
    assert viewer.post(path, {"all": "yes"}).status_code == 403


@pytest.mark.parametrize("path", [*ACTS, "/attention", "/attention/count"])
def test_nobody_looks_without_signing_in(shop, client, path):
    assert client.get(path).status_code == 302
    assert client.post(path).status_code in (302, 405)


def test_a_viewer_is_not_offered_what_they_may_not_do(shop, viewer, operator):
    stick(1)
    stored.site_needs_its_owner("academy")

    assert "Try again" not in page(viewer).replace("asked again", "")
    assert "Try again" in page(operator)


# What waits


def test_a_paused_site_that_somebody_waits_for_is_listed_with_how_many_they_are(shop, viewer):
    Site.objects.filter(pk="academy").update(paused=True)
    assert attention().nothing
    Member.objects.update_or_create(
        site_id="academy", email="a@buyers.test", email_key="a@buyers.test", defaults={"state": MemberState.DUE}
    )

    html = viewer.get("/attention").content.decode()

    assert (attention_count(), attention().paused[0].waiting) == (1, 1)
    assert "Paused sites" in html
    assert "1 member waits for it." in html
    assert "They are served as soon as the site goes on." in html
    assert "Everybody has what they paid for" not in html


def test_while_access_is_being_given_nobody_is_said_to_have_it_already(shop, viewer):
    Member.objects.create(site_id="academy", email="a@buyers.test", email_key="a@buyers.test", state=MemberState.DUE)

    html = viewer.get("/attention").content.decode()

    assert "Nothing needs you" in html
    assert "Some access is being given or ended at this moment." in html
    assert "Everybody has what they paid for" not in html


def test_the_page_looks_again_by_itself(shop, viewer):
    assert 'hx-get="/attention" hx-trigger="every 5s"' in viewer.get("/attention").content.decode()
