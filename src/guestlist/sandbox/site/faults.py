"""What a request meets at a site that is broken on purpose."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from typing import assert_never

from guestlist.sandbox.site import front, whom
from guestlist.sandbox.site.http import HTML, Request, Response, as_html
from guestlist.sandbox.site.switches import Down, Fault, FaultKind
from guestlist.sandbox.site.wire import Wire
from guestlist.sandbox.site.wordpress import WordPress

_PAGE = as_html("Just a moment", "A page that some cache, firewall or plugin put in front of the site.")
_CRASH = as_html("WordPress › Error", "There has been a critical error on this website.", status=500)
_FAR_AWAY = 1_000_000
_CACHED_SECONDS = 300


async def serve(site: WordPress, request: Request, wire: Wire) -> None:
    """Answer one request as the site's switches say."""
    site.record(request)
    if site.switches.down is not None:
        await _serve_down(site.switches.down, wire)
        return
    if site.switches.latency_ms:
        await asyncio.sleep(site.switches.latency_ms / 1000)
    choosy = any(fault.email for fault in site.switches.faults)
    people = whom.addresses(site, request) if choosy else frozenset[str]()
    fault = site.switches.take_fault(request.method, request.route, people)
    if fault is None:
        await wire.answer(await front.answer(site, request))
    else:
        await _serve_faulty(fault, site, request, wire)


async def _serve_down(how: Down, wire: Wire) -> None:
    match how:
        case Down.REFUSE:
            await wire.close()
        case Down.HANG:
            await wire.hang()
        case Down.MAINTENANCE | Down.DATABASE:
            await wire.answer(front.when_down(how))
        case _:
            assert_never(how)


async def _serve_faulty(fault: Fault, site: WordPress, request: Request, wire: Wire) -> None:
    match fault.what:
        case FaultKind.CLOSE_BEFORE_WORK:
            await wire.close()
        case FaultKind.HANG:
            await wire.hang()
        case FaultKind.HTML_200:
            await wire.answer(_PAGE)
        case FaultKind.HTML_500:
            await wire.answer(_CRASH)
        case FaultKind.STATUS:
            await wire.answer(_status(fault))
        case FaultKind.REDIRECT:
            await wire.answer(Response(302, b"", HTML, (("Location", fault.value),)))
        case FaultKind.OLD_ANSWER:
            await wire.answer(await _cached(site, request, by_route=fault.value == "route"))
        case FaultKind.FIRST_PAGE:
            await wire.answer(await _first_page(site, request))
        case _:
            await _spoil(fault.what, await front.answer(site, request), wire)


async def _cached(site: WordPress, request: Request, *, by_route: bool) -> Response:
    """What a cache before the site answers: to a GET the answer that it kept, if there is one."""
    address = request.route if by_route else f"{request.path}?{request.query}"
    kept = site.cached.get(address)
    if kept is not None and request.method == "GET":
        return replace(kept, headers=(*kept.headers, ("Age", str(_CACHED_SECONDS))))
    response = await front.answer(site, request)
    if request.method == "GET" and response.status == 200 and not _forbids_storing(response):
        site.cached[address] = response
    return response


async def _first_page(site: WordPress, request: Request) -> Response:
    """What a plugin lists that overlooks the page's number and leaves out the totals."""
    response = await front.answer(site, replace(request, query=re.sub(r"\bpage=\d+", "page=1", request.query)))
    return replace(response, headers=tuple(pair for pair in response.headers if not pair[0].startswith("X-WP-Total")))


def _forbids_storing(response: Response) -> bool:
    return any(name == "Cache-Control" and "no-store" in value for name, value in response.headers)


async def _spoil(kind: FaultKind, response: Response, wire: Wire) -> None:
    """The work is done; the answer goes wrong."""
    match kind:
        case FaultKind.CLOSE_AFTER_WORK:
            await wire.close()
        case FaultKind.HANG_AFTER_WORK:
            await wire.hang()
        case FaultKind.HTML_200_AFTER_WORK:
            await wire.answer(_PAGE)
        case FaultKind.HTML_500_AFTER_WORK:
            await wire.answer(_CRASH)
        case FaultKind.TRUNCATED_JSON_AFTER_WORK:
            await wire.answer_half(response)
        case FaultKind.WRONG_ID:
            await wire.answer(_with_another_id(response))
        case FaultKind.HUGE:
            await wire.answer_hugely(response)
        case FaultKind.SLOW_BODY:
            await wire.answer_slowly(response)
        case _:
            raise ValueError(f"{kind} is no way to spoil an answer")


def _status(fault: Fault) -> Response:
    status = int(fault.value)
    headers = (("Retry-After", str(fault.retry_after)),) if status in (429, 503) else ()
    return as_html(f"Error {status}", "The site does not want this request now.", status=status, headers=headers)


def _with_another_id(response: Response) -> Response:
    """The answer with the id (a number or a string, as it was) of something else."""
    payload = json.loads(response.body)
    if isinstance(payload, dict) and "id" in payload:
        payload["id"] = type(payload["id"])(int(payload["id"]) + _FAR_AWAY)
    return replace(response, body=json.dumps(payload).encode())
