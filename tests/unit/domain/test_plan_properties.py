"""Any order of arrival, any repetition, the same grants; no gap while the customer pays; references never overlap."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from factories import event, line, placed, rebill, rule
from guestlist.domain.facts import (
    Completed,
    Item,
    Mode,
    OrderFact,
    OrderPlaced,
    Paused,
    PaymentFailed,
    Refunded,
    Resumed,
    SubscriptionCancelled,
)
from guestlist.domain.history import fold
from guestlist.domain.periods import Period
from guestlist.domain.plan import Decided, plan, reference
from guestlist.domain.rules import OnFailedPayment, Target, rule_for
from guestlist.domain.terms import FOREVER, LevelTerms

ITEMS = ["product-1", "product-12", "bump-1", "upsell-12", "downsell-2"]
OPTIONS = [None, "1", "12"]
PERIODS = [Period.parse(text) for text in ("1 day", "1 week", "2 weeks", "1 month", "3 months", "6 months", "1 year")]
TERMS = [FOREVER, LevelTerms(period=Period.parse("1 year")), LevelTerms(until_on=date(2027, 1, 31))]
TARGETS = [Target("academy", "8"), Target("academy", "88"), Target("club", "8")]

days = st.dates(date(2025, 1, 1), date(2027, 12, 31)).map(str)
amounts = st.integers(0, 100_000)


@st.composite
def lines(draw):
    recurring = draw(st.booleans())
    return line(
        draw(st.sampled_from(ITEMS)),
        option=draw(st.sampled_from(OPTIONS)),
        paid_minor=draw(amounts),
        frequency=draw(st.sampled_from(PERIODS)) if recurring else None,
        next_due_at=draw(st.none() | days),
    )


@st.composite
def facts(draw) -> OrderFact:
    item = draw(st.sampled_from(ITEMS))
    at = draw(days)
    kind = draw(
        st.sampled_from(["placed", "paid", Completed, Refunded, SubscriptionCancelled, PaymentFailed, Paused, Resumed])
    )
    if kind == "placed":
        return placed(at, *draw(st.lists(lines(), min_size=1, max_size=4)))
    if kind is Refunded:
        amount = draw(amounts)
        event_id = draw(st.none() | st.sampled_from(["1", "2"]))
        return event(Refunded, at, item, amount_minor=amount, event_id=event_id)
    if kind is SubscriptionCancelled:
        return event(kind, at, item, period_end_at=draw(st.none() | days))
    if kind != "paid":
        return event(kind, at, item)
    return rebill(
        at,
        item,
        index=draw(st.integers(1, 4)),
        option=draw(st.sampled_from(OPTIONS)),
        amount_minor=draw(amounts),
        frequency=draw(st.none() | st.sampled_from(PERIODS)),
        next_due_at=draw(st.none() | days),
        payments_left=draw(st.none() | st.integers(0, 3)),
    )


@st.composite
def rules(draw):
    return rule(
        draw(st.sampled_from(ITEMS)),
        *draw(st.sampled_from([["academy/8"], ["academy/8"], []])),
        option=draw(st.sampled_from(OPTIONS)),
        access=draw(st.sampled_from(["auto", "forever", "paid-period", "level-terms", "90 days"])),
        grace_days=draw(st.integers(0, 14)),
        after_last_payment=draw(st.sampled_from(["forever", "level-terms", "period-end"])),
        on_refund=draw(st.sampled_from(["revoke", "keep"])),
        on_partial_refund=draw(st.sampled_from(["revoke", "keep"])),
        on_cancel=draw(st.sampled_from(["period-end", "now", "keep"])),
        on_pause=draw(st.sampled_from(["period-end", "now", "keep"])),
        on_failed_payment=draw(st.sampled_from(["grace", "suspend", "keep"])),
    )


def deciding(chosen, terms):
    def decide(charge):
        found = rule_for(chosen, charge.item, charge.option)
        return Decided(found, terms) if found else None

    return decide


@given(st.lists(facts(), max_size=6), st.lists(rules(), max_size=6), st.data())
def test_any_order_of_arrival_and_any_repetition_give_the_same_grants(told, chosen, data):
    decide = deciding(chosen, dict(zip(TARGETS, TERMS, strict=True)))
    wanted = plan(fold(told), decide)

    again = data.draw(
        st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=4) if told else st.just([])))
    )

    assert plan(fold(again), decide) == wanted


@given(
    start=st.dates(date(2025, 1, 1), date(2026, 12, 31)),
    period=st.sampled_from(PERIODS),
    grace=st.integers(0, 10),
    lateness=st.lists(st.integers(0, 10), min_size=1, max_size=14),
    says_due=st.booleans(),
)
def test_access_never_has_a_gap_while_the_customer_pays(start, period, grace, lateness, says_due):
    """Charges fall due on the calendar days of the agreement; each is paid at most the grace late."""
    count, unit = str(period).split()
    due = [start] + [Period.parse(f"{int(count) * n} {unit}").after(start) for n in range(1, len(lateness) + 2)]
    told: list[OrderFact] = [
        placed(
            str(start),
            line("product-1", paid_minor=100, frequency=period, next_due_at=str(due[1]) if says_due else None),
        )
    ]
    paid = [start]
    for n, late in enumerate(lateness, start=1):
        paid_on = due[n] + timedelta(days=min(late, grace) if says_due else 0)
        assume(paid_on < due[n + 1])
        paid.append(paid_on)
        told.append(
            rebill(
                str(paid_on), "product-1", index=n, frequency=period, next_due_at=str(due[n + 1]) if says_due else None
            )
        )

    grants = plan(fold(told), deciding([rule("product-1", "academy/8", grace_days=grace)], {})).grants

    assert len(grants) == len(paid)
    covered = max(g.until_on for g in grants if g.charge_key == "first")
    for grant in sorted(grants, key=lambda g: g.charged_at)[1:]:
        assert grant.charged_at.date() <= covered, f"no access from {covered} until the payment on {grant.charged_at}"
        covered = max(covered, grant.until_on)
    assert covered >= due[len(paid)] + timedelta(days=grace)


@given(st.lists(lines(), min_size=1, max_size=4), st.lists(rules(), max_size=5))
def test_a_grant_comes_from_a_rule_for_exactly_the_item_and_option_bought(bought, chosen):
    chosen = [rule(str(r.item), f"academy/{n}", option=r.option, access="forever") for n, r in enumerate(chosen)]
    history = fold([placed("2026-03-10", *bought)])

    for grant in plan(history, deciding(chosen, {})).grants:
        by = chosen[int(grant.target.level)]
        options = {line.option for line in bought if line.item == grant.item}
        assert by.item == grant.item
        assert by.option is None or by.option in options


def lasting(told, chosen) -> dict[tuple[str, str], date]:
    """Last day by item and charge; what was taken away lasts for no day."""
    grants = plan(fold(told), deciding(chosen, dict(zip(TARGETS, TERMS, strict=True)))).grants
    return {(str(g.item), g.charge_key): (g.until_on or date.max) if g.live else date.min for g in grants}


@given(st.lists(facts(), max_size=6), st.lists(rules(), max_size=5), facts())
def test_a_fact_about_one_item_changes_nothing_of_the_others(told, chosen, one):
    assume(not isinstance(one, OrderPlaced))
    before, after = lasting(told, chosen), lasting([*told, one], chosen)

    charges = [key for key in before.keys() | after.keys() if before.get(key) != after.get(key)]
    assert {item for item, _ in charges} <= {str(one.item)}


@given(st.lists(facts(), max_size=6), st.lists(rules(), max_size=5), facts())
def test_refunds_pauses_and_refused_payments_never_give_access(told, chosen, one):
    """With the one exception that a seller may choose: to keep access open while a payment fails."""
    assume(isinstance(one, Refunded | Paused | PaymentFailed))
    # A cancellation may say more exactly how long what was paid lasts, and a refund may put it in force again.
    told = [fact for fact in told if not isinstance(fact, SubscriptionCancelled)]
    chosen = [replace(r, on_failed_payment=OnFailedPayment.SUSPEND) for r in chosen]
    before, after = lasting(told, chosen), lasting([*told, one], chosen)

    assert before.keys() == after.keys()
    assert all(after[charge] <= before[charge] for charge in before)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
keys = st.tuples(names, st.sampled_from(list(Mode)), names, st.sampled_from(ITEMS), names, st.sampled_from(TARGETS))


@given(keys, keys)
def test_no_reference_is_part_of_another(one, other):
    assume(one != other)
    refs = [
        reference(cart, mode, order, Item.parse(item), charge, target)
        for cart, mode, order, item, charge, target in (one, other)
    ]

    assert refs[0] not in refs[1]
    assert refs[1] not in refs[0]
    assert all(ref.replace("-", "").isalnum() and ref.isascii() for ref in refs)
