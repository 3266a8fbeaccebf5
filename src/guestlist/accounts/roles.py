"""What each role may do."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """A person's or token's role; each may do all that the ones before it may."""

    VIEWER = "viewer", _("Viewer")
    OPERATOR = "operator", _("Operator")
    OWNER = "owner", _("Owner")

    def allows(self, needed: Role) -> bool:
        """This role may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
