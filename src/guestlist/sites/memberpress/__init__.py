"""MemberPress sites: members, transactions and levels through the REST API of MemberPress Developer Tools."""

from guestlist.sites.contract import Platform
from guestlist.sites.memberpress.site import MemberPress

PLATFORM: Platform = MemberPress()
