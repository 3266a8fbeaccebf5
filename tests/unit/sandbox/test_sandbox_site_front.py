import httpx2
import pytest

KEY = {"MEMBERPRESS-API-KEY": "SANDBOXKEY"}


def test_the_index_shows_the_fields_asked_for(site):
    index = httpx2.get(
        f"{site.url}/wp-json/?_fields=name,url,home,namespaces,authentication,gmt_offset,timezone_string"
    ).json()
    assert set(index) == {"name", "url", "home", "namespaces", "authentication", "gmt_offset", "timezone_string"}
    assert (index["url"], index["gmt_offset"], index["timezone_string"]) == (site.url, "0", "")
    assert "mp/v1" in index["namespaces"]
    assert index["authentication"]["application-passwords"]["endpoints"]["authorization"].startswith(site.url)


@pytest.mark.parametrize(("plain", "root"), [(False, "/wp-json/"), (True, "/index.php?rest_route=/")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_front_page_tells_where_the_rest_root_is(site, method, plain, root):
    site.switch(plain_permalinks=plain)
    answer = httpx2.request(method, site.url)
    assert answer.headers["link"] == f'<{site.url}{root}>; rel="https://api.w.org/"'
    assert answer.headers["content-type"].startswith("text/html")
    assert bool(answer.content) is (method == "GET")


class TestPlainPermalinks:
    @pytest.fixture(autouse=True)
    def plain(self, site):
        site.switch(plain_permalinks=True)

    def test_a_get_is_redirected_to_a_page(self, site):
        answer = httpx2.get(f"{site.url}/wp-json/mp/v1/me", headers=KEY)
        assert answer.status_code == 301
        assert answer.headers["location"] == f"{site.url}/wp-json/mp/v1/me/"
        followed = httpx2.get(answer.headers["location"], headers=KEY)
        assert (followed.status_code, followed.headers["content-type"][:9]) == (200, "text/html")

    def test_a_post_gets_the_front_page_and_nothing_is_made(self, site):
        answer = httpx2.post(f"{site.url}/wp-json/mp/v1/transactions", headers=KEY, json={"member": 1, "membership": 8})
        assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")
        assert site.state()["transactions"] == []

    def test_the_index_is_a_page(self, site):
        answer = httpx2.get(f"{site.url}/wp-json/")
        assert (answer.status_code, answer.headers["content-type"][:9]) == (200, "text/html")

    @pytest.mark.parametrize("front", ["/", "/index.php"])
    def test_the_parameter_form_works_for_reading_and_writing(self, site, front):
        with httpx2.Client(headers=KEY) as client:
            listed = client.get(f"{site.url}{front}?rest_route=/mp/v1/members&search=editor")
            made = client.post(f"{site.url}{front}?rest_route=/mp/v1/transactions", json={"member": 1, "membership": 8})
        assert [row["username"] for row in listed.json()] == ["editor"]
        assert made.json()["id"] == "1"


@pytest.mark.parametrize(
    ("down", "status", "header", "text"),
    [("maintenance", 503, "600", "maintenance"), ("database", 500, None, "Error establishing a database connection")],
)
def test_a_site_that_is_down_answers_with_a_page_and_comes_back(site, down, status, header, text):
    site.switch(down=down)
    answer = httpx2.get(f"{site.url}/wp-json/mp/v1/me", headers=KEY)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, header)
    assert answer.headers["content-type"].startswith("text/html")
    assert text in answer.text
    site.switch(down=None)
    assert httpx2.get(f"{site.url}/wp-json/mp/v1/me", headers=KEY).status_code == 200


def test_a_site_that_refuses_closes_the_connection_without_an_answer(site):
    site.switch(down="refuse")
    with pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{site.url}/wp-json/mp/v1/me", headers=KEY)


def test_a_site_that_hangs_never_answers(site):
    site.switch(down="hang")
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(f"{site.url}/wp-json/mp/v1/me", headers=KEY, timeout=0.3)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/members/abc"), ("GET", "/nothing"), ("DELETE", "/members"), ("GET", "/members/3/more"), ("PUT", "/me")],
)
def test_an_unknown_route_or_method_is_404_before_any_credentials(site, method, path):
    answer = httpx2.request(method, f"{site.url}/wp-json/mp/v1{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")


def test_json_that_is_none_is_400(site):
    answer = httpx2.post(
        f"{site.url}/wp-json/mp/v1/members",
        headers={**KEY, "Content-Type": "application/json"},
        content=b'{"email": ',
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_json")
    assert answer.json()["data"]["json_error_code"] == 4


@pytest.mark.parametrize("path", ["/wp-json/mp/v1/members?per_page=0", "/wp-json/mp/v1/events"])
def test_a_crash_is_a_page(site, path):
    answer = httpx2.get(site.url + path, headers=KEY)
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "WordPress › Error" in answer.text


def test_a_schema_is_an_empty_list_without_credentials(site):
    assert httpx2.get(f"{site.url}/wp-json/mp/v1/members/schema").json() == []


class TestLostPassword:
    def ask(self, site, **form):
        return httpx2.post(f"{site.url}/wp-login.php?action=lostpassword", data=form)

    @pytest.mark.parametrize("login", ["editor", "EDITOR", "editor@academy.test", "Editor@Academy.Test"])
    def test_a_known_login_gets_a_mail_without_credentials(self, site, login):
        answer = self.ask(site, user_login=login)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{site.url}/wp-login.php?checkemail=confirm"
        assert [(mail["kind"], mail["to"]) for mail in site.state()["mails"]] == [("reset", "editor@academy.test")]

    def test_an_own_address_to_go_to_is_used(self, site):
        answer = self.ask(site, user_login="editor", redirect_to="https://shop.test/thanks")
        assert answer.headers["location"] == "https://shop.test/thanks"

    @pytest.mark.parametrize("login", ["", "nobody@x.test"])
    def test_an_unknown_one_gets_a_page_that_says_so(self, site, login):
        answer = self.ask(site, user_login=login)
        assert answer.status_code == 200
        assert "There is no account with that username or email address." in answer.text
        assert site.state()["mails"] == []

    def test_of_two_users_with_one_address_the_older_gets_it(self, site):
        for name in ("ann", "ann2"):
            site.act("POST", "members", {"email": "ann@x.test", "username": name})
        site.act("POST", "members/4", {"email": "Ann@X.test"})
        self.ask(site, user_login="ANN@x.test")
        assert [mail["to"] for mail in site.state()["mails"]] == ["ann@x.test"]

    def test_a_captcha_blocks_it_for_everybody(self, site):
        site.switch(login_guard="captcha")
        answer = self.ask(site, user_login="editor")
        assert answer.status_code == 200
        assert "captcha" in answer.text
        assert site.state()["mails"] == []
        site.switch(login_guard=None)
        assert self.ask(site, user_login="editor").status_code == 302

    def test_a_hidden_login_page_sends_on_to_nothing(self, site):
        site.switch(login_guard="hidden")
        answer = self.ask(site, user_login="editor")
        assert (answer.status_code, answer.headers["location"]) == (302, f"{site.url}/not-found/")
        assert httpx2.get(answer.headers["location"]).status_code == 404
        assert site.state()["mails"] == []
