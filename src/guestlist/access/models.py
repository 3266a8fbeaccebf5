"""Members, their grants (desired and confirmed), what staff did by hand, and every request made to a site."""

from __future__ import annotations

from typing import Any

from django.db import models

from guestlist.connections.models import Site
from guestlist.domain.staff import Act
from guestlist.orders.models import Customer, Order, name_key


class MemberState(models.TextChoices):
    """Where a member stands in its site's lane."""

    IDLE = "idle"  # as desired
    DUE = "due"  # to be worked on at `due_at`
    WORKING = "working"  # claimed by the lane job whose number is in `epoch`
    ATTENTION = "attention"  # only a person can help


class Member(models.Model):
    """A person at a site. Everything for one person at one site is done by one worker at a time."""

    # `member_newest_of_site` serves as this one's index.
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="members", db_index=False)
    email = models.CharField(max_length=320)
    email_key = models.CharField(max_length=320, db_index=True)
    first_name = models.CharField(max_length=200, default="", blank=True)
    last_name = models.CharField(max_length=200, default="", blank=True)
    # Both names, and the last one, as they are searched and sorted. By bytes, so that one index serves for both.
    name_key = models.CharField(max_length=401, default="", blank=True, db_collation="C")
    surname_key = models.CharField(max_length=200, default="", blank=True, db_collation="C")
    remote_id = models.CharField(max_length=64, default="", blank=True)
    made_by_us = models.BooleanField(default=False)
    # The welcome mail for a new member was asked for, or is no longer due.
    welcomed = models.BooleanField(default=False)
    send_password = models.BooleanField(default=True)
    # An attempt to make the member ended without a clear answer.
    look_first = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=MemberState.choices, default=MemberState.IDLE)
    due_at = models.DateTimeField(null=True)
    # Counts changes of what is desired; a lane that finishes an older version leaves the member due.
    version = models.BigIntegerField(default=0)
    epoch = models.BigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    reason = models.TextField(default="", blank=True)
    remedy = models.TextField(default="", blank=True)
    # The page of help about it (domain.help_topics).
    help = models.CharField(max_length=40, default="", blank=True)
    alert = models.TextField(default="", blank=True)
    # The customer has a newer address than the site. Where the member is known there, `email` is the new one already.
    email_due = models.BooleanField(default=False)
    # Lower case: the address that the member had before `email`; the site's as long as `email_due`.
    former_email_key = models.CharField(max_length=320, default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "email_key"], name="member_once_per_site")]
        indexes = [
            models.Index(fields=["site", "id"], name="member_newest_of_site"),
            models.Index(fields=["name_key", "id"], name="member_by_name"),
            models.Index(fields=["surname_key"], name="member_by_surname"),
            models.Index(fields=["site", "due_at", "id"], condition=models.Q(state="due"), name="member_due"),
            models.Index(fields=["state", "site"], condition=~models.Q(state="idle"), name="member_open"),
            models.Index(fields=["id"], condition=~models.Q(alert=""), name="member_alert"),
            models.Index(
                fields=["former_email_key", "site"], condition=~models.Q(former_email_key=""), name="member_by_former"
            ),
        ]

    def save(self, *args: Any, **values: Any) -> None:
        """Store, with the names as they are searched."""
        self.name_key, self.surname_key = name_key(self.first_name, self.last_name), self.last_name.lower()
        super().save(*args, **values)


class StaffChange(models.Model):
    """What somebody of the staff did by hand for a member. Never changed and never deleted: it is the record, too."""

    ACTS = [(act.value, act.value) for act in Act]

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="staff_changes")
    act = models.CharField(max_length=12, choices=ACTS)
    # "" = every level of the site.
    level = models.CharField(max_length=64, default="", blank=True)
    # Last day of what is granted or extended; null = for ever, or does not apply.
    until_on = models.DateField(null=True)
    who = models.CharField(max_length=200)
    why = models.TextField()
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["member", "id"], name="staff_change_by_member")]


class GrantState(models.TextChoices):
    """Whether the site has confirmed what the grant says."""

    DUE = "due"
    RIGHT = "right"
    ATTENTION = "attention"
    BLOCKED = "blocked"  # `until_on` cannot be known yet (the site's levels were never read)


class Grant(models.Model):
    """One charge's access to one level at one site: what is desired, and what the site last confirmed.

    Either it comes from an order, or staff gave it by hand (`staff_change`).
    """

    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="grants")
    # The member's own, so that who has a level of one site is found without a look at other sites.
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, related_name="grants")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, null=True, related_name="grants")
    staff_change = models.OneToOneField(StaffChange, on_delete=models.PROTECT, null=True, related_name="grant")
    item = models.CharField(max_length=80, default="", blank=True)
    charge_key = models.CharField(max_length=120, default="", blank=True)
    level = models.CharField(max_length=64)
    # Guestlist's reference at the site; unique everywhere, and none is part of another.
    ref = models.CharField(max_length=120, unique=True)
    until_on = models.DateField(null=True)
    live = models.BooleanField(default=True)
    # Why the grant is as it is, in words.
    reason = models.TextField()
    # What `live` and `reason` are while nobody of the staff denies it (`domain.staff.denial`).
    planned_live = models.BooleanField(default=True)
    planned_reason = models.TextField(default="", blank=True)
    # `until_on` cannot be known yet, so nothing may be made at the site.
    blocked = models.BooleanField(default=False)
    amount_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=8, default="")
    charged_at = models.DateTimeField()
    welcome = models.CharField(max_length=8, default="never")
    state = models.CharField(max_length=12, choices=GrantState.choices, default=GrantState.DUE)
    look_first = models.BooleanField(default=False)
    remote_id = models.CharField(max_length=64, default="", blank=True)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_live = models.BooleanField(null=True)
    confirmed_until_on = models.DateField(null=True)
    problem = models.TextField(default="", blank=True)
    remedy = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "item", "charge_key", "member", "level"], name="grant_once_per_charge_and_level"
            ),
            models.CheckConstraint(
                condition=models.Q(order=None, customer=None, staff_change__isnull=False)
                | models.Q(order__isnull=False, customer__isnull=False, staff_change=None),
                name="grant_bought_or_by_hand",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "id"], condition=models.Q(state="due"), name="grant_due"),
            models.Index(fields=["state"], condition=~models.Q(state="right"), name="grant_open"),
            models.Index(fields=["order"], condition=~models.Q(state="right"), name="grant_open_by_order"),
            models.Index(
                fields=["site", "level", "until_on", "member"], condition=models.Q(live=True), name="grant_by_level"
            ),
        ]


class SiteRequest(models.Model):
    """One request to a site, kept to be shown; secrets are redacted before it gets here."""

    # `request_by_site` serves as this one's index.
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="requests", db_index=False)
    member = models.ForeignKey(Member, on_delete=models.CASCADE, null=True, related_name="requests")
    at = models.DateTimeField()
    method = models.CharField(max_length=8)
    path = models.TextField()
    status = models.PositiveSmallIntegerField(null=True)
    milliseconds = models.PositiveIntegerField()
    excerpt = models.TextField(default="", blank=True)
    # The grant that it was made for; "" = for the member, or for the site as a whole.
    ref = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["member", "-id"], name="request_by_member"),
            models.Index(fields=["site", "-id"], name="request_by_site"),
        ]


class ErasedHolding(models.Model):
    """What Guestlist made at a site for somebody whose data was erased, and left there.

    Without it, the next comparison would take it for something that nobody ordered, and end it.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+", db_index=False)
    remote_id = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "remote_id"], name="erased_holding_once")]


# Django finds the models of this package's folders through here.
from guestlist.access.reconcile import models as reconcile_models  # noqa: E402, F401
