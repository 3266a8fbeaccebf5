"""`guestlist status` and `guestlist wait`: how everything stands, and waiting until it has settled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.console import AsJson, boot, counted, print_json, print_paragraph, print_table, shown

if TYPE_CHECKING:
    from guestlist.engine.overview import Overview, SiteStatus

POLL_SECONDS = 0.1


def status(as_json: AsJson = False) -> None:
    """Show how everything stands: deliveries, members, carts, sites, and what was sold but no rule names."""
    boot()
    from guestlist.engine.overview import overview

    found = overview()
    if as_json:
        print_json(found)
    else:
        _print_overview(found)


def wait(
    timeout: Annotated[float, typer.Option(min=0, max=86_400, help="Seconds to wait at most.")] = 60.0,
) -> None:
    """Wait until every delivery is interpreted and all access is as desired or needs attention.

    A retry still to come counts as open. Exit code 0 = settled, 1 = the time is over.
    """
    boot()
    from guestlist.engine.overview import still_open

    ends_at = time.monotonic() + timeout
    while True:
        looked_at = time.monotonic()
        found = still_open()
        now = time.monotonic()
        if found.nothing:
            return
        if now >= ends_at:
            typer.echo(f"guestlist: still open after {timeout:g} s: {found.in_words()}.", err=True)
            raise typer.Exit(1)
        # With a great many members a look takes a while; the work waited for comes first.
        time.sleep(min(max(POLL_SECONDS, 5 * (now - looked_at)), ends_at - now))


def _print_overview(found: Overview) -> None:
    inbox, members = found.deliveries, found.members
    print(f"Deliveries  {inbox.waiting} waiting, {inbox.unreadable} unreadable, {inbox.failed} failed")
    print(
        f"Members     {members.waiting} waiting, {members.retrying} waiting for another try, "
        f"{members.working} in work, {members.attention} needing attention"
    )
    print("\nCarts")
    print_table(
        ["id", "kind", "mode", "state", "last delivery", "refused in 7 days", "webhook address"],
        [
            [
                cart.id,
                cart.kind,
                cart.mode.value,
                "active" if cart.active else "disconnected",
                cart.last_delivery_at or "none yet",
                ", ".join(f"{refusal.count} {refusal.reason} on {refusal.on}" for refusal in cart.refused) or 0,
                cart.webhook,
            ]
            for cart in found.carts
        ],
        empty="None yet: write a settings file and run `guestlist apply FILE.toml`.",
    )
    print("\nSites")
    print_table(
        ["id", "kind", "state", "levels", "waiting", "retrying", "in work", "attention", "address"],
        [
            [
                site.id,
                site.kind,
                _state(site),
                site.levels,
                site.members.waiting,
                site.members.retrying,
                site.members.working,
                site.members.attention,
                site.url,
            ]
            for site in found.sites
        ],
        empty="None yet: write a settings file and run `guestlist apply FILE.toml`.",
    )
    _print_checks(found)
    _print_troubles(found)
    if found.unmapped:
        print("\nSold, but no rule names it")
        print_table(
            ["cart", "item", "option", "name", "orders"],
            [[item.cart, item.item, item.option, item.name, item.orders] for item in found.unmapped],
            empty="",
        )


def _print_checks(found: Overview) -> None:
    print("\nReal access against desired")
    print_table(
        ["site", "compared", "result"],
        [
            [site.id, site.check and (site.check.finished_at or site.check.started_at), _result(site)]
            for site in _active(found)
        ],
        empty="No site is connected.",
    )


def _state(site: SiteStatus) -> str:
    if not site.active:
        return "disconnected"
    return "paused" if site.paused else site.state.value


def _active(found: Overview) -> list[SiteStatus]:
    return [site for site in found.sites if site.active]


def _result(site: SiteStatus) -> str:
    check = site.check
    if check is None:
        return "not yet; it is done each night, and by `guestlist reconcile`"
    if check.state.value == "done":
        differences = counted(check.found, "difference", "differences")
        return f"{differences}; `guestlist reconcile` lists them" if check.found else "nothing differs"
    return f"not finished: {check.reason}" if check.reason else "under way"


def _print_troubles(found: Overview) -> None:
    for site in found.sites:
        if site.active and (site.reason or site.blocked_grants):
            since = f" since {shown(site.state_since)}" if site.state_since else ""
            print(f"\nSite {site.id}, {site.state.value}{since}")
            print_paragraph(f"{site.reason}\n{site.remedy}".strip(), indent="  ")
            if site.asked_again_at:
                print(f"  Asked again at {shown(site.asked_again_at)}")
            if site.blocked_grants:
                waiting = counted(site.blocked_grants, "grant waits", "grants wait")
                print(f"  {waiting} for its levels to be read")
    if found.deliveries.unreadable:
        print("\n`guestlist deliveries list --state unreadable` shows what could not be understood.")
    if found.deliveries.failed:
        print("\n`guestlist deliveries list --state failed` shows what Guestlist failed on.")
