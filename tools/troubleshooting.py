"""Writes docs/how-to/troubleshooting.md from the dashboard's pages of help; with `--check`, says whether it is so."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import django

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "troubleshooting.md"
HEAD = """# When something is wrong

The same pages are in the dashboard under **Help**, and every trouble that it shows leads to its page. This file is
written by `tools/troubleshooting.py`; the texts are in `src/guestlist/dashboard/help/topics`.
"""


def main() -> int:
    """Write or check."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "guestlist.settings"
    django.setup()
    text = _whole()
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"{PAGE.name} is not what the pages of help say: run tools/troubleshooting.py", file=sys.stderr)
    return 1


def _whole() -> str:
    from guestlist.dashboard.help.pages import GROUPS, source

    titles = {
        topic.value: source(topic).partition("\n")[0].removeprefix("# ") for _, topics in GROUPS for topic in topics
    }
    parts = [HEAD]
    for group, topics in GROUPS:
        parts.append(
            "\n".join(
                [f"{group}:\n", *(f"- [{titles[topic.value]}](#{_anchor(titles[topic.value])})" for topic in topics)]
            )
        )
    for _, topics in GROUPS:
        parts += [_section(source(topic), titles) for topic in topics]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(text: str, titles: dict[str, str]) -> str:
    deeper = re.sub(r"^(#+ )", r"#\1", text, flags=re.MULTILINE)
    return re.sub(r"\]\(([a-z-]+)\.md\)", lambda found: f"](#{_anchor(titles[found[1]])})", deeper)


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    sys.exit(main())
