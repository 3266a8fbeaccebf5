"""The signs of life of whoever runs a reconciliation, and how one notices that another took it over."""

from __future__ import annotations

from django.utils import timezone

from guestlist.access.reconcile.models import Reconciliation


class TakenOver(Exception):
    """This runner was silent for so long that another one goes on with the reconciliation: stop, write nothing."""


def beat(run: Reconciliation) -> None:
    """Give a sign of life, with how much was compared. To be called before each request and each thing written.

    Raises:
        TakenOver: another runner has it.
    """
    now = timezone.now()
    mine = Reconciliation.objects.filter(pk=run.pk, runner=run.runner, finished_at=None)
    if not mine.update(beat_at=now, compared=run.compared):
        raise TakenOver
    run.beat_at = now
