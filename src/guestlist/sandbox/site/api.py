"""The REST root: the index and the plugin's routes under mp/v1."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from guestlist.sandbox.site import members, php, shapes, subscriptions, transactions
from guestlist.sandbox.site.auth import Caller, authenticate
from guestlist.sandbox.site.http import (
    Crashed,
    Refused,
    Request,
    Response,
    as_html,
    as_json,
    no_route,
    not_found,
)
from guestlist.sandbox.site.listing import like, page_of
from guestlist.sandbox.site.mails import SITE_TITLE
from guestlist.sandbox.site.wordpress import WordPress

NAMESPACE = "/mp/v1"
_INVALID_JSON = {"status": 400, "json_error_code": 4, "json_error_message": "Syntax error"}


class Call:
    """One request to a route of the plugin."""

    def __init__(self, site: WordPress, request: Request, method: str) -> None:
        self.site = site
        self.request = request
        self.method = method
        self.parameters: dict[str, Any] = {}
        self.caller = Caller("")

    @property
    def sent(self) -> dict[str, Any]:
        """The parameters without the one that chooses the route."""
        return {name: value for name, value in self.parameters.items() if name not in ("rest_route", "_method")}


Handler = Callable[[Call], Any]


async def answer(site: WordPress, request: Request, path: str) -> Response:
    """Answer a request beneath the REST root.

    Args:
        path: beneath the REST root, like `/mp/v1/me`.
    """
    try:
        return await _answer(site, request, path.rstrip("/"))
    except Refused as refusal:
        return refusal.response()
    except Crashed:
        return as_html("WordPress › Error", "There has been a critical error on this website.", status=500)


async def _answer(site: WordPress, request: Request, path: str) -> Response:
    method = _method(request)
    if path == "" and method == "GET":
        return as_json(_index(site, request))
    if not site.switches.plugin_active or not path.startswith(NAMESPACE):
        raise no_route()
    segments = path.removeprefix(NAMESPACE).strip("/").split("/")
    if segments[1:] == ["schema"] and method == "GET":
        return as_json([])
    routes = _routes(segments)
    if method == "OPTIONS" and routes:
        return _options(site, request, routes)
    if method not in routes:
        raise no_route()
    call = Call(site, request, method)
    call.parameters = parameters(request)
    call.caller = authenticate(site, request)
    result = routes[method](call)
    payload = await result if isinstance(result, Awaitable) else result
    headers = call.caller.headers
    if isinstance(payload, Response):
        return Response(payload.status, payload.body, payload.content_type, payload.headers + headers)
    return as_json(payload, headers=headers)


def _method(request: Request) -> str:
    method = "GET" if request.method == "HEAD" else request.method
    if method != "POST":
        return method
    override = request.headers.get("x-http-method-override") or php.parameters(request.query).get("_method")
    return str(override).upper() if override else method


def _routes(segments: Sequence[str]) -> Mapping[str, Handler]:
    """The handlers of a path beneath mp/v1, by method; none = no such route."""
    match segments:
        case ["me"]:
            return {"GET": _me}
        case ["validate-login"]:
            return {"POST": _validate_login}
        case ["events"]:
            return {"GET": _crash}
        case ["memberships"]:
            return {"GET": _memberships}
        case ["memberships", number] if number.isdigit():
            return {"GET": lambda call: _membership(call, int(number))}
        case ["members"]:
            return {"GET": _members, "POST": lambda call: members.create(call.site, call.sent)}
        case ["members", number] if number.isdigit():
            return _member_routes(int(number))
        case ["transactions"]:
            return {"GET": _transactions, "POST": lambda call: transactions.create(call.site, call.sent)}
        case ["transactions", number] if number.isdigit():
            return _transaction_routes(int(number))
        case ["transactions", number, "refund" | "refund_and_cancel"] if number.isdigit():
            return {"POST": lambda _call: transactions.refund(int(number))}
        case ["subscriptions", *rest]:
            return _subscription_routes(rest)
        case _:
            return {}


def _changes(handler: Handler) -> dict[str, Handler]:
    return {"POST": handler, "PUT": handler, "PATCH": handler}


def _member_routes(number: int) -> dict[str, Handler]:
    return {
        "GET": lambda call: shapes.member(call.site.store, members.get(call.site, number)),
        "DELETE": lambda call: members.delete(call.site, number),
        **_changes(lambda call: members.update(call.site, call.method, number, call.sent)),
    }


def _transaction_routes(number: int) -> dict[str, Handler]:
    return {
        "GET": lambda call: shapes.transaction(call.site.store, transactions.get(call.site, number)),
        "DELETE": lambda call: transactions.delete(call.site, number),
        **_changes(lambda call: transactions.update(call.site, number, call.sent)),
    }


def _subscription_routes(rest: Sequence[str]) -> dict[str, Handler]:
    match rest:
        case []:
            return {
                "GET": _subscriptions,
                "POST": lambda call: subscriptions.create(call.site, call.sent),
            }
        case [number] if number.isdigit():
            return {
                "GET": lambda call: shapes.subscription(call.site.store, subscriptions.get(call.site, int(number))),
                "DELETE": lambda call: subscriptions.delete(call.site, int(number)),
                **_changes(lambda call: subscriptions.update(call.site, int(number), call.sent)),
            }
        case [number, "cancel"] if number.isdigit():
            return {"POST": lambda call: subscriptions.cancel(call.site, int(number))}
        case [number, "expire"] if number.isdigit():
            return {"POST": lambda call: subscriptions.expire(call.site, int(number))}
        case _:
            return {}


def _me(call: Call) -> dict[str, Any]:
    return {"success": True, "data": {"username": call.caller.name}}


def _validate_login(call: Call) -> dict[str, Any]:
    user = call.site.store.find_login(php.text(call.parameters.get("login")))
    validated = user is not None and user.password == php.text(call.parameters.get("password"))
    return {"success": True, "data": {"validated": validated}}


def _crash(_call: Call) -> None:
    raise Crashed


def _memberships(call: Call) -> Response:
    rows = [row for row in reversed(call.site.store.memberships.values()) if row.status == "publish"]
    if call.parameters.get("search"):
        hit = like(call.parameters["search"])
        rows = [row for row in rows if hit(row.title)]
    return _page(call, rows, shapes.membership)


def _membership(call: Call, number: int) -> dict[str, Any]:
    found = call.site.store.memberships.get(number)
    if found is None or found.status != "publish":
        raise not_found("memberships", number)
    return shapes.membership(found)


def _members(call: Call) -> Response:
    rows = members.matching(call.site, call.parameters)
    return _page(call, rows, lambda user: shapes.member(call.site.store, user))


def _transactions(call: Call) -> Response:
    rows = transactions.matching(call.site, call.parameters)
    return _page(call, rows, lambda row: shapes.transaction(call.site.store, row))


def _subscriptions(call: Call) -> Response:
    rows = subscriptions.matching(call.site, call.parameters)
    return _page(call, rows, lambda row: shapes.subscription(call.site.store, row))


def _page(call: Call, rows: Sequence[Any], shape: Callable[[Any], dict[str, Any]]) -> Response:
    address = call.request.base + call.request.path
    page, headers = page_of(rows, call.parameters, address)
    return as_json([shape(row) for row in page], headers=headers)


def _options(site: WordPress, request: Request, routes: Mapping[str, Handler]) -> Response:
    described = as_json({"namespace": "mp/v1", "methods": list(routes)})
    try:
        authenticate(site, request)
    except Refused:
        return described
    return as_json({"namespace": "mp/v1", "methods": list(routes)}, headers=(("Allow", ", ".join(routes)),))


def parameters(request: Request) -> dict[str, Any]:
    """Query, then form, then JSON, the later the stronger. JSON counts only if it is called JSON."""
    asked = php.parameters(request.query)
    kind = request.headers.get("content-type", "").lower()
    if "application/json" in kind and request.body.strip():
        try:
            sent = json.loads(request.body)
        except ValueError as problem:
            raise Refused(400, "rest_invalid_json", "Invalid JSON body passed.", _INVALID_JSON) from problem
        if isinstance(sent, dict):
            return asked | sent
    elif "application/x-www-form-urlencoded" in kind:
        return asked | php.parameters(request.body.decode(errors="replace"))
    return asked


def _index(site: WordPress, request: Request) -> dict[str, Any]:
    namespaces = ["oembed/1.0", "mp/v1", "wp/v2", "wp-site-health/v1", "wp-block-editor/v1"]
    if not site.switches.plugin_active:
        namespaces.remove("mp/v1")
    page = f"{request.base}/wp-admin/authorize-application.php"
    # An empty list, not an empty object, where they are not available.
    ways = (
        {"application-passwords": {"endpoints": {"authorization": page}}} if site.switches.application_passwords else []
    )
    index = {
        "name": SITE_TITLE,
        "description": "",
        "url": request.base,
        "home": request.base,
        "gmt_offset": "0",
        "timezone_string": "",
        "namespaces": namespaces,
        "authentication": ways,
        "routes": {},
    }
    fields = php.text(php.parameters(request.query).get("_fields"))
    wanted = {field.strip() for field in fields.split(",")} if fields else index.keys()
    return {name: value for name, value in index.items() if name in wanted}
