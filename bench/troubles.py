"""What is wrong in the Guestlist that `bench.million` fills, and what its staff did: enough of it to fill pages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from bench.samples import sites

if TYPE_CHECKING:
    from guestlist.accounts.models import User

STUCK = 600
WAITING_AT_DOWN_SITE = 8_000
UNREADABLE, FAILED = 900, 40
STAFF_CHANGES = 200
AUDIT_ENTRIES = 100_000
OWNER = "owner@example.com"
CHECKS_PER_SITE, DRIFT = 30, 400


def make_troubles() -> None:
    """Add them."""
    _stuck_members()
    _site_down()
    _deliveries()
    _refusals()
    _staff()
    _reconciliations()


def _stuck_members() -> None:
    from guestlist.access.models import Grant, GrantState, Member, MemberState
    from guestlist.journal.models import Event, Line

    members = list(Member.objects.filter(site_id__in=sites()[:3]).order_by("-id")[:STUCK])
    ids = [member.pk for member in members]
    reason = "The site refused the transaction: 400 membership is not valid."
    remedy = "Make the level at the site again, or choose another one for the product."
    Member.objects.filter(pk__in=ids).update(state=MemberState.ATTENTION, reason=reason, remedy=remedy, attempts=19)
    latest = Grant.objects.filter(member__in=ids).order_by("member", "-id").distinct("member")
    stuck = [grant.pk for grant in latest]
    Grant.objects.filter(pk__in=stuck).update(
        state=GrantState.ATTENTION, problem=reason, remedy=remedy, confirmed_at=None, confirmed_live=None
    )
    now = timezone.now()
    Line.objects.bulk_create(
        Line(at=now - timedelta(minutes=len(members) - place), event=Event.STUCK, site=member.site_id, words=reason)
        for place, member in enumerate(members)
    )


def _site_down() -> None:
    from guestlist.access.models import Grant, GrantState, Member, MemberState
    from guestlist.connections.models import Site
    from guestlist.journal.write import site_line, write

    now = timezone.now()
    down = sites()[3]
    reason, remedy = "The site does not answer: connection refused.", "Ask your host whether the server runs."
    Site.objects.filter(pk=down).update(
        state="down", state_since=now - timedelta(hours=3), reason=reason, remedy=remedy, probe_at=now, probes=9
    )
    waiting = list(Member.objects.filter(site=down).order_by("-id").values_list("pk", flat=True)[:WAITING_AT_DOWN_SITE])
    Member.objects.filter(pk__in=waiting).update(state=MemberState.DUE, due_at=now, reason=reason, attempts=3)
    Grant.objects.filter(member__in=waiting).update(state=GrantState.DUE, confirmed_at=None, confirmed_live=None)
    write([site_line("site-down", down, reason)])


def _deliveries() -> None:
    from guestlist.inbox.models import Delivery, DeliveryState

    now = timezone.now()
    states = [DeliveryState.UNREADABLE] * UNREADABLE + [DeliveryState.FAILED] * FAILED
    Delivery.objects.bulk_create(
        Delivery(
            cart_id="main",
            digest=f"trouble{number:025}".encode(),
            body=b"event=order.success&order_id=" + str(number).encode(),
            content_type="application/x-www-form-urlencoded",
            received_at=now - timedelta(minutes=3 * number),
            shard=0,
            state=state,
            event="order.success",
            summary="customer.email: is missing",
            remedy="Tell us which cart sent this.",
            interpreted_at=now,
        )
        for number, state in enumerate(states)
    )


def _refusals() -> None:
    from guestlist.inbox.models import Refusal

    now = timezone.now()
    Refusal.objects.bulk_create(
        Refusal(cart_id=cart, on=(now - timedelta(days=day)).date(), reason=reason, count=7 + day, last_at=now)
        for cart in ("main", "school")
        for day in range(10)
        for reason in ("wrong-secret", "no-secret")
    )


def _staff() -> None:
    from guestlist.access.models import Member
    from guestlist.access.staff import change
    from guestlist.accounts.models import User
    from guestlist.domain.staff import Act

    owner = User.objects.create_user(OWNER, name="Olive", role="owner")
    for member in Member.objects.filter(site=sites()[5], state="idle").order_by("-id")[:STAFF_CHANGES]:
        values: dict[str, Any] = {"level": "", "until_on": None, "who": OWNER, "why": "Asked by mail."}
        change(member.site_id, member.email, Act.HOLD, **values)
    _audit(owner)


def _audit(owner: User) -> None:
    from django.contrib.contenttypes.models import ContentType

    from guestlist.accounts.models import AuditEntry, Kind
    from guestlist.connections.models import Cart

    now = timezone.now()
    about = ContentType.objects.get_for_model(Cart)
    AuditEntry.objects.bulk_create(
        (
            AuditEntry(
                content_type=about,
                object_pk="main",
                object_repr="main",
                action=AuditEntry.Action.UPDATE,
                changes={"mode": ["test", "live"]},
                actor=owner,
                timestamp=now - timedelta(minutes=AUDIT_ENTRIES - number),
                by=owner.email,
                kind=(Kind.INTEGRATIONS, Kind.RULES, Kind.WORK)[number % 3],
                did="" if number % 3 else "Held access",
            )
            for number in range(AUDIT_ENTRIES)
        ),
        batch_size=2_000,
    )


def _reconciliations() -> None:
    from guestlist.access.reconcile.models import Drift, Reconciliation

    now = timezone.now()
    checks = Reconciliation.objects.bulk_create(
        Reconciliation(
            site_id=site,
            state="done",
            started_at=now - timedelta(days=day, minutes=40),
            finished_at=now - timedelta(days=day),
            pages_read=50,
            compared=20_000,
        )
        for day in reversed(range(CHECKS_PER_SITE))
        for site in sites()
    )
    Drift.objects.bulk_create(
        Drift(
            reconciliation=checks[-1],
            kind="gone",
            email=f"somebody{number}@example.com",
            level="8",
            words="The transaction is not at the site any more.",
            remedy="It is made again.",
        )
        for number in range(DRIFT)
    )
