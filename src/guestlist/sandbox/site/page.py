"""The sandbox site's own page: what is there now, and the switches. Plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from typing import Any

from guestlist.sandbox.site import control
from guestlist.sandbox.site.http import HTML, Response
from guestlist.sandbox.site.mails import SITE_TITLE
from guestlist.sandbox.site.store import Mail, Transaction, User
from guestlist.sandbox.site.switches import Down, FaultKind, LoginGuard
from guestlist.sandbox.site.wordpress import WordPress

REFRESH_SECONDS = 4
ROWS_SHOWN = 200

_STYLE = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
_STATUS_TONE = {"complete": "good", "pending": "wait", "confirmed": "wait"}
_MATCHES = ("POST /transactions", "PUT /transactions", "GET /transactions", "POST /members", "GET /members", "* /")
_DOWN = {
    "": "no: it works",
    Down.REFUSE: "closes every connection",
    Down.HANG: "never answers",
    Down.MAINTENANCE: "maintenance (503)",
    Down.DATABASE: "database away (500)",
}
_LOGIN_GUARD = {
    "": "open",
    LoginGuard.CAPTCHA: "asks for a captcha",
    LoginGuard.HIDDEN: "hidden by a plugin",
}


def overview(site: WordPress, base: str, asked: Mapping[str, Any]) -> Response:
    """Members, transactions and mails; loads itself again unless `refresh=off`."""
    still = asked.get("refresh") == "off"
    toggle = _link(f"{base}/", "Go on updating") if still else _link(f"{base}/?refresh=off", "Stop updating")
    body = "".join((_members(site), _transactions(site), _mails(site), _connect(site, base)))
    again = "" if still else f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
    return _page(site, base, "overview", body, toggle=toggle, head=again)


def switchboard(site: WordPress, base: str, problem: str = "") -> Response:
    """The switches as forms; `problem` says what was wrong with the last one."""
    told = f'<section class="problem" role="alert">{escape(problem)}</section>' if problem else ""
    body = told + _switches_form(site, base) + _faults(site, base) + _reset_form(base)
    return _page(site, base, "switches", body)


def _page(site: WordPress, base: str, here: str, body: str, *, toggle: str = "", head: str = "") -> Response:
    title = SITE_TITLE + (f" ({site.name})" if site.name else "")
    tabs = "".join(
        f'<a href="{escape(address)}"{" aria-current=page" if name == here else ""}>{label}</a>'
        for name, address, label in (
            ("overview", f"{base}/", "What is here"),
            ("switches", f"{base}/?view=switches", "Switches"),
        )
    )
    html = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Sandbox: {escape(title)}</title>{head}<style>{_STYLE}</style></head><body>"
        f'<div class="stripe"></div><header><h1>{escape(title)}</h1>'
        '<p class="soft">A <b>sandbox</b>: it behaves like WordPress with MemberPress, but is neither. '
        "Nothing here is real, and all of it is forgotten when it stops.</p>"
        f'<ul class="facts">{_facts(site)}</ul>'
        f'<nav>{tabs}<span class="right">{toggle}</span></nav></header><main>{body}'
        "<footer>Everything on this page is also JSON: "
        f"{_link(f'{base}/sandbox/state', 'state')} · {_link(f'{base}/sandbox/requests', 'requests')}</footer>"
        "</main></body></html>\n"
    )
    return Response(200, html.encode(), HTML, (("Cache-Control", "no-store"),))


def _facts(site: WordPress) -> str:
    switches = site.switches
    facts = [
        _tag(f"{site.clock.now():%d %b %Y, %H:%M} UTC", "wait" if site.clock.moved else ""),
        _tag(f"{site.counts['all']} requests"),
    ]
    if switches.down:
        facts.append(_tag(f"down: {_DOWN[switches.down]}", "bad"))
    if switches.latency_ms:
        facts.append(_tag(f"{switches.latency_ms:g} ms slow", "wait"))
    if switches.faults:
        facts.append(_tag("faults set", "bad"))
    return "".join(f"<li>{fact}</li>" for fact in facts)


def _members(site: WordPress) -> str:
    people = [user for user in site.store.users.values() if user.role == "subscriber"]
    rows = [_member(site, user) for user in reversed(people[-ROWS_SHOWN:])]
    return _section(
        f"Members <small>{len(people)}</small>", ("Member", "Login name", "Access now"), rows, "Nobody yet."
    )


def _member(site: WordPress, user: User) -> Sequence[str]:
    access = [_access(each) for each in control.access_now(site, user.id)]
    named = f"<b>{escape(user.display_name)}</b><br>" if user.display_name != user.username else ""
    return (
        f"<span>{named}{escape(user.email)}</span>",
        f"<code>{escape(user.username)}</code>",
        f'<span class="tags">{"".join(access) or _tag("no access")}</span>',
    )


def _access(each: Mapping[str, Any]) -> str:
    span = f"until {_until(each['until'])}" if each["until"] else "for ever"
    return _tag(f"{each['title'] or each['membership']} {span}", "good")


def _transactions(site: WordPress) -> str:
    every = list(site.store.transactions.values())
    rows = [_transaction(site, each) for each in reversed(every[-ROWS_SHOWN:])]
    columns = ("No.", "Member", "Membership", "Net", "Total", "Status", "Access until", "trans_num")
    return _section(f"Transactions <small>{len(every)}</small>", columns, rows, "None yet.")


def _transaction(site: WordPress, each: Transaction) -> Sequence[str]:
    user = site.store.users.get(each.user_id)
    bought = site.store.memberships.get(each.membership_id)
    return (
        str(each.id),
        escape(user.email if user else f"nobody ({each.user_id})"),
        escape(bought.title if bought else f"none ({each.membership_id})"),
        each.amount,
        each.total,
        _tag(each.status, _STATUS_TONE.get(each.status, "bad")),
        _until(each.expires_at.date().isoformat() if each.expires_at else None),
        f"<code>{escape(each.trans_num)}</code>",
    )


def _mails(site: WordPress) -> str:
    rows = [_mail(mail) for mail in reversed(site.store.mails[-ROWS_SHOWN:])]
    columns = ("Sent", "To", "Subject")
    return _section(
        f"Mails <small>{len(site.store.mails)}, written down, never sent</small>", columns, rows, "None yet."
    )


def _mail(mail: Mail) -> Sequence[str]:
    return f"{mail.at:%d %b, %H:%M:%S}", escape(mail.to), escape(mail.subject)


def _connect(site: WordPress, base: str) -> str:
    options = site.options
    pairs = (
        ("url", base),
        ("api_key", site.switches.key or "(revoked)"),
        ("or username", options.username),
        ("and application_password", site.store.users[1].application_password or "(revoked)"),
        ("levels", ", ".join(f"{each.id} {each.title}" for each in site.store.memberships.values())),
    )
    listed = "".join(f"<dt>{name}</dt><dd><code>{escape(value)}</code></dd>" for name, value in pairs)
    return f"<section><h2>To connect it</h2><dl>{listed}</dl></section>"


def _switches_form(site: WordPress, base: str) -> str:
    switches = site.switches
    down = "".join(_option(value, label, switches.down or "") for value, label in _DOWN.items())
    guard = "".join(_option(value, label, switches.login_guard or "") for value, label in _LOGIN_GUARD.items())
    checks = "".join(
        f'<label class="check"><input type="checkbox" name="{name}"{" checked" if on else ""}>{label}</label>'
        for name, on, label in (
            ("plugin_active", switches.plugin_active, "MemberPress API active"),
            ("key_accepted", switches.key is not None, "API key accepted"),
            ("plain_permalinks", switches.plain_permalinks, "Plain permalinks"),
            ("strip_authorization", switches.strip_authorization, "Host strips Authorization"),
            ("application_passwords", switches.application_passwords, "Application passwords available"),
        )
    )
    moved = f"{site.clock.now():%Y-%m-%dT%H:%M}" if site.clock.moved else ""
    return _form_section(
        base,
        "switches",
        "How the site is",
        '<div class="fields">'
        f"<label>Time per request, ms{_number('latency_ms', switches.latency_ms, 600_000)}</label>"
        f"<label>Gap before a user is stored, ms{_number('race_window_ms', switches.race_window_ms, 600_000)}</label>"
        f'<label>Down<select name="down">{down}</select></label>'
        f'<label>Login page<select name="login_guard">{guard}</select></label>'
        f'<label>Date (empty = today)<input type="datetime-local" name="now" value="{moved}"></label>{checks}</div>',
        "Set",
    )


def _faults(site: WordPress, base: str) -> str:
    kinds = [kind.value for kind in FaultKind if kind not in (FaultKind.STATUS, FaultKind.REDIRECT)]
    kinds += ["status:429", "status:403", "status:502", "redirect:https://elsewhere.example/", "old_answer:route"]
    waiting = "".join(
        f'<div class="fault"><code>{escape(fault.match)}</code> {_tag(fault.kind, "bad")}'
        f'<span class="soft">{"until removed" if fault.times is None else f"{fault.times} time(s)"}'
        f"{f' for {escape(fault.email)}' if fault.email else ''}</span>"
        f'<form method="post" action="{escape(base)}/sandbox/form"><input type="hidden" name="do" value="remove-fault">'
        f'<input type="hidden" name="index" value="{index}"><button class="quiet">Remove</button></form></div>'
        for index, fault in enumerate(site.switches.faults)
    )
    form = _form_section(
        base,
        "fault",
        "Let a request go wrong",
        '<div class="fields">'
        f'<label>Request<select name="match">{"".join(_option(each, each, "") for each in _MATCHES)}</select></label>'
        f'<label>What happens<select name="kind">{"".join(_option(each, each, "") for each in kinds)}</select></label>'
        f"<label>So many times (0 = always){_number('times', 1, 1_000_000)}</label>"
        '<label>Only for the member (address)<input name="email"></label></div>',
        "Add",
    )
    return form.removesuffix("</section>") + waiting + "</section>"


def _reset_form(base: str) -> str:
    return (
        f'<section><h2>Start again</h2><form method="post" action="{escape(base)}/sandbox/form">'
        '<input type="hidden" name="do" value="reset"><p class="soft">Forgets all members, transactions and mails, and '
        'sets every switch back.</p><div class="buttons"><button class="danger">Reset the site</button></div></form>'
        "</section>"
    )


def _form_section(base: str, does: str, title: str, fields: str, button: str) -> str:
    return (
        f'<section><h2>{title}</h2><form method="post" action="{escape(base)}/sandbox/form">'
        f'<input type="hidden" name="do" value="{does}">{fields}'
        f'<div class="buttons"><button>{button}</button></div></form></section>'
    )


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str) -> str:
    numbers = ("No.", "Net", "Total")

    def cell(name: str, text: str, kind: str) -> str:
        side = ' class="number"' if name in numbers else ""
        label = f' data-name="{name}"' if kind == "td" else ' scope="col"'
        return f"<{kind}{side}{label}>{text}</{kind}>"

    body = "".join(
        f"<tr>{''.join(cell(name, text, 'td') for name, text in zip(columns, row, strict=True))}</tr>" for row in rows
    )
    if not body:
        return f'<section><h2>{title}</h2><p class="empty">{empty}</p></section>'
    head = "".join(cell(name, name, "th") for name in columns)
    return f"<section><h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"


def _until(last_day: str | None) -> str:
    return f"{date.fromisoformat(last_day):%d %b %Y}" if last_day else "for ever"


def _tag(text: str, tone: str = "") -> str:
    return f'<span class="tag {tone}">{escape(text)}</span>'


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _option(value: str, label: str, chosen: str) -> str:
    return f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(label)}</option>'


def _number(name: str, value: float, largest: int) -> str:
    return f'<input type="number" name="{name}" value="{value:g}" min="0" max="{largest}" step="any">'
