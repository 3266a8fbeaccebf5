"""Pages of help: Markdown files, one for each topic and language, shown here and printed into docs/how-to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from markdown_it import MarkdownIt
from markdown_it.token import Token

from guestlist.domain.help_topics import HelpTopic

TOPICS = Path(__file__).parent / "topics"
FIRST_LANGUAGE = "en"

GROUPS: Sequence[tuple[str | Promise, Sequence[HelpTopic]]] = (
    (
        _("A customer asks"),
        (HelpTopic.NO_MAIL, HelpTopic.OTHER_ADDRESS, HelpTopic.ACCESS_MISSING, HelpTopic.ACCESS_STILL_THERE),
    ),
    (
        _("From the cart"),
        (
            HelpTopic.NOTHING_ARRIVES,
            HelpTopic.SECRET_REJECTED,
            HelpTopic.DELIVERY_UNREADABLE,
            HelpTopic.UNMAPPED_ITEM,
        ),
    ),
    (
        _("One member, or one level"),
        (HelpTopic.MEMBER_STUCK, HelpTopic.LEVEL_MISSING),
    ),
    (
        _("Signing in to the site"),
        (
            HelpTopic.WRONG_CREDENTIALS,
            HelpTopic.HEADER_STRIPPED,
            HelpTopic.APPLICATION_PASSWORDS_DISABLED,
            HelpTopic.USER_WITHOUT_RIGHT,
            HelpTopic.DEVELOPER_TOOLS_MISSING,
        ),
    ),
    (
        _("The way to the site"),
        (
            HelpTopic.SITE_UNREACHABLE,
            HelpTopic.REST_BLOCKED,
            HelpTopic.PERMALINKS_PLAIN,
            HelpTopic.PAGE_CACHE,
            HelpTopic.PRIVATE_ADDRESS,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """A page of help. `lead`: HTML of its first sentences; `body`: HTML of all that follows the title."""

    topic: HelpTopic
    title: str
    lead: SafeString
    body: SafeString


def help_page(topic: HelpTopic) -> HelpPage:
    """A page in the language that is active, or in English as long as it is not translated."""
    return _page(topic, (get_language() or FIRST_LANGUAGE).partition("-")[0])


def source(topic: HelpTopic, language: str = FIRST_LANGUAGE) -> str:
    """A page's Markdown: its title as the first line, then what it says. Links lead to other topics' files."""
    path = TOPICS / language / f"{topic}.md"
    return (path if path.is_file() else TOPICS / FIRST_LANGUAGE / f"{topic}.md").read_text(encoding="utf-8")


@cache
def _page(topic: HelpTopic, language: str) -> HelpPage:
    title, _nothing, text = source(topic, language).partition("\n")
    text = text.strip()
    # Raw HTML stays text: pages come from files of this package, and yet nothing else is needed.
    markdown = MarkdownIt("commonmark", {"html": False})
    tokens = markdown.parse(text)
    _lead_to_pages(tokens)
    body = markdown.renderer.render(tokens, markdown.options, {})
    lead = markdown.renderInline(text.partition("\n\n")[0])
    return HelpPage(topic, title.removeprefix("# "), SafeString(lead), SafeString(body))


def _lead_to_pages(tokens: Sequence[Token]) -> None:
    """Links to other topics' files become links to their pages."""
    for token in tokens:
        _lead_to_pages(token.children or [])
        target = str(token.attrGet("href") or "")
        if target.endswith(".md"):
            token.attrSet("href", reverse("help:page", args=[target.removesuffix(".md")]))
