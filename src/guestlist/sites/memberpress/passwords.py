"""The mail with a link to set a password, asked for like anybody does who lost theirs (reference section 7, route 2).

The REST API has no route for it that does the same in all versions. WordPress's own form needs no credentials, so none
are sent. Whether it answers says nothing about the REST API: security plugins guard, hide or limit just this form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from guestlist.sites.contract import Attempt, Done, NeedsAttention, Outcome, Person
from guestlist.sites.http import FORM, Answer, NoAnswer
from guestlist.sites.memberpress import health
from guestlist.sites.memberpress.client import Client
from guestlist.sites.text import plain

_FORM = "/wp-login.php?action=lostpassword"
_ERROR = re.compile(r"""<(div|p|ul)\b[^>]*\bid=["']login_error["'][^>]*>(.*?)</\1>""", re.DOTALL | re.IGNORECASE)
_WORDS = 200
_BY_HAND = (
    'send the link from the site (Users, point at the member, "Send password reset"), or ask the member to use '
    '"Lost your password?" on the login page'
)


def resend(client: Client, person: Person, record: Callable[[Attempt], None]) -> Outcome:
    """Have WordPress mail the link. One request; redirects are read, never followed."""
    target, address = client.page(_FORM)
    body = urlencode({"user_login": person.email.strip()}).encode()
    answer = client.http.request(
        "POST", target, body=body, content_type=FORM, anonymous=True, changes=True, record=record
    )
    if isinstance(answer, NoAnswer):
        return health.of_this_request_only(health.no_answer(answer, changing=True))
    match answer.status:
        case status if 300 <= status < 400:
            return _sent_on(answer, address, person)
        case 200:
            return NeedsAttention(
                f'The site sent no mail to {person.email}: "{_said(answer)}".',
                "If it knows no such user: look which address the member has at the site. If it wants proof of a human "
                f"being, a security plugin guards the form: {_BY_HAND}.",
            )
        case 401 | 403 | 404 | 405 | 406 | 410:
            return NeedsAttention(
                f"The site does not let Guestlist use its form for lost passwords ({answer.status}).",
                f"A security plugin or firewall blocks or hides wp-login.php: let it through, or {_BY_HAND}.",
            )
        case _:
            trouble = health.trouble(answer, "", requested=address, changing=True, hint="")
            return health.of_this_request_only(trouble)


def _sent_on(answer: Answer, address: str, person: Person) -> Outcome:
    """The outcome of a redirect: the place it leads to says whether a mail was sent."""
    try:
        to = urlsplit(urljoin(address, answer.headers.get("location", "")))
    except ValueError:
        to = urlsplit("")
    if parse_qs(to.query).get("checkemail") == ["confirm"]:
        return Done(person.remote_id or "")
    asked = urlsplit(address)
    if (to.scheme, to.netloc) != (asked.scheme, asked.netloc):
        return health.of_this_request_only(health.trouble(answer, "", requested=address, changing=True, hint=""))
    return NeedsAttention(
        f"The site's form for lost passwords sends on to {to.path or '/'} ({answer.status}) and no mail.",
        "A plugin hides wp-login.php, or a page for maintenance stands before the site: let wp-login.php through, or "
        f"{_BY_HAND}.",
    )


def _said(answer: Answer) -> str:
    """What the page says is wrong, in the site's language; else how the page begins."""
    page = answer.body[:200_000].decode("utf-8", "replace")
    error = _ERROR.search(page)
    return plain(error[2] if error else page)[:_WORDS].rstrip(" .")
