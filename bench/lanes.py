"""The lanes row: site requests a second with 25 sites, 2 requests at a time each, 100 ms a request, everything on.

Ideal is 25 x 2 / 0.1 s = 500 a second. Every member is new to its site: search, create, transaction. Counted are the
requests made, over the time from the first one's beginning to the last one's end; the sandbox sites prove them.
"""

from __future__ import annotations

import json
import time
import urllib.request

from bench.environment import Environment, free_port, wait_for

SITES = 25
AT_A_TIME = 2
LATENCY_SECONDS = 0.1
MEMBERS_PER_SITE = 80
REQUESTS_PER_MEMBER = 3
IDEAL = SITES * AT_A_TIME / LATENCY_SECONDS
WANTED_RATIO = 0.60


def main() -> bool:
    """Run and print; tells whether the wanted ratio was reached."""
    with Environment() as environment:
        port = free_port()
        options = f"port={port}, latency_ms={LATENCY_SECONDS * 1000}"
        environment.start("-c", f"from guestlist.sandbox.site.server import run; run({options})")
        wait_for(f"http://127.0.0.1:{port}/sandbox/state")
        _fill(port)
        environment.start("-m", "guestlist", "worker")
        _wait_until_idle()
        rate, requests = _rate()
        _prove(port)
    ratio = rate / IDEAL
    print(f"lanes: {requests} site requests for {SITES * MEMBERS_PER_SITE} new members at {SITES} sites")
    print(f"lanes: {rate:.0f} requests/s / ideal {IDEAL:.0f}/s = {ratio:.2f} (wanted: at least {WANTED_RATIO:.2f})")
    return ratio >= WANTED_RATIO


def _fill(port: int) -> None:
    from django.utils import timezone

    from guestlist.access.models import Grant, Member
    from guestlist.connections.models import Cart, Site
    from guestlist.orders.models import Customer, Order
    from guestlist.sandbox.site.wordpress import DEFAULT_KEY

    now = timezone.now()
    cart = Cart(id="shop", kind="thrivecart")
    cart.secret = "WORDOFTHESHOP"
    cart.save()
    for number in range(SITES):
        site = Site(
            id=f"site{number}",
            kind="memberpress",
            url=f"http://127.0.0.1:{port}/s/site{number}",
            allow_private_address=True,
            concurrency=AT_A_TIME,
            levels_read_at=now,
        )
        site.credentials = {"api_key": DEFAULT_KEY}
        site.save()
    people = [(site, number) for number in range(MEMBERS_PER_SITE) for site in range(SITES)]
    addresses = [f"buyer{number}@site{site}.test" for site, number in people]
    customers = Customer.objects.bulk_create(
        Customer(cart=cart, external_id=str(n), email=address, email_key=address, as_of=now)
        for n, address in enumerate(addresses)
    )
    orders = Order.objects.bulk_create(
        Order(cart=cart, external_id=str(n), mode="live", customer=customer, placed_at=now)
        for n, customer in enumerate(customers)
    )
    members = Member.objects.bulk_create(
        Member(site_id=f"site{site}", email=address, email_key=address, state="due", due_at=now)
        for (site, _), address in zip(people, addresses, strict=True)
    )
    Grant.objects.bulk_create(
        Grant(
            member=member,
            site_id=member.site_id,
            order=order,
            customer=order.customer,
            item="product-1",
            charge_key="first",
            level="10",
            ref=f"gl-{order.external_id}-{n:024x}",
            reason="bench",
            currency="USD",
            charged_at=now,
            welcome="new",
        )
        for n, (member, order) in enumerate(zip(members, orders, strict=True))
    )


def _wait_until_idle() -> None:
    from guestlist.access.models import Member

    deadline = time.monotonic() + 180
    while Member.objects.exclude(state="idle").exists():
        if time.monotonic() > deadline:
            raise SystemExit("lanes: not done after 180 s")
        time.sleep(0.25)


def _ask(port: int, site: int, path: str) -> object:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/s/site{site}/sandbox/{path}", timeout=30) as answer:
        return json.load(answer)


def _rate() -> tuple[float, int]:
    """Requests a second, from the moments that Guestlist itself kept (the sandbox's clock counts whole seconds)."""
    from guestlist.access.models import SiteRequest

    times = [(at.timestamp(), took / 1000) for at, took in SiteRequest.objects.values_list("at", "milliseconds")]
    seconds = max(at + took for at, took in times) - min(at for at, _ in times)
    return len(times) / seconds, len(times)


def _prove(port: int) -> None:
    """Speed counts only if each member got exactly what was wanted."""
    for site in range(SITES):
        state = _ask(port, site, "state")
        assert isinstance(state, dict)
        complete = [row for row in state["transactions"] if row["status"] == "complete"]
        inside = [person for person in state["members"] if person["access"]]
        requests = _ask(port, site, "requests")
        assert isinstance(requests, list)
        if len(requests) != MEMBERS_PER_SITE * REQUESTS_PER_MEMBER:
            raise SystemExit(f"lanes: site{site} answered {len(requests)} requests")
        if len(complete) != MEMBERS_PER_SITE or len(inside) != MEMBERS_PER_SITE:
            raise SystemExit(f"lanes: site{site} has {len(inside)} members in and {len(complete)} transactions")


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
