"""Aligning past sales in the background: asked for on a page, done by a worker, taken over if that one dies."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from guestlist.connections.ending import ENDING
from guestlist.connections.kick import kick_alignment
from guestlist.domain.facts import Item
from guestlist.fulfilment.align import align
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.models import AlignRun

log = structlog.get_logger(__name__)

# A run whose worker did not say for so long that it goes on has nobody who works on it. With a great many orders,
# finding the first ones takes part of a minute.
SILENT_AFTER = timedelta(minutes=2)


def begin_alignment(cart_id: str, item: Item, who: str) -> AlignRun:
    """Have an item's past sales aligned; joins a run that was asked for and is not finished."""
    with transaction.atomic():
        found = AlignRun.objects.select_for_update().filter(cart=cart_id, item=str(item), finished_at=None).first()
        run = found or AlignRun.objects.create(cart_id=cart_id, item=str(item), who=who)
        if found is not None and found.beat_at is not None:
            # Whoever works on it notices, and begins again with the rules of now.
            found.beat_at = timezone.now()
            found.save(update_fields=["beat_at"])
        kick_alignment(run.pk)
    return run


def end_runs(cart_id: str, item: Item) -> None:
    """Its rules change: whoever changes them says anew what becomes of past sales. In the transaction of the change."""
    AlignRun.objects.filter(cart=cart_id, item=str(item), finished_at=None).update(finished_at=timezone.now())


def latest_run(cart_id: str, item: Item) -> AlignRun | None:
    """The latest run for an item."""
    return AlignRun.objects.filter(cart=cart_id, item=str(item)).order_by("-pk").first()


def runs_to_do() -> list[int]:
    """Runs that nobody works on."""
    silent = Q(beat_at=None) | Q(beat_at__lt=timezone.now() - SILENT_AFTER)
    return list(AlignRun.objects.filter(silent, finished_at=None).order_by("pk").values_list("pk", flat=True))


def run_alignment(run_id: int) -> None:
    """Work on a run until everything is in line, the rules change (`end_runs`), or this process ends.

    In the last case another process goes on.
    """
    while not ENDING.is_set():
        run = AlignRun.objects.filter(pk=run_id, finished_at=None).first()
        if run is None:
            return
        in_force = InForce()
        # Read before the run is seen to go on: else they might be those that ended it, and take access from everybody.
        in_force.rules(run.cart_id)
        try:
            work = _Work(run)
            align(run.cart_id, Item.parse(run.item), shown=0, progress=work, in_force=in_force)
        except _Ends:
            return
        if work.finish():
            log.info("aligned", cart=run.cart_id, item=run.item, orders=run.done, who=run.who)


class _Ends(Exception):
    """This process ends, or the run does."""


class _Work:
    """One walk through what is to be aligned: says how far it is, and notices when the run is asked for again."""

    def __init__(self, run: AlignRun) -> None:
        self._run = run
        self._before = run.done
        self._asked_again = False
        self._beat()

    def __call__(self, done: int, orders: int) -> None:
        self._run.done = self._before + done
        self._run.orders = self._before + max(done, orders)
        self._beat()
        if ENDING.is_set():
            raise _Ends

    def finish(self) -> bool:
        """End the run, unless the rules may be others than those that this walk began with."""
        return not self._asked_again and bool(self._stored().update(finished_at=timezone.now()))

    def _beat(self) -> None:
        now = timezone.now()
        told = {"beat_at": now, "done": self._run.done, "orders": self._run.orders}
        if not self._stored().update(**told):
            self._asked_again = True
            if not AlignRun.objects.filter(pk=self._run.pk, finished_at=None).update(**told):
                raise _Ends
        self._run.beat_at = now

    def _stored(self) -> QuerySet[AlignRun]:
        """The run as this walk left it; nothing if somebody else wrote to it since."""
        return AlignRun.objects.filter(pk=self._run.pk, beat_at=self._run.beat_at, finished_at=None)
