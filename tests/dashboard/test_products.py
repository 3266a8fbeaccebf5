"""Products: what gives nothing yet, what everything else gives, and changing that by plain forms, as a browser does."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from html import unescape
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

import stored
from db.conftest import LEVELS, make_cart, make_site
from factories import rule
from guestlist.access.models import Grant
from guestlist.accounts.acts import ALIGNED, LEFT
from guestlist.accounts.models import AuditEntry
from guestlist.connections.levels import levels_to_json
from guestlist.connections.models import Site
from guestlist.domain.facts import Item
from guestlist.domain.periods import Period
from guestlist.domain.rules import OnRefund, Rule, Target
from guestlist.domain.terms import Level, LevelTerms
from guestlist.fulfilment.align_runs import run_alignment
from guestlist.fulfilment.editing import save_rules
from guestlist.fulfilment.models import AlignRun
from guestlist.fulfilment.outlook import Sale, outlook
from guestlist.fulfilment.rules import as_row, rules_of
from guestlist.fulfilment.settings_values import RuleKey
from guestlist.inbox.interpret import interpret_shard
from guestlist.inbox.models import DeliveryState
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop

pytestmark = pytest.mark.django_db(transaction=True)

COURSE = "/products/shop/product-12"
MONTHLY = Offer(item="product-12", name="Course", price=2900, option="1", option_name="Monthly", frequency="month")
ONCE = Offer(item="product-12", name="Course", price=29900, option="2", option_name="Pay once")
PLAIN = Offer(item="product-12", name="Course", price=9900)
BUMP = Offer(item="bump-3", name="Brushes", price=900)
UPSELL = Offer(item="upsell-4", name="Masterclass", price=4900)
PAID_AT = datetime(2026, 3, 3, 12, tzinfo=UTC)


def come(*deliveries: Delivery) -> None:
    """These deliveries came from the cart and were read."""
    for delivery in deliveries:
        stored.store(state=DeliveryState.WAITING, body=delivery.as_form())
        interpret_shard(0)


def sell(*offers: Offer, to: str = "nora@buyers.test", at: datetime = PAID_AT) -> None:
    come(Shop("WORDOFTHESHOP").order(Buyer(email=to), *offers, at=at).success())


@pytest.fixture
def shop(db: None) -> None:
    """A cart and two sites, and nothing that gives anything."""
    make_cart("shop")
    make_site("academy", state="ok")
    make_site("club", state="ok")


def give(*rules: Rule) -> None:
    for each in rules:
        as_row("shop", each).save()


def given(item: str = "product-12") -> dict[str | None, list[str]]:
    """The item's stored rules: option -> levels."""
    return {
        found.option: [f"{target.site}/{target.level}" for target in found.grants]
        for found in rules_of("shop")
        if str(found.item) == item
    }


def access() -> set[str]:
    return {f"{grant.member.site_id}/{grant.level}" for grant in Grant.objects.filter(live=True)}


class Page(HTMLParser):
    """What a browser that runs no scripts makes of a page: each form with what it would send, by its action."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, list[str]]] = {}
        self.ids: Counter[str] = Counter()
        self.headings: list[int] = []
        self._form: dict[str, list[str]] | None = None
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "id" in values:
            self.ids[values["id"]] += 1
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "form":
            self._form = self.forms[values.get("action", "")] = {}
        if self._form is None:
            return
        name, value = values.get("name", ""), values.get("value", "")
        if tag == "input" and (values.get("type") not in ("radio", "checkbox") or "checked" in values):
            self._form.setdefault(name, []).append(value)
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in values or self._select not in self._form):
            self._form[self._select] = [value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def entered(client: Client, address: str = COURSE, *, page: str = "", **changed: Any) -> dict[str, Any]:
    """What the item's form would send, with some fields filled in otherwise; `__` in a name stands for `-`."""
    fields: dict[str, Any] = dict(Page(client.get(page or address).content.decode()).forms[address])
    return fields | {name.replace("__", "-"): value for name, value in changed.items()}


def save(client: Client, address: str = COURSE, *, do: str = "check", **changed: Any) -> HttpResponse:
    return client.post(address, {**entered(client, address, **changed), "do": do})


def shown(client: Client, answer: HttpResponse) -> str:
    """The words of the page that an act leads to."""
    assert answer.status_code == 303
    return text(client.get(answer.headers["Location"]))


def text(answer: HttpResponse) -> str:
    """The words of a page or of a part of it."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.content.decode())).split())


# The list


def test_without_a_cart_the_list_says_to_connect_one(db: None, viewer: Client) -> None:
    found = viewer.get("/products")
    assert "No cart is connected yet" in text(found)
    assert "/settings/integrations" in found.content.decode()


def test_before_anything_is_sold_the_list_says_that_products_come_by_themselves(shop: None, viewer: Client) -> None:
    assert "No products are known yet" in text(viewer.get("/products"))


def test_what_was_sold_and_gives_nothing_is_on_top_most_sold_first(shop: None, operator: Client) -> None:
    sell(PLAIN, BUMP)
    sell(BUMP, to="omar@buyers.test")
    found = text(operator.get("/products"))
    assert "Sold, but gives nothing yet 2" in found
    assert found.index("2 orders") < found.index("1 order ") < found.index("All items")


def test_an_item_without_a_site_to_map_it_to_says_to_connect_one(db: None, operator: Client) -> None:
    make_cart("shop")
    sell(PLAIN)
    assert "Connect a site first" in text(operator.get("/products"))


def test_one_click_maps_an_item_and_leads_to_those_who_bought_it_before(shop: None, operator: Client) -> None:
    sell(PLAIN)
    sent = Page(operator.get("/products").content.decode()).forms["/products/map"] | {"target": "academy/10"}
    answer = operator.post("/products/map", sent)
    assert given() == {None: ["academy/10"]}
    assert answer.headers["Location"] == f"{COURSE}/align"
    assert "Saved. New buyers get it from now on." in shown(operator, answer)
    assert access() == set()

    counted = operator.get(f"{COURSE}/align/count")
    assert "1 order of Course came before there was a rule for it." in text(counted)
    assert "1 membership is added" in text(counted)
    assert "nora@buyers.test" in text(counted)


def test_one_click_gives_nobody_what_was_chosen_for_another_option(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    sell(ONCE, to="omar@buyers.test")
    found = text(operator.get("/products"))
    assert "product-12 · option Monthly" in found
    operator.post("/products/map", {"cart": "shop", "item": "product-12", "option": "1", "target": "academy/8"})
    assert given() == {"1": ["academy/8"]}


def test_one_click_on_the_only_option_means_those_to_come_as_well(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    operator.post("/products/map", {"cart": "shop", "item": "product-12", "option": "1", "target": "academy/8"})
    assert given() == {None: ["academy/8"]}


def test_mapping_an_option_of_an_item_whose_options_are_told_apart_joins_them(shop: None, operator: Client) -> None:
    give(rule("product-12", "academy/8", option="1"))
    operator.post("/products/map", {"cart": "shop", "item": "product-12", "option": "2", "target": "academy/10"})
    assert given() == {"1": ["academy/8"], "2": ["academy/10"]}


def test_one_click_says_that_an_item_gives_no_access_on_purpose(shop: None, operator: Client) -> None:
    sell(PLAIN)
    sent = Page(operator.get("/products").content.decode()).forms["/products/map"] | {"target": "nothing"}
    answer = operator.post("/products/map", sent)
    assert given() == {None: []}
    assert "nobody gains or loses anything" in text(operator.get(f"{answer.headers['Location']}/count"))

    operator.post(answer.headers["Location"])
    run_alignment(AlignRun.objects.get().pk)
    found = text(operator.get("/products"))
    assert "Sold, but gives nothing yet" not in found
    assert "No access, on purpose" in found
    assert "Course" in text(operator.get("/products?mapped=nothing"))
    assert "Nothing matches" in text(operator.get("/products?mapped=no"))
    assert "Nothing matches" in text(operator.get("/products?mapped=yes"))


def test_an_item_gives_no_access_on_purpose_in_one_option_alone(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    sell(ONCE, to="omar@buyers.test")
    save(operator, do="save", split="each", o1__levels=["academy/8"], o2__nothing="on")
    assert given() == {"1": ["academy/8"], "2": []}
    assert "Buyers get no access for it." in text(operator.get(COURSE))
    again = dict(Page(operator.get(COURSE).content.decode()).forms[COURSE])
    assert (again["o2-nothing"], "o1-nothing" in again) == (["on"], False)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"target": ""}, "Choose the level that it is to give."),
        ({"target": "academy/424242"}, "no level"),
        ({"item": "thing-1"}, "thing-1"),
        ({"cart": "elsewhere"}, "elsewhere"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused_in_words(
    shop: None, operator: Client, changed: dict[str, str], said: str
) -> None:
    sent = {"cart": "shop", "item": "product-12", "option": "", "target": "academy/8"} | changed
    assert said in shown(operator, operator.post("/products/map", sent))
    assert given() == {}


def test_sales_of_what_is_mapped_by_now_are_offered_to_be_made_good(shop: None, operator: Client) -> None:
    sell(PLAIN)
    give(rule("product-12", "academy/10"))
    found = operator.get("/products")
    assert "Bring them in line" in text(found)
    assert f"{COURSE}/align" in found.content.decode()


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("q=brush", ["Brushes"]),
        ("q=product-12", ["Course"]),
        ("mapped=yes", ["Course"]),
        ("mapped=no", ["Brushes", "Masterclass"]),
        ("q=zzz", []),
        ("cart=nonsense", ["Course", "Brushes", "Masterclass"]),
    ],
)
def test_the_list_is_narrowed(shop: None, viewer: Client, asked: str, names: list[str]) -> None:
    give(rule("product-12", "academy/8"))
    sell(PLAIN, BUMP, UPSELL)
    answer = viewer.get(f"/products?{asked}")
    rows = re.findall(r'<td data-label="Item"><span><a [^>]*>([^<]*)', answer.content.decode())
    assert rows == names
    assert ("Nothing matches" in text(answer)) is not bool(names)


def test_the_list_tells_options_and_levels(shop: None, viewer: Client) -> None:
    give(rule("product-12", "academy/8", "club/8", option="1"))
    sell(MONTHLY)
    sell(ONCE, to="omar@buyers.test")
    found = text(viewer.get("/products"))
    assert "Monthly, Pay once" in found
    assert "Gold monthly (academy), Gold monthly (club) (not for every option)" in found


# An item's own page


def test_an_item_that_was_never_sold_is_mapped_beforehand(shop: None, operator: Client) -> None:
    answer = save(operator, all__levels=["academy/8", "club/10"])
    assert answer.status_code == 303
    assert given() == {None: ["academy/8", "club/10"]}


def test_the_same_for_all_pricing_options_is_one_rule(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    sell(ONCE)
    save(operator, do="save", split="same", all__levels=["academy/8"], all__grace_days="5", all__on_refund="keep")
    (found,) = rules_of("shop")
    assert (found.option, found.grants, found.grace_days) == (None, (Target("academy", "8"),), 5)
    assert found.on_refund is OnRefund.KEEP


def test_different_per_option_is_a_rule_for_each_and_back_again_is_one(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    sell(ONCE)
    save(operator, do="save", split="each", o1__levels=["academy/8"], o2__levels=["academy/10"], all__levels=[])
    assert given() == {"1": ["academy/8"], "2": ["academy/10"]}
    assert entered(operator)["split"] == ["each"]
    save(operator, do="save", split="same", all__levels=["club/9"])
    assert given() == {None: ["club/9"]}


@pytest.mark.parametrize(
    "meanwhile",
    [
        Offer(item="product-12", name="Course", price=900, option="3", option_name="A new one"),
        Offer(item="product-12", name="Course", price=29900, option="2", option_name="At once, renamed"),
    ],
    ids=["sold in a new option", "an option renamed"],
)
def test_what_is_sold_while_the_form_is_open_moves_no_choice_to_another_option(
    shop: None, operator: Client, meanwhile: Offer
) -> None:
    sell(MONTHLY)
    sell(ONCE)
    sent = entered(operator, split="each", o1__levels=["academy/8"], o2__levels=["academy/10"], all__levels=[])
    sell(meanwhile, to="omar@buyers.test")
    assert operator.post(COURSE, {**sent, "do": "save"}).status_code == 303
    assert given() == {"1": ["academy/8"], "2": ["academy/10"]}


def test_what_somebody_else_saved_meanwhile_is_put_aside_only_by_who_was_told_of_it(
    shop: None, operator: Client, owner: Client
) -> None:
    sell(PLAIN)
    give(rule("product-12", "academy/8"))
    sent = entered(operator, all__levels=["academy/9"])
    save(owner, do="save", all__levels=["club/10"])
    answer = operator.post(COURSE, {**sent, "do": "save"})
    assert answer.status_code == 422
    assert "changed by somebody else" in text(answer)
    assert given() == {None: ["club/10"]}
    again = dict(Page(answer.content.decode()).forms[COURSE])
    assert again["all-levels"] == ["academy/9"]
    operator.post(COURSE, {**again, "do": "save"})
    assert given() == {None: ["academy/9"]}


def test_a_click_sent_twice_maps_an_item_once(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    sent = {"cart": "shop", "item": "product-12", "option": "1", "target": "academy/8"}
    operator.post("/products/map", sent)
    answer = operator.post("/products/map", {**sent, "target": "academy/10"})
    assert "gives something already; nothing was changed" in shown(operator, answer)
    assert given() == {None: ["academy/8"]}


def test_who_begins_to_tell_options_apart_begins_with_what_held_for_all(shop: None, operator: Client) -> None:
    sell(MONTHLY)
    sell(ONCE)
    save(operator, do="save", all__levels=["academy/8"])
    assert entered(operator)["o1-levels"] == entered(operator)["o2-levels"] == ["academy/8"]


def test_all_choices_come_back_as_they_were_saved(shop: None, operator: Client) -> None:
    chosen = rule(
        "product-12",
        "club/10",
        "academy/8",
        access="90 days",
        grace_days=0,
        on_refund="keep",
        on_partial_refund="revoke",
        on_cancel="now",
        on_failed_payment="suspend",
        on_pause="keep",
        after_last_payment="period-end",
        welcome_email="always",
        password_email="never",
    )
    give(chosen)
    save(operator, do="save")
    # The first level carries the charge's amount at the site, so the order stays, too.
    assert rules_of("shop") == [chosen]


def test_a_bump_is_chosen_beside_its_product_and_leads_back_there(shop: None, operator: Client) -> None:
    sell(PLAIN, BUMP)
    sent = entered(operator, "/products/shop/bump-3", page=COURSE, all__levels=["club/10"])
    answer = operator.post("/products/shop/bump-3", {**sent, "do": "save"})
    assert given("bump-3") == {None: ["club/10"]}
    assert answer.headers["Location"] == COURSE


def test_a_bump_that_was_not_filled_in_rightly_still_leads_back_to_its_product(shop: None, operator: Client) -> None:
    sell(PLAIN, BUMP)
    bump = "/products/shop/bump-3"
    refused = operator.post(bump, {**entered(operator, bump, page=COURSE), "do": "check"})
    assert refused.status_code == 422
    again: dict[str, Any] = dict(Page(refused.content.decode()).forms[bump])
    answer = operator.post(bump, {**again, "all-levels": "club/10", "do": "save"})
    assert answer.headers["Location"] == COURSE


def test_only_our_own_pages_are_led_back_to(shop: None, operator: Client) -> None:
    sent = entered(operator, all__levels=["academy/8"], next="https://elsewhere.test/")
    assert operator.post(COURSE, sent).headers["Location"] == COURSE
    sell(PLAIN)
    asked = operator.post(COURSE, {**sent, "all-levels": "academy/9", "next": "javascript:alert(1)"})
    assert "javascript:" not in asked.content.decode()


def test_upsells_and_downsells_are_on_the_funnel_tab(shop: None, operator: Client) -> None:
    sell(PLAIN, BUMP, UPSELL)
    funnel = operator.get(f"{COURSE}?tab=funnel")
    assert "Masterclass Upsell" in text(funnel)
    assert "Brushes" not in text(funnel)
    assert "Masterclass" not in text(operator.get(COURSE))
    sent = entered(operator, "/products/shop/upsell-4", page=f"{COURSE}?tab=funnel", all__levels=["academy/10"])
    answer = operator.post("/products/shop/upsell-4", {**sent, "do": "save"})
    assert answer.headers["Location"] == f"{COURSE}?tab=funnel"
    assert given("upsell-4") == {None: ["academy/10"]}


def test_a_funnel_without_anything_says_that_it_fills_by_itself(shop: None, viewer: Client) -> None:
    assert "No upsell or downsell was sold with it yet" in text(viewer.get(f"{COURSE}?tab=funnel"))


def test_an_add_on_names_the_products_it_was_sold_with(shop: None, viewer: Client) -> None:
    sell(PLAIN, BUMP)
    found = viewer.get("/products/shop/bump-3")
    assert "sold with Course" in text(found)
    assert COURSE in found.content.decode()


def test_without_a_site_the_page_says_to_connect_one(db: None, operator: Client) -> None:
    make_cart("shop")
    assert "No membership site is connected yet" in text(operator.get(COURSE))


def test_a_site_whose_levels_are_not_read_yet_says_so(shop: None, operator: Client) -> None:
    Site.objects.filter(pk="club").update(levels=[], levels_read_at=None)
    assert "Its levels are not read yet." in text(operator.get(COURSE))


def test_each_page_has_each_id_once_and_its_headings_in_order(shop: None, operator: Client) -> None:
    sell(MONTHLY, BUMP, UPSELL)
    sell(ONCE, BUMP, to="omar@buyers.test")
    give(rule("product-12", "academy/8"))
    asked = save(operator, all__levels=["academy/9"])
    pages = (
        "/products",
        COURSE,
        f"{COURSE}?tab=funnel",
        "/products/shop/bump-3",
        f"{COURSE}/align",
        f"{COURSE}/remove",
    )
    for answer in [asked, *(operator.get(page) for page in pages)]:
        page = Page(answer.content.decode())
        assert [found for found, times in page.ids.items() if times > 1] == []
        levels = [0, *page.headings]
        assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


# The preview


def test_the_examples_follow_what_is_entered_and_nothing_is_saved(shop: None, viewer: Client) -> None:
    sell(PLAIN)
    sent = entered(viewer, all__levels=["academy/10"])
    assert "Access for ever" in text(viewer.post(f"{COURSE}/outlook", sent))
    sent |= {"all-access": "fixed", "all-length": "90", "all-unit": "days"}
    assert f"Access until 1 June {timezone.localdate().year}" in text(viewer.post(f"{COURSE}/outlook", sent))
    assert given() == {}


def test_an_example_is_told_for_each_option_as_it_is_paid(shop: None, viewer: Client) -> None:
    sell(MONTHLY)
    sell(ONCE)
    sent = entered(viewer, split="each", o1__levels=["academy/8"], o2__levels=["academy/8"])
    monthly, once = text(viewer.post(f"{COURSE}/outlook", sent)).split("Pay once")
    assert "Pays a monthly subscription on 3 March" in monthly
    assert "Buys once" not in monthly
    assert "Buys once on 3 March" in once
    assert "subscription" not in once


def test_an_option_without_levels_of_its_own_is_shown_to_give_what_any_other_gives(shop: None, viewer: Client) -> None:
    sell(MONTHLY)
    sell(ONCE)
    sent = entered(viewer, split="each", o1__levels=["academy/8"], o2__levels=[], all__levels=["academy/10"])
    _, once = text(viewer.post(f"{COURSE}/outlook", sent)).split("Any other option")[0].split("Pay once")
    assert "Buys once on 3 March" in once
    assert "Access for ever" in once


def test_examples_of_several_ways_to_pay_are_told_apart(shop: None, viewer: Client) -> None:
    sell(MONTHLY)
    sell(ONCE)
    found = text(viewer.post(f"{COURSE}/outlook", entered(viewer, split="same", all__levels=["academy/8"])))
    assert found.index("Paid once") < found.index("A subscription") < found.index("A plan of several payments")


def test_what_is_not_filled_in_rightly_yet_has_no_example(shop: None, viewer: Client) -> None:
    answer = viewer.post(f"{COURSE}/outlook", entered(viewer, all__levels=["academy/8"], all__grace_days="999"))
    assert answer.status_code == 200
    assert "Choose a level" in text(answer)


def test_without_scripts_a_button_shows_the_examples(shop: None, operator: Client) -> None:
    answer = save(operator, do="outlook", all__levels=["academy/10"])
    assert answer.status_code == 200
    assert "access for ever" in text(answer).lower()
    assert given() == {}


_CHOICES: list[dict[str, Any]] = [
    {},
    {"grace_days": 0, "on_cancel": "now", "on_failed_payment": "suspend", "on_pause": "now"},
    {"access": "90 days", "on_refund": "keep", "on_partial_refund": "revoke"},
    {"access": "level-terms", "on_cancel": "keep", "on_failed_payment": "keep", "on_pause": "keep"},
]
_ON_10_MARCH = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize("choices", _CHOICES)
@pytest.mark.parametrize("sale", [Sale.ONCE, Sale.SUBSCRIPTION])
def test_the_preview_is_what_a_real_order_then_gives(shop: None, sale: Sale, choices: dict[str, Any]) -> None:
    made = rule("product-12", "academy/8", "club/10", **choices)
    give(made)
    terms = {Target(site, level.id): level.terms for site in ("academy", "club") for level in LEVELS}
    told = {
        example.happens: [None if level.ended else (level.until_on or "for ever") for level in example.levels]
        for example in outlook(made, terms, [sale], PAID_AT.date())
    }
    shop_of_now = Shop("WORDOFTHESHOP")
    happened = {}
    for happens, acts in _real(sale).items():
        buyer = Buyer(email=f"n{len(happened)}@buyers.test")
        order = shop_of_now.order(buyer, PLAIN if sale is Sale.ONCE else MONTHLY, at=PAID_AT)
        come(order.success(), *(act(order) for act in acts))
        happened[happens] = [_has(buyer.email, target) for target in made.grants]
    assert happened == told


def _real(sale: Sale) -> dict[str, list[Callable[[Any], Delivery]]]:
    """What the examples say that happens -> what the cart then sends."""
    refunds: dict[str, list[Callable[[Any], Delivery]]] = {
        "Gets all the money back on 10 March": [lambda order: order.refund(at=_ON_10_MARCH)],
        "Gets part of the money back on 10 March": [lambda order: order.refund(net=900, at=_ON_10_MARCH)],
    }
    if sale is Sale.ONCE:
        return {"Buys once on 3 March": [], **refunds}
    return {
        "Pays a monthly subscription on 3 March": [],
        "Pays again on 3 April": [lambda order: order.rebill()],
        "Cancels on 10 March": [lambda order: order.cancel(at=_ON_10_MARCH)],
        "The payment of 3 April fails": [lambda order: order.rebill_failed()],
        "Pauses on 10 March": [lambda order: order.pause(at=_ON_10_MARCH)],
        **refunds,
    }


def _has(email: str, target: Target) -> date | str | None:
    """How long access to a level lasts; None = there is none."""
    held = Grant.objects.filter(member__email_key=email, member__site=target.site, level=target.level)
    live = held.filter(live=True)
    ends = [grant.until_on for grant in live]
    return None if not ends else "for ever" if None in ends else max(end for end in ends if end)


# Saving where somebody bought it before


@pytest.fixture
def bought(shop: None) -> None:
    """Somebody has bought it and has a level for life."""
    give(rule("product-12", "academy/10"))
    sell(PLAIN)


def test_who_bought_before_is_asked_about_first(bought: None, operator: Client) -> None:
    asked = save(operator, all__levels=["club/10"])
    assert "Not saved yet: this was sold before." in text(asked)
    assert given() == {None: ["academy/10"]}
    # What was entered is still there, and is counted once the page is shown.
    sent: dict[str, Any] = dict(Page(asked.content.decode()).forms[COURSE])
    assert sent["all-levels"] == ["club/10"]
    assert f'hx-post="{COURSE}/count"' in asked.content.decode()
    counted = text(operator.post(f"{COURSE}/count", sent))
    assert "1 person who bought it before is concerned" in counted
    assert "1 membership is added" in counted
    assert "1 membership is taken away" in counted
    assert given() == {None: ["academy/10"]}

    assert operator.post(COURSE, {**sent, "do": "save"}).status_code == 303
    assert given() == {None: ["club/10"]}
    assert access() == {"academy/10"}
    assert not AlignRun.objects.exists()


def test_what_is_not_filled_in_is_not_counted_and_that_is_said(bought: None, operator: Client) -> None:
    sent = entered(operator, all__levels=["club/10"], all__access="fixed", all__length="")
    assert "Fill in every field" in text(operator.post(f"{COURSE}/count", sent))


def test_who_has_nothing_yet_is_to_be_given_it_first_of_all(shop: None, operator: Client) -> None:
    sell(PLAIN)
    asked = save(operator, all__levels=["academy/10"])
    assert "Save and bring them in line Save; they get nothing Do not save" in text(asked)


def test_who_shall_get_nothing_is_not_asked_about_again(shop: None, operator: Client) -> None:
    sell(PLAIN)
    saved = save(operator, do="save", all__levels=["academy/10"])
    assert "1 order from before there was a rule is left as it is" in shown(operator, saved)
    assert "Sold, but gives nothing yet" not in operator.get("/attention").content.decode()
    assert access() == set()


def test_levels_are_called_by_name(bought: None, operator: Client) -> None:
    sent = entered(operator, all__levels=["academy/8"])
    counted = text(operator.post(f"{COURSE}/count", sent))
    assert "loses level Lifetime at academy" in counted


def test_without_scripts_a_button_counts(bought: None, operator: Client) -> None:
    asked = save(operator, do="count", all__levels=["club/10"])
    assert "1 membership is taken away" in text(asked)
    assert given() == {None: ["academy/10"]}


def test_nobody_is_asked_about_where_nothing_changes(bought: None, operator: Client) -> None:
    assert save(operator).status_code == 303


def test_a_change_that_concerns_nobody_says_so(bought: None, operator: Client) -> None:
    sent = entered(operator, split="each", all__levels=["academy/10"])
    assert "Nobody who bought it before is concerned" in text(operator.post(f"{COURSE}/count", sent))


def test_saving_and_bringing_in_line_is_begun_done_and_told(bought: None, operator: Client) -> None:
    answer = save(operator, do="save-align", all__levels=["club/10"])
    assert answer.headers["Location"] == f"{COURSE}/align"
    assert "Bringing past sales in line: looking for them." in text(operator.get(f"{COURSE}/align"))
    assert "Bringing past sales in line" in text(operator.get(COURSE))
    run = AlignRun.objects.get()
    run_alignment(run.pk)
    assert access() == {"club/10"}
    assert "1 order was brought in line" in text(operator.get(f"{COURSE}/align/run"))
    assert "Everybody who bought it has what today's rules give." in text(operator.get(f"{COURSE}/align/count"))


def test_who_bought_before_is_brought_in_line_on_request(bought: None, operator: Client) -> None:
    save_rules("shop", [rule("product-12", "club/10")])
    counted = operator.get(f"{COURSE}/align?count=1")
    assert "1 order of Course was not decided by the rules of today." in text(counted)
    assert operator.post(f"{COURSE}/align").status_code == 303
    run_alignment(AlignRun.objects.get().pk)
    assert access() == {"club/10"}


def test_who_bought_before_there_was_a_rule_is_told_as_such(shop: None, operator: Client) -> None:
    sell(PLAIN)
    nothing = text(operator.get(f"{COURSE}/align?count=1"))
    assert "No rule says what it gives" in nothing
    assert "today's rules" not in nothing
    give(rule("product-12", "academy/10"))
    assert "1 order of Course came before there was a rule for it." in text(operator.get(f"{COURSE}/align?count=1"))


def test_who_bought_before_there_was_a_rule_can_be_left_as_they_are(shop: None, operator: Client) -> None:
    sell(PLAIN)
    give(rule("product-12", "academy/10"))
    assert "Sold, but gives nothing yet" in operator.get("/attention").content.decode()

    left = operator.post(f"{COURSE}/align", {"do": "leave"})

    assert left.headers["Location"] == COURSE
    assert "1 order from before there was a rule is left as it is" in shown(operator, left)
    assert "Sold, but gives nothing yet" not in operator.get("/attention").content.decode()
    assert access() == set()
    assert not AlignRun.objects.exists()
    entry = AuditEntry.objects.get(did=LEFT)
    assert (entry.actor.email, entry.additional_data) == (
        "operator@example.com",
        {"item": "product-12", "orders": 1},
    )
    later = operator.get(f"{COURSE}/align?count=1")
    assert "1 order of Course was not decided by the rules of today." in text(later)


def test_who_bought_under_a_removed_rule_is_told_as_such(bought: None, operator: Client) -> None:
    save_rules("shop", [], instead_of=[RuleKey("shop", Item.parse("product-12"), None)])
    counted = text(operator.get(f"{COURSE}/align/count"))
    assert "1 order of Course was decided by a rule that was removed." in counted


def test_who_bought_when_a_level_had_other_terms_is_told_as_such(bought: None, operator: Client) -> None:
    Site.objects.filter(pk="academy").update(
        levels=levels_to_json([Level("10", "Lifetime", LevelTerms(period=Period.parse("1 year")))])
    )
    counted = text(operator.get(f"{COURSE}/align/count"))
    assert "1 order of Course was decided when the levels had other terms at the site." in counted


def test_a_run_that_found_nothing_says_so(bought: None, operator: Client) -> None:
    operator.post(f"{COURSE}/align")
    run_alignment(AlignRun.objects.get().pk)
    assert "Nothing had to be brought in line." in text(operator.get(f"{COURSE}/align/run"))


def test_an_item_is_let_give_nothing_after_saying_what_that_means(bought: None, operator: Client) -> None:
    assert "Who bought it keeps what they have" in text(operator.get(f"{COURSE}/remove"))
    assert given() == {None: ["academy/10"]}
    removed = operator.post(f"{COURSE}/remove")
    assert "From now on Course gives nothing to whoever pays for it." in shown(operator, removed)
    assert given() == {}
    assert access() == {"academy/10"}


# What is wrong, and who may


@pytest.mark.parametrize(
    ("changed", "field", "said"),
    [
        ({"all__levels": []}, "all-levels", "Choose at least one level, or that it gives no access"),
        ({"all__nothing": "on"}, "all-levels", "Take one of them back"),
        ({"all__levels": ["academy/424242"]}, "all-levels", "academy/424242 is no level of a connected site any more"),
        ({"all__access": "fixed", "all__length": ""}, "all-length", "How long? Enter a number"),
        ({"all__access": "fixed", "all__length": "0"}, "all-length", "greater than or equal to 1"),
        ({"all__grace_days": "999"}, "all-grace_days", "less than or equal to 365"),
        ({"all__grace_days": ""}, "all-grace_days", "required"),
        ({"all__on_refund": "perhaps"}, "all-on_refund", "perhaps"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    shop: None, operator: Client, changed: dict[str, Any], field: str, said: str
) -> None:
    answer = save(operator, **{"all__levels": ["academy/8"], **changed})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Not saved. Mend what is marked below" in text(answer)
    told = html.split(f'id="product-12-{field}-error"', 1)[1].split("</p>", 1)[0]
    assert said in told
    assert f'aria-describedby="product-12-{field}-error' in html
    assert given() == {}
    assert save(operator, all__levels=["academy/8"]).status_code == 303


def test_a_rule_that_names_a_level_that_is_gone_says_so_and_goes_on_without_it(shop: None, operator: Client) -> None:
    give(rule("product-12", "academy/8", "club/77"))
    assert "It also names club 77, which that site does not have" in text(operator.get(COURSE))
    kept = save(operator, all__levels=["academy/8", "club/77"])
    assert kept.status_code == 422
    assert "Club does not answer properly" in text(kept)
    assert save(operator).status_code == 303
    assert given() == {None: ["academy/8"]}


def test_a_viewer_looks_and_changes_nothing(bought: None, viewer: Client) -> None:
    page = viewer.get(COURSE)
    assert page.status_code == 200
    assert "<button" not in page.content.decode().split("<main", 1)[1].split("</main", 1)[0]
    sent = entered(viewer, all__levels=["club/10"])
    for address in (COURSE, f"{COURSE}/align", f"{COURSE}/remove", "/products/map"):
        assert viewer.post(address, {**sent, "do": "save"}).status_code == 403
    assert given() == {None: ["academy/10"]}
    assert not AlignRun.objects.exists()


@pytest.mark.parametrize("act", ["", "/outlook", "/remove", "/align", "/align/count", "/align/run"])
@pytest.mark.parametrize("unknown", ["elsewhere/product-12", "shop/thing-1", "shop/product-"])
def test_what_is_no_item_is_not_found(shop: None, operator: Client, unknown: str, act: str) -> None:
    assert operator.get(f"/products/{unknown}{act}").status_code == 404


def test_an_item_of_a_disconnected_cart_is_not_found(shop: None, operator: Client) -> None:
    stored.disconnect("shop")
    assert operator.get(COURSE).status_code == 404


def test_who_changed_what_is_written_down(bought: None, operator: Client) -> None:
    AuditEntry.objects.all().delete()
    save(operator, do="save-align", all__levels=["club/10"])
    operator.post(f"{COURSE}/remove")
    rows = [(entry.get_action_display(), entry.did, entry.actor.email) for entry in AuditEntry.objects.order_by("id")]
    assert rows == [
        ("update", "", "operator@example.com"),
        ("access", ALIGNED, "operator@example.com"),
        ("delete", "", "operator@example.com"),
    ]
    changed, aligned, _ = AuditEntry.objects.order_by("id")
    assert "grants" in changed.changes
    assert aligned.additional_data == {"item": "product-12"}
