"""A customer's e-mail address changed at the cart: what becomes of their members (`on_email_change` of the site).

"leave": the member at the site keeps its address. "follow": a member that Guestlist made gets the new one. Whoever was
never made at the site simply has the new address from now on. A member whose making is under way, or ended unclear, is
seen to when it is known whether the site has it (`email_due`).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction

from guestlist.access.denied import changes_of, stand
from guestlist.access.desire import lock_members, wake
from guestlist.access.models import Grant, Member, MemberState
from guestlist.connections.models import OnEmailChange
from guestlist.orders.models import Customer
from guestlist.sites.contract import Ensured, NeedsAttention, Wanted


def follow(customer: Customer) -> None:
    """Bring a customer's members in line with the address that the cart has for them now.

    Runs in the caller's transaction, with the customer locked. Doing it again changes nothing.
    """
    outdated = set(Member.objects.filter(grants__customer=customer).exclude(email_key=customer.email_key))
    if not outdated or not customer.email_key:
        return
    sites = {member.site_id for member in outdated}
    holders = Member.objects.filter(site__in=sites, email_key=customer.email_key)
    # Those whose customers have the address that becomes free.
    free = [member.email_key for member in outdated]
    waiting = Member.objects.filter(site__in=sites, grants__customer__email_key__in=free).exclude(email_key__in=free)
    lock_members({*outdated, *holders, *waiting})
    due: set[Member] = set()
    for members in (outdated, set(waiting) - outdated):
        for member in Member.objects.filter(pk__in=[member.pk for member in members]).order_by("pk"):
            due |= _bring(member, unclear=member.state == MemberState.WORKING or member.look_first)
    wake(due)


def settle(member: Member, wanted: Wanted, ensured: Ensured) -> None:
    """After work on a member, locked: note what became of its address. The caller saves the member."""
    if not member.email_due:
        return
    if wanted.change_email:
        _note_change(member, wanted, ensured)
    elif wanted.person.remote_id is None and (member.remote_id or _is_refused(ensured)):
        # Now it is known whether the site has the member.
        member.email_due = False
        due = _bring(member, unclear=False)
        wake(due - {member})
        if due:
            member.version += 1  # so it is worked on again


def _note_change(member: Member, wanted: Wanted, ensured: Ensured) -> None:
    if not ensured.email_settled:
        return
    if wanted.person.email != member.email:
        # There is a newer one already.
        member.former_email_key = wanted.person.email.lower()
        return
    member.email_due = False
    former = member.former_email_key
    if ensured.email_refused and former and _holder(member, former) is None:
        member.email = member.email_key = former
        member.former_email_key = ""


def _is_refused(ensured: Ensured) -> bool:
    return isinstance(ensured.member, NeedsAttention) and not ensured.member.site_wide


def _bring(member: Member, *, unclear: bool) -> set[Member]:
    """Give a locked member its customers' address where that is the thing to do. Returns who has work now.

    Args:
        unclear: if the member is not known at the site, it may have been made there all the same.
    """
    customer = _agreed(member)
    if customer is None or customer.email_key == member.email_key:
        return set()
    if not member.remote_id and unclear:
        member.email_due = True
        member.save(update_fields=["email_due"])
        return {member}
    if not member.remote_id:
        return {member} if _readdress(member, customer) else _hand_over(member, customer)
    if member.site.on_email_change == OnEmailChange.LEAVE:
        return set()
    if not member.made_by_us:
        _alert(
            member,
            f"The customer has the address {customer.email} at the cart {customer.cart_id} now. Guestlist did not make "
            "this member, so it leaves the member's address as it is; change it at the site if it shall follow.",
        )
        return set()
    former = member.former_email_key if member.email_due else ""
    if former in ("", customer.email_key):
        former = member.email_key
    if not _readdress(member, customer, email_due=True, former_email_key=former):
        _alert(
            member,
            f"The customer has the address {customer.email} at the cart {customer.cart_id} now, but the site has a "
            f"member of its own with it, who bought separately. The two stay apart, and this one keeps {member.email}.",
        )
        return set()
    return {member}


def _readdress(member: Member, customer: Customer, **fields: object) -> bool:
    """Give the member the customer's address; False = another member of the site has it."""
    before = {name: getattr(member, name) for name in ("email", "email_key", "alert", *fields)}
    after = {"email": customer.email, "email_key": customer.email_key, "alert": "", **fields}
    try:
        with transaction.atomic():
            _set(member, after)
            member.save(update_fields=list(after))
    except IntegrityError:
        _set(member, before)
        return False
    return True


def _set(member: Member, fields: dict[str, object]) -> None:
    for name, value in fields.items():
        setattr(member, name, value)


def _hand_over(member: Member, customer: Customer) -> set[Member]:
    """The new address is another member's, and this one was never made: what it should have goes to the other."""
    holder = _holder(member, customer.email_key)
    if holder is None or member.staff_changes.exists():
        _alert(
            member,
            f"The customer has the address {customer.email} at the cart {customer.cart_id} now, which another member "
            "of the site has, and staff changed this one by hand. Give the access to the other one by hand.",
        )
        return set()
    lock_members({holder})  # else a staff change of this moment would overlook what goes over
    changes = changes_of([holder.pk])[holder.pk]
    for grant in Grant.objects.filter(member=member).select_related("order"):
        grant.member = holder
        stand(grant, changes)
        grant.save()
    member.state, member.due_at, member.reason, member.remedy = MemberState.IDLE, None, "", ""
    member.save(update_fields=["state", "due_at", "reason", "remedy"])
    _alert(member, f"It was never made at the site: the customer has the address {customer.email} now, and has it all.")
    return {holder}


def _agreed(member: Member) -> Customer | None:
    """The customer whose address the member should have; None = there is none, or they have different addresses."""
    customers = list(Customer.objects.filter(grants__member=member).exclude(email_key="").distinct().order_by("pk"))
    if len({customer.email_key for customer in customers}) > 1:
        if member.site.on_email_change == OnEmailChange.FOLLOW or not member.remote_id:
            _alert(member, _shared(customers))
        return None
    return customers[0] if customers else None


def _shared(customers: Iterable[Customer]) -> str:
    known = ", ".join(f"{customer.email} (cart {customer.cart_id})" for customer in customers)
    return (
        f"Several customers share this member, and they have different addresses now: {known}. "
        "The member's address stays as it is until they agree; change it at the site if it shall be another."
    )


def _holder(member: Member, email_key: str) -> Member | None:
    return Member.objects.filter(site_id=member.site_id, email_key=email_key).exclude(pk=member.pk).first()


def _alert(member: Member, words: str) -> None:
    member.alert = words
    member.save(update_fields=["alert"])
