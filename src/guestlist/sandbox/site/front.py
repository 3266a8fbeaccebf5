"""The site's front: which answer a path gets, with and without pretty permalinks, and WordPress's own login page."""

from __future__ import annotations

from urllib.parse import parse_qs

from guestlist.sandbox.site import api, mails, php
from guestlist.sandbox.site.http import HTML, Request, Response, as_html
from guestlist.sandbox.site.switches import Down, LoginGuard
from guestlist.sandbox.site.wordpress import WordPress


async def answer(site: WordPress, request: Request) -> Response:
    """Answer as the site does when nothing is wrong with it."""
    path = request.rest_path
    if path is not None:
        if site.switches.plain_permalinks and not request.asks_plainly:
            return _unrewritten(site, request)
        response = await api.answer(site, request, path)
        return response if _has_link(response) else linked(response, discovery(site, request.base))
    if request.path == "/wp-login.php" and request.method == "POST":
        return _login_page(site, request)
    if request.path == "/":
        return _front_page(site, request)
    return as_html("Page not found", "That page cannot be found.", status=404)


def discovery(site: WordPress, base: str) -> str:
    """The header that tells where the REST root is (section 1.3)."""
    root = f"{base}/index.php?rest_route=/" if site.switches.plain_permalinks else f"{base}/wp-json/"
    return f'<{root}>; rel="https://api.w.org/"'


def when_down(how: Down) -> Response:
    """The page of a site that is down but whose web server answers (section 1.5)."""
    if how is Down.MAINTENANCE:
        text = "Briefly unavailable for scheduled maintenance. Check back in a minute."
        return as_html("Maintenance", text, status=503, headers=(("Retry-After", "600"),))
    return as_html("Database Error", "Error establishing a database connection", status=500)


def _unrewritten(site: WordPress, request: Request) -> Response:
    """Without rewriting, WordPress does not recognise the REST root: it redirects a GET and shows its front page."""
    if request.method in ("GET", "HEAD") and not request.path.endswith("/"):
        query = f"?{request.query}" if request.query else ""
        return Response(301, b"", HTML, (("Location", f"{request.base}{request.path}/{query}"),))
    return _front_page(site, request)


def _front_page(site: WordPress, request: Request) -> Response:
    page = as_html(mails.SITE_TITLE, "The site's front page.")
    return linked(page, discovery(site, request.base))


def _login_page(site: WordPress, request: Request) -> Response:
    action = php.parameters(request.query).get("action")
    form = parse_qs(request.body.decode(errors="replace"), keep_blank_values=True)
    if site.switches.login_guard is LoginGuard.HIDDEN:
        return Response(302, b"", HTML, (("Location", f"{request.base}/not-found/"),))
    if action != "lostpassword":
        return as_html("Log In", "The sandbox has no login page.")
    if site.switches.login_guard is LoginGuard.CAPTCHA:
        return _lost_password_error("Error: The captcha was not solved.")
    user = site.store.find_login(form.get("user_login", [""])[0])
    if user is None:
        return _lost_password_error("Error: There is no account with that username or email address.")
    mails.lost_password(site.store, user)
    to = form.get("redirect_to", [""])[0] or f"{request.base}/wp-login.php?checkemail=confirm"
    return Response(302, b"", HTML, (("Location", to),))


def _lost_password_error(words: str) -> Response:
    form = '<form method="post"><label>Username or Email Address <input name="user_login"></label></form>'
    return as_html("Lost Password", f'</p><div id="login_error" class="notice">{words}</div>{form}<p>')


def _has_link(response: Response) -> bool:
    return any(name == "Link" for name, _ in response.headers)


def linked(response: Response, link: str) -> Response:
    """The response with a Link header."""
    return Response(response.status, response.body, response.content_type, (*response.headers, ("Link", link)))
