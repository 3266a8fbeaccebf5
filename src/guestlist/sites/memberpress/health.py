"""What an answer that is not the expected data says about the site, in words for its owner (reference section 15).

MemberPress refuses almost everything with status 500 and a JSON code that begins with `mp_`; those are answers and do
not come here. What comes here is about the site, its plugins, its host or the way to it.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from guestlist.domain.help_topics import HelpTopic
from guestlist.sites.contract import NeedsAttention, RetryLater
from guestlist.sites.http import Answer, NoAnswer
from guestlist.sites.network import Fault
from guestlist.sites.text import plain

STILL_WORKING_SECONDS = 30.0
_PAGE_WORDS = 120
_CACHE_HEADERS = ("x-cache", "x-cache-status", "x-proxy-cache", "x-litespeed-cache", "cf-cache-status")
FROM_CACHE = NeedsAttention(
    "A cache in front of the site answers with old data.",
    "Exclude /wp-json/ (and ?rest_route=) from the page cache, at the host, in the cache plugin or at the CDN.",
    site_wide=True,
    help=HelpTopic.PAGE_CACHE,
)
NO_APPLICATION_PASSWORDS = NeedsAttention(
    "Application passwords are switched off at the site (401).",
    "Enter the API key instead (MemberPress > Developer > REST API). Or switch them on: WordPress offers them on https "
    "only, and some security plugins switch them off.",
    site_wide=True,
    help=HelpTopic.APPLICATION_PASSWORDS_DISABLED,
)
_CHECK_ADDRESS = "Check the site's address: open it in a browser and copy what the address line shows."


def no_answer(result: NoAnswer, *, changing: bool) -> RetryLater | NeedsAttention:
    """The outcome when there was no answer."""
    reason = sentence(result.reason)
    match result.fault:
        case Fault.ADDRESS:
            return NeedsAttention(
                reason,
                "Enter the site's public address, beginning with https://. If the site really is in your own network, "
                "allow private addresses for it: tick the box, or set allow_private_address.",
                site_wide=True,
                help=HelpTopic.PRIVATE_ADDRESS,
            )
        case Fault.TLS:
            return NeedsAttention(
                reason,
                "Open the site with https:// in a browser; if it warns, ask the host to renew or repair the "
                "certificate. Check also that the address has the right name.",
                site_wide=True,
                help=HelpTopic.SITE_UNREACHABLE,
            )
        case Fault.UNKNOWN_HOST:
            return RetryLater(f"{reason} Either its name service is away, or the address is mistyped.", site_down=True)
        case Fault.TIMEOUT if changing and result.sent:
            # The site goes on working after the client gave up (section 0.6): looking too early would find nothing.
            return RetryLater(reason, after=STILL_WORKING_SECONDS, site_down=True, unclear=True)
        case Fault.UNREACHABLE | Fault.TIMEOUT | Fault.BROKEN:
            return RetryLater(reason, site_down=True, unclear=changing and result.sent)


def hides_rest(answer: Answer, requested: str) -> bool:
    """Whether the answer looks as if the REST API is not at the address that was asked.

    So answers a site with plain permalinks (reference section 1.4), or a server that does not rewrite addresses.
    """
    if answer.is_json:
        return False
    if 300 <= answer.status < 400:
        target, asked = urlsplit(_target(answer, requested)), urlsplit(requested)
        return target.netloc == asked.netloc and target.path == f"{asked.path}/"
    return answer.status in (200, 404)


def may_be_this_request_only(result: Answer | NoAnswer, *, changing: bool) -> bool:
    """Whether the site may work for everybody else: a crash or a hang over one member, a firewall that misreads one."""
    if isinstance(result, NoAnswer):
        return result.fault in (Fault.TIMEOUT, Fault.BROKEN)
    if result.status >= 500:
        return changing or result.status == 500
    if result.status < 300:
        return changing or result.is_json
    return 400 <= result.status < 500 and result.status not in (401, 404, 408, 425, 429) and not result.is_json


def is_from_cache(answer: Answer) -> bool:
    """Whether a cache answered, and not the site.

    Each address that is asked is new, so this is a cache that does not look at the whole address: what it answers may
    be old, or about somebody else.
    """
    age = answer.headers.get("age", "").strip()
    if age.isdecimal() and int(age) > 0:
        return True
    return any(answer.headers.get(name, "").lower().startswith("hit") for name in _CACHE_HEADERS)


def of_this_request_only(outcome: RetryLater | NeedsAttention) -> RetryLater | NeedsAttention:
    """The outcome where the site is known to work, or not asked whether it does."""
    match outcome:
        case RetryLater():
            return replace(outcome, site_down=False)
        case NeedsAttention():
            return replace(outcome, site_wide=False)


def trouble(answer: Answer, code: str, *, requested: str, changing: bool, hint: str) -> RetryLater | NeedsAttention:
    """The outcome for an answer that is not the expected data and not MemberPress's own refusal.

    Args:
        code: the JSON error code, if there is one.
        requested: the full address that was asked.
        changing: the request was to change something; what a crash left behind is unclear then.
        hint: what a refusal of the credentials means.
    """
    status = answer.status
    match status:
        case 401:
            return NeedsAttention(
                "The site refuses the credentials (401).", hint, site_wide=True, help=HelpTopic.WRONG_CREDENTIALS
            )
        case 403:
            return _forbidden(code)
        case 404 if code == "rest_no_route":
            return NeedsAttention(
                "The site has no MemberPress REST API (404).",
                "In WordPress, activate the plugins MemberPress and MemberPress Developer Tools.",
                site_wide=True,
                help=HelpTopic.DEVELOPER_TOOLS_MISSING,
            )
        case 404:
            return NeedsAttention(
                f"There is no WordPress REST API at this address (404){_shows(answer)}.",
                f"{_CHECK_ADDRESS} If it is right, a security plugin may have closed the REST API.",
                site_wide=True,
                help=HelpTopic.REST_BLOCKED,
            )
        case 429:
            return RetryLater("The site asks for fewer requests (429).", after=answer.retry_after, site_down=True)
        case _ if 300 <= status < 400:
            return _redirected(answer, requested)
        case _ if 200 <= status < 300:
            return _not_data(answer, changing)
        case _ if status >= 500 or status in (408, 425):
            return _down(answer, changing)
        case _:
            return NeedsAttention(
                f"The site refuses the request ({status}){_shows(answer)}.",
                "Look for a security plugin or firewall at the site that blocks Guestlist, and let it through.",
                site_wide=True,
                help=HelpTopic.REST_BLOCKED,
            )


def sentence(text: str) -> str:
    """`text` with a capital letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _forbidden(code: str) -> NeedsAttention:
    if code == "rest_forbidden":
        return NeedsAttention(
            "The user of the application password may not manage members (403).",
            "Use an administrator's application password, or give the user's role the capability remove_users; or use "
            "the API key.",
            site_wide=True,
            help=HelpTopic.USER_WITHOUT_RIGHT,
        )
    return NeedsAttention(
        f"The site forbids the request (403{f', {code}' if code else ''}).",
        "A firewall or a security plugin blocks Guestlist: allow it there, or switch off the protection of the REST "
        "API for signed-in requests.",
        site_wide=True,
        help=HelpTopic.REST_BLOCKED,
    )


def _redirected(answer: Answer, requested: str) -> NeedsAttention:
    target, asked = urlsplit(_target(answer, requested)), urlsplit(requested)
    if not target.netloc:
        return NeedsAttention(
            f"The site redirects to nowhere ({answer.status}).",
            _CHECK_ADDRESS,
            site_wide=True,
            help=HelpTopic.SITE_UNREACHABLE,
        )
    rest = asked.path.find("/wp-json/") if "/wp-json/" in asked.path else asked.path.find("/index.php")
    base = target.path.removesuffix("/").removesuffix(asked.path[rest:])
    moved = f"{target.scheme}://{target.netloc}{base if asked.path[rest:] in target.path else ''}"
    if (target.scheme, target.netloc) == (asked.scheme, asked.netloc):
        return NeedsAttention(
            f"The site sends requests on to {target.path} ({answer.status}).",
            "Switch off the page that hides the site (coming soon, maintenance, login), or let requests to the REST "
            f"API through. {_CHECK_ADDRESS}",
            site_wide=True,
            help=HelpTopic.REST_BLOCKED,
        )
    return NeedsAttention(
        f"The site redirects to {moved} ({answer.status}).",
        f"Enter {moved} as the site's address.",
        site_wide=True,
        help=HelpTopic.SITE_UNREACHABLE,
    )


def _not_data(answer: Answer, changing: bool) -> RetryLater | NeedsAttention:
    if answer.is_json:
        return RetryLater("The site's answer is cut short or damaged.", site_down=True, unclear=changing)
    if changing:
        reason = f"The site answers with a web page instead of data{_shows(answer)}."
        return RetryLater(reason, site_down=True, unclear=True)
    return NeedsAttention(
        f"The site answers with a web page instead of data{_shows(answer)}.",
        "Check the site's address. If it is right: exclude /wp-json/ from page caches, end a maintenance or "
        "coming-soon page, or choose other permalinks than Plain under Settings > Permalinks.",
        site_wide=True,
        help=HelpTopic.PERMALINKS_PLAIN,
    )


def _down(answer: Answer, changing: bool) -> RetryLater:
    match answer.status:
        case 503:
            reason = f"The site is in maintenance or overloaded (503){_shows(answer)}."
        case 500:
            reason = f"The site is broken: WordPress crashed (500){_shows(answer)}."
        case status:
            reason = f"The site does not work ({status}){_shows(answer)}."
    return RetryLater(reason, after=answer.retry_after, site_down=True, unclear=changing)


def _shows(answer: Answer) -> str:
    words = plain(answer.body[:20_000].decode("utf-8", "replace"))[:_PAGE_WORDS] if not answer.is_json else ""
    return f': "{words}"' if words else ""


def _target(answer: Answer, requested: str) -> str:
    try:
        return urljoin(requested, answer.headers.get("location", "")) if "location" in answer.headers else ""
    except ValueError:
        return ""
