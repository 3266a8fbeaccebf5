"""`guestlist reconcile`: what each site really holds against what it should hold."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.console import AsJson, boot, counted, print_json, print_paragraph
from guestlist.cli.errors import CommandError

if TYPE_CHECKING:
    from guestlist.access.reconcile.models import Reconciliation
    from guestlist.access.reconcile.queries import DriftView, ReconciliationView
    from guestlist.access.reconcile.run import Progress

DRIFT_FOUND = 3
# So long `--fix` waits for the lanes; they go on afterwards.
MENDING_SECONDS = 300
POLL_SECONDS = 0.2


def reconcile(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what differs and is Guestlist's.")] = False,
    site: Annotated[str | None, typer.Option(metavar="ID", help="Only this site.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what each site really holds with what it should hold, and list what differs in words.

    Exit code 3 = something differs (also if it was mended), 0 = nothing does, 1 = a site could not be read.
    """
    boot()
    from guestlist.access.reconcile.queries import reconciliation
    from guestlist.accounts import acts, audit

    audit.record(None, acts.RECONCILED, None, site=site, fix=fix)
    runs = [run for name in _sites(site) if (run := _run(name, fix=fix)) is not None]
    if fix:
        _wait_for_lanes(runs)
    views = [reconciliation(run) for run in runs]
    if as_json:
        print_json(views)
    else:
        for view in views:
            _print(view)
    if any(view.found for view in views):
        raise typer.Exit(DRIFT_FOUND)
    if len(views) < len(_sites(site)) or any(view.state.value != "done" for view in views):
        raise typer.Exit(1)


def _sites(site: str | None) -> list[str]:
    from guestlist.connections.models import Site

    connected = list(Site.objects.filter(active=True).order_by("id").values_list("pk", flat=True))
    if site is None:
        return connected
    if site not in connected:
        raise CommandError(f"There is no connected site {site}.", f"Connected: {', '.join(connected) or 'none'}.")
    return [site]


def _run(site: str, *, fix: bool) -> Reconciliation | None:
    from guestlist.access.reconcile.run import Busy, reconcile

    try:
        return reconcile(site, fix=fix, progress=_tell if sys.stderr.isatty() else None)
    except Busy as error:
        print(f"guestlist: {error}", file=sys.stderr)
        return None
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)


def _tell(progress: Progress) -> None:
    pages = f" of {progress.pages}" if progress.pages else ""
    words = f"{progress.site}: page {progress.pages_read}{pages} read, {counted(progress.compared, 'grant', 'grants')}"
    print(f"\r{words} compared", end="", file=sys.stderr, flush=True)


def _wait_for_lanes(runs: list[Reconciliation]) -> None:
    """Until the lanes have done what was handed to them; they work in this process where no worker lives."""
    from guestlist.access.reconcile.queries import still_mending
    from guestlist.engine.worker import work_lanes_off

    mending = [run for run in runs if still_mending(run)]
    if not mending:
        return
    work_lanes_off([run.site_id for run in mending])
    ends_at = time.monotonic() + MENDING_SECONDS
    while left := sum(still_mending(run) for run in mending):
        if time.monotonic() >= ends_at:
            waiting = counted(left, "member is", "members are")
            print(f"guestlist: {waiting} still being mended; `guestlist wait` waits for them.", file=sys.stderr)
            return
        time.sleep(POLL_SECONDS)


def _mending(drift: DriftView) -> str:
    if drift.problem:
        return f"Not mended: {drift.problem}"
    return "Mended." if drift.mended else f"To mend: {drift.remedy}"


def _print(view: ReconciliationView) -> None:
    compared = counted(view.compared, "grant", "grants")
    in_work = (
        f", {counted(view.in_work, 'member', 'members')} left out because of work under way" if view.in_work else ""
    )
    if view.state.value != "done":
        print(f"{view.site}: not finished")
        print_paragraph(f"{view.reason}\n{view.remedy}".strip(), indent="  ")
    elif not view.found:
        print(f"{view.site}: {compared} compared{in_work}, nothing differs.")
    else:
        print(f"{view.site}: {compared} compared{in_work}, {counted(view.found, 'difference', 'differences')}.")
    for drift in view.drift:
        print_paragraph(f"- {drift.words}", indent="  ")
        print_paragraph(_mending(drift), indent="    ")
    if view.found > len(view.drift):
        print(f"  and {view.found - len(view.drift)} more")
    if view.found and not view.fix:
        print("  `guestlist reconcile --fix` mends them. It touches nothing that Guestlist did not make.")
