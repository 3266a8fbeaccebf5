"""What staff, tokens and the command line do beside changing settings, in the words of the audit log."""

from django.utils.translation import gettext_noop as _

GRANTED = _("gave a level by hand")
EXTENDED = _("extended a level by hand")
REVOKED = _("revoked a level by hand")
HELD = _("put access on hold")
RELEASED = _("released a hold or a revocation")
PASSWORD_MAILED = _("had the site send the password mail")
RESYNCED = _("had the site looked at anew for a member")
TRIED_AGAIN = _("had stuck members tried again")
NOTES_DISMISSED = _("took notes on members off the list")
ALIGNED = _("aligned past sales with the rules")
LEFT = _("left past sales as they are")
REPLAYED = _("had deliveries read again")
RECONCILED = _("compared real access with desired")
SITE_ASKED = _("had the site asked again")
LEVELS_READ = _("had the site's levels read again")
FORMER_SECRET_FORGOTTEN = _("had the former secret word count no longer")
EXPORTED = _("exported a person's data")
ERASURE_ASKED = _("asked for a person's data to be erased as soon as it can be")
ERASURE_WITHDRAWN = _("took back that a person's data is to be erased")
ERASED = _("erased a person's data")

# Those of which access keeps a line of its own with who, whom and why (`access.models.StaffChange`).
BY_HAND = (GRANTED, EXTENDED, REVOKED, HELD, RELEASED)
