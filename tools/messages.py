"""Keeps the translations: collects the words of pages and code, and compiles what translators wrote.

    python tools/messages.py            renew src/guestlist/locale/*/LC_MESSAGES/django.po and .mo
    python tools/messages.py --check    is every word translated, and does the compiled file fit?

Words that are no longer used are dropped; a word that changed has to be translated anew.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from guestlist.dashboard.sayings import SAYINGS
from guestlist.domain.sentences import CHOICES

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src/guestlist"
LANGUAGES = ("de",)
# In place of the moment of each run, so that files differ only where words do.
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_VALUE = re.compile(r"\{\w+\}")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def main() -> int:
    """Renew or check; 1 = something is missing."""
    words = _collected()
    if sys.argv[1:] == ["--check"]:
        problems = [problem for language in LANGUAGES for problem in _problems(language, words)]
        print("".join(f"{problem}\n" for problem in problems), end="", file=sys.stderr)
        return 1 if problems else 0
    for language in LANGUAGES:
        _renew(language, words)
    return 0


def _collected() -> Catalog:
    words = Catalog(project="Guestlist", charset="utf-8")
    for path in sorted((*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html"))):
        for line, said, comments, context in _said_in(path):
            words.add(said, locations=[(str(path.relative_to(SOURCE)), line)], auto_comments=comments, context=context)
    # The domain knows nothing of translations; its sentences are shown through gettext.
    for sentences in CHOICES.values():
        for sentence in sentences.values():
            words.add(sentence, locations=[("domain/sentences.py", 0)])
    for saying in SAYINGS:
        words.add(saying, locations=[("dashboard/sayings.py", 0)])
    return words


def _said_in(path: Path) -> Iterator[tuple[int, str | tuple[str, ...], list[str], str | None]]:
    text = path.read_text()
    # Django turns a template into something in which only its translatable words look like code.
    code = templatize(text, origin=str(path)) if path.suffix == ".html" else text
    method = "javascript" if path.suffix == ".html" else "python"
    yield from extract(method, io.BytesIO(code.encode()), keywords=KEYWORDS, comment_tags=("Translators:",))


def _file(language: str) -> Path:
    return SOURCE / "locale" / language / "LC_MESSAGES" / "django.po"


def _read(language: str) -> Catalog:
    path = _file(language)
    if not path.exists():
        return Catalog(
            locale=language,
            project="Guestlist",
            version="1",
            last_translator="Guestlist",
            language_team="Guestlist",
            msgid_bugs_address="see SECURITY.md and the issue tracker",
            fuzzy=False,
        )
    with path.open("rb") as file:
        return read_po(file, locale=language)


def _renew(language: str, words: Catalog) -> None:
    catalog = _read(language)
    catalog.update(words, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = f"# Guestlist's words in {catalog.locale.english_name if catalog.locale else language}."
    catalog.creation_date = catalog.revision_date = EPOCH
    path = _file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, omit_header=False, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)
    print(
        f"{language}: {sum(bool(m.string) for m in catalog if m.id)} of {sum(bool(m.id) for m in catalog)} translated"
    )


def _problems(language: str, words: Catalog) -> Iterator[str]:
    catalog = _read(language)
    for said in words:
        found = catalog.get(said.id, said.context) if said.id else None
        if said.id and (found is None or not _complete(found.string)):
            yield f"{language}: not translated: {said.id!r} ({said.locations[0][0]})"
        elif found is not None and (wrong := _wrong_values(found)):
            yield f"{language}: {wrong}: {said.id!r}"
    with _file(language).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    written = {(m.context, _first(m.id)): _all(m.string) for m in catalog if m.id and _complete(m.string)}
    if written != {(_text(m.context), _first(m.id)): _all(m.string) for m in compiled if m.id}:
        yield f"{language}: the compiled file is not made from the translations: run tools/messages.py"


def _text(context: str | bytes | None) -> str | None:
    # Babel reads the contexts of a compiled file as bytes.
    return context.decode() if isinstance(context, bytes) else context


def _first(words: str | Sequence[str]) -> str:
    return words if isinstance(words, str) else words[0]


def _all(words: str | Sequence[str] | None) -> list[str]:
    return [words] if isinstance(words, str) else list(words or ())


def _complete(string: str | tuple[str, ...] | list[str] | None) -> bool:
    return bool(string) and (isinstance(string, str) or all(string or ()))


def _wrong_values(message: Message) -> str:
    """A translation must use the values of the original, or a page would fail."""
    errors = [str(error) for error in message.check()]
    if message.id in SAYINGS and _values(str(message.id)) != _values(str(message.string)):
        errors.append(f"it has not the same values: {message.string!r}")
    return "; ".join(errors)


def _values(saying: str) -> list[str]:
    return sorted(_VALUE.findall(saying))


if __name__ == "__main__":
    sys.exit(main())
