"""Reconciliations over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.db import transaction
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from guestlist.access.reconcile.queries import ReconciliationView, latest, reconciliation
from guestlist.access.reconcile.run import Busy, begin
from guestlist.api.params import NO_NUL
from guestlist.api.problems import COMMON, Problem, Refused
from guestlist.api.roles import OPERATOR, VIEWER
from guestlist.connections.kick import kick_reconciliation
from guestlist.connections.models import Site

router = Router(tags=["reconciliations"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliations:
    """Each site's latest reconciliation, with what differs."""

    items: list[ReconciliationView]


class Wanted(Schema):
    """Which site; `fix`: mend what differs and is Guestlist's."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
    fix: bool = False


@router.get("/reconciliations", auth=VIEWER, response={200: Reconciliations, **COMMON})
def list_reconciliations(request: HttpRequest) -> Reconciliations:
    """Each connected site's latest comparison of what it holds with what it should hold."""
    return Reconciliations(items=latest())


@router.post(
    "/reconciliations", auth=OPERATOR, response={200: ReconciliationView, 400: Problem, 404: Problem, **COMMON}
)
def reconcile_site(request: HttpRequest, wanted: Wanted) -> ReconciliationView:
    """Have the next worker reconcile a site; one that is under way is gone on with."""
    try:
        with transaction.atomic():
            run = begin(wanted.site, fix=wanted.fix)
            kick_reconciliation(wanted.site)
    except (Site.DoesNotExist, Busy):
        raise Refused(404, f"There is no connected site {wanted.site}.", "site") from None
    return reconciliation(run)
