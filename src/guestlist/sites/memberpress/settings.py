"""The credentials of a MemberPress site: an API key, or a WordPress user with an application password."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

API_KEY = "api_key"
USERNAME = "username"
APPLICATION_PASSWORD = "application_password"  # noqa: S105  the name of a field
_FIELDS = (API_KEY, USERNAME, APPLICATION_PASSWORD)
_QUOTES = "\"'`“”„‘’«»"

_WHERE_KEY = "In WordPress, copy it from MemberPress > Developer > REST API."
_WHERE_PASSWORD = "In WordPress, make one under Users > Profile > Application Passwords."  # noqa: S105  words


@dataclass(frozen=True, slots=True)
class Credential:
    """The one credential that is sent (a second one would override the first: reference section 1.1).

    Attributes:
        header: name and value.
        secrets: what must never be shown.
        hint: what a refusal (401) probably means, and what to do, in words.
    """

    header: tuple[str, str]
    secrets: tuple[str, ...]
    hint: str

    @property
    def is_key(self) -> bool:
        """Whether it is the API key. Answers to it are not marked as private, so caches may keep them."""
        return self.header[0] == "MEMBERPRESS-API-KEY"


def credential(fields: Mapping[str, str]) -> Credential:
    """The credential to send."""
    key = fields.get(API_KEY, "").strip()
    return (
        _key(key) if key else _password(fields.get(USERNAME, "").strip(), fields.get(APPLICATION_PASSWORD, "").strip())
    )


def check_credentials(fields: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the fields as entered: field -> problem and remedy. Empty = fine."""
    problems = {name: "A MemberPress site has no such setting. Remove it." for name in fields if name not in _FIELDS}
    entered = {name: fields[name] for name in _FIELDS if fields.get(name) not in (None, "")}
    problems |= {name: problem for name, value in entered.items() if (problem := _unfit(name, value))}
    if problems:
        return problems
    if API_KEY in entered and len(entered) > 1:
        other = USERNAME if USERNAME in entered else APPLICATION_PASSWORD
        return {other: "Enter the API key, or a username and an application password, not both. Remove one of them."}
    if API_KEY in entered:
        return {}
    match USERNAME in entered, APPLICATION_PASSWORD in entered:
        case True, True:
            return {}
        case True, False:
            return {APPLICATION_PASSWORD: f"The application password is missing. {_WHERE_PASSWORD}"}
        case False, True:
            return {USERNAME: "The username is missing. Enter the one that the application password belongs to."}
        case _:
            return {API_KEY: f"The API key is missing. {_WHERE_KEY}"}


def _unfit(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return "This must be text. Put it in quotation marks."
    text = value.strip()
    if not text:
        return "This is empty. Enter it, or remove it."
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "There are quotation marks around it. Remove them."
    if not text.isprintable() or (name != USERNAME and not text.isascii()):
        return "It contains characters that cannot belong to it. Copy it again from WordPress."
    if name == USERNAME and ":" in text:
        return "A WordPress username has no colon. Enter the username, or the user's e-mail address."
    if name == API_KEY and " " in text:
        return f"An API key has no spaces; this looks like something else. {_WHERE_KEY}"
    return None


def _key(key: str) -> Credential:
    looks_right = len(key) == 10 and key.isascii() and key.isalnum()
    shape = "" if looks_right else "API keys of MemberPress have 10 letters and digits, which this one has not. "
    return Credential(
        header=("MEMBERPRESS-API-KEY", key),
        secrets=(key,),
        hint=(
            f"{shape}Compare the API key with MemberPress > Developer > REST API; capital letters count. If it is "
            "right, a firewall or the host removes the header MEMBERPRESS-API-KEY: ask the host to let it through, "
            "or use an application password."
        ),
    )


def _password(user: str, password: str) -> Credential:
    bare = password.replace(" ", "")
    shape = (
        "" if len(bare) == 24 and bare.isalnum() else "This does not look like one; a login password does not work. "
    )
    token = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return Credential(
        header=("Authorization", f"Basic {token}"),
        secrets=(token, password, bare),
        hint=(
            f"{shape}Make a new application password under Users > Profile > Application Passwords and enter it with "
            "its user. If it is refused again, the host removes the header Authorization (or the site has no https, "
            "without which WordPress refuses application passwords): enter the API key instead."
        ),
    )
