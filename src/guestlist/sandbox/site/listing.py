"""Lists: substring search, order and pages (memberpress-api sections 2, 3 and 5)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from guestlist.sandbox.site import php
from guestlist.sandbox.site.http import Crashed

Row = TypeVar("Row")


def like(pattern: Any) -> Callable[[str], bool]:
    """SQL's `LIKE '%pattern%'`, ignoring case: `_` is any letter, `%` anything; nothing is trimmed."""
    if not isinstance(pattern, str):
        return lambda _text: False
    lowered = pattern.lower()
    if "_" not in lowered and "%" not in lowered:
        return lambda text: lowered in text.lower()
    wildcards = {"_": ".", "%": ".*"}
    expression = re.compile("".join(wildcards.get(letter) or re.escape(letter) for letter in lowered), re.DOTALL)
    return lambda text: expression.search(text.lower()) is not None


def page_of(
    rows: Sequence[Row], asked: Mapping[str, Any], address: str
) -> tuple[Sequence[Row], tuple[tuple[str, str], ...]]:
    """The asked page of `rows` (newest first already) and the paging headers.

    Raises:
        Crashed: `per_page=0`; the site divides by it.
    """
    per_page = php.integer(asked["per_page"]) if "per_page" in asked else 10
    page = php.integer(asked["page"]) if "page" in asked else 1
    if per_page == 0:
        raise Crashed
    pages = math.ceil(len(rows) / per_page)
    headers = [("X-WP-Total", str(len(rows))), ("X-WP-TotalPages", str(pages))]
    links = [
        f'<{address}?{urlencode({**asked, "page": number})}>; rel="{relation}"'
        for number, relation in ((page - 1, "prev"), (page + 1, "next"))
        if 1 <= number <= pages
    ]
    if links:
        headers.append(("Link", ", ".join(links)))
    if page < 1:
        return [], tuple(headers)
    if per_page < 0:
        return rows, tuple(headers)
    return rows[(page - 1) * per_page : page * per_page], tuple(headers)
