"""Aligning past sales in the background: asked for on a page, done by a worker, taken over if that one dies."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from guestlist.connections.ending import ENDING
from guestlist.connections.kick import kick_alignment
from guestlist.domain.facts import Item
from guestlist.fulfilment.align import align
from guestlist.fulfilment.models import AlignRun

log = structlog.get_logger(__name__)

# A run whose worker did not say for so long that it goes on has nobody who works on it.
SILENT_AFTER = timedelta(seconds=30)
# Orders aligned between two words of progress.
AT_ONCE = 100


def begin_alignment(cart_id: str, item: Item, who: str) -> AlignRun:
    """Have an item's past sales aligned; joins a run that was asked for and is not finished."""
    with transaction.atomic():
        found = AlignRun.objects.select_for_update().filter(cart=cart_id, item=str(item), finished_at=None).first()
        run = found or AlignRun.objects.create(cart_id=cart_id, item=str(item), who=who)
        kick_alignment(run.pk)
    return run


def latest_run(cart_id: str, item: Item) -> AlignRun | None:
    """The latest run for an item."""
    return AlignRun.objects.filter(cart=cart_id, item=str(item)).order_by("-pk").first()


def runs_to_do() -> list[int]:
    """Runs that nobody works on."""
    silent = Q(beat_at=None) | Q(beat_at__lt=timezone.now() - SILENT_AFTER)
    return list(AlignRun.objects.filter(silent, finished_at=None).order_by("pk").values_list("pk", flat=True))


def run_alignment(run_id: int) -> None:
    """Work on a run until everything is in line, or this process ends: then another one goes on."""
    run = AlignRun.objects.filter(pk=run_id, finished_at=None).first()
    if run is None:
        return
    while not ENDING.is_set():
        _beat(run)
        part = align(run.cart_id, Item.parse(run.item), at_most=AT_ONCE, shown=0)
        run.done += part.looked_at
        run.orders = run.done + part.left
        if part.left == 0:
            run.finished_at = timezone.now()
            run.save(update_fields=["done", "orders", "finished_at"])
            log.info("aligned", cart=run.cart_id, item=run.item, orders=run.done, who=run.who)
            return


def _beat(run: AlignRun) -> None:
    run.beat_at = timezone.now()
    run.save(update_fields=["beat_at", "done", "orders"])
