import base64

import httpx2
import pytest

FORBIDDEN = "Sorry, you are not allowed to do that."
PASSWORD = "SANDsandBOXboxPASSpass24"
SPACED = "SAND sand BOXb oxPA SSpa ss24"
EDITOR = "editorEDITOReditorEDITOR"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def me(site, path="/wp-json/mp/v1/me", **headers):
    return httpx2.get(site.url + path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"MEMBERPRESS_API_KEY": "SANDBOXKEY"}, 200, "SANDBOXKEY"),
        ({"Authorization": "SANDBOXKEY"}, 200, "SANDBOXKEY"),
        ({"Authorization": "Bearer SANDBOXKEY"}, 401, None),
        ({"Authorization": basic("admin", PASSWORD)}, 200, "admin"),
        ({"Authorization": basic("admin", SPACED)}, 200, "admin"),
        ({"Authorization": basic("admin@academy.test", PASSWORD)}, 200, "admin"),
        ({"Authorization": basic("admin", "admin-login")}, 401, None),
        ({"Authorization": basic("admin", "wrong")}, 401, None),
        ({"Authorization": basic("nobody", PASSWORD)}, 401, None),
        ({"Authorization": "Basic ???"}, 401, None),
        ({"MEMBERPRESS_API_KEY": "WRONGKEY00"}, 401, None),
        ({"MEMBERPRESS_API_KEY": "sandboxkey"}, 401, None),
        ({}, 401, None),
        ({"Authorization": basic("editor", EDITOR)}, 403, None),
        ({"MEMBERPRESS_API_KEY": "SANDBOXKEY", "Authorization": basic("admin", "wrong")}, 401, None),
        ({"MEMBERPRESS_API_KEY": "SANDBOXKEY", "Authorization": basic("editor", EDITOR)}, 403, None),
        ({"MEMBERPRESS_API_KEY": "SANDBOXKEY", "Authorization": "junk"}, 401, None),
        ({"MEMBERPRESS_API_KEY": "SANDBOXKEY", "Authorization": basic("admin", PASSWORD)}, 200, "admin"),
    ],
)
def test_who_may_use_the_api(site, headers, status, name):
    answer = me(site, **headers)
    assert answer.status_code == status
    if name:
        assert answer.json() == {"success": True, "data": {"username": name}}
    else:
        assert answer.json() == {"code": "rest_forbidden", "message": FORBIDDEN, "data": {"status": status}}
        assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    "path",
    ["/?rest_route=/mp/v1/me", "/index.php?rest_route=/mp/v1/me", "/index.php/wp-json/mp/v1/me", "/wp-json/mp/v1/me/"],
)
def test_other_ways_to_the_same_route(site, path):
    assert me(site, path, MEMBERPRESS_API_KEY=site.key).json()["success"] is True


def test_a_host_that_strips_authorization_lets_the_key_header_through(site):
    site.switch(strip_authorization=True)
    assert me(site, Authorization=basic("admin", PASSWORD)).status_code == 401
    assert me(site, Authorization=site.key).status_code == 401
    assert me(site, MEMBERPRESS_API_KEY=site.key).status_code == 200


def test_a_revoked_application_password_stops_at_once(site):
    site.act("POST", "members/1", {"application_password": None})
    assert me(site, Authorization=basic("admin", PASSWORD)).status_code == 401


def test_a_revoked_key_stops_at_once_and_a_new_one_counts(site):
    site.switch(key=None)
    assert me(site, MEMBERPRESS_API_KEY="SANDBOXKEY").status_code == 401
    site.switch(key="NEWKEY0001")
    assert me(site, MEMBERPRESS_API_KEY="NEWKEY0001").status_code == 200


def test_only_a_logged_in_answer_forbids_caching(site):
    assert "cache-control" not in me(site, MEMBERPRESS_API_KEY=site.key).headers
    assert "no-store" in me(site, Authorization=basic("admin", PASSWORD)).headers["cache-control"]


def test_the_plugin_switched_off_is_no_route_for_anybody(site):
    site.switch(plugin_active=False)
    for headers in ({}, {"MEMBERPRESS_API_KEY": site.key}):
        answer = me(site, **headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "rest_no_route")
    assert "mp/v1" not in httpx2.get(site.url + "/wp-json/").json()["namespaces"]


def test_options_tell_the_methods_only_to_somebody_with_credentials(site):
    address = site.url + "/wp-json/mp/v1/transactions"
    assert "allow" not in httpx2.options(address).headers
    assert httpx2.options(address, headers={"MEMBERPRESS-API-KEY": site.key}).headers["allow"] == "GET, POST"
