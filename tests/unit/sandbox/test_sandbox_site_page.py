import httpx2
import pytest


@pytest.fixture
def page(site):
    with httpx2.Client(base_url=site.url) as client:
        yield client


def press(page, **fields):
    return page.post("/sandbox/form", data=fields)


def test_it_says_that_it_is_a_sandbox_and_shows_what_is_there(api, page):
    ann = api.member("ann", send_password_email=True)
    api.site.act("POST", f"members/{ann}", {"display_name": "Ann <Lind>"})
    api.grant(ann, 8, expires_at="2027-01-22", amount="29.00", total="34.80", trans_num="gl-7")
    api.grant(ann, 10)
    shown = page.get("/").text
    for text in (
        "sandbox", "ann@x.test", "Ann &lt;Lind&gt;", "Gold monthly until 22 Jan 2027", "Lifetime for ever", "gl-7",
        "29.00", "34.80", "complete", "Set Your New Password", "SANDBOXKEY",
    ):  # fmt: skip
        assert text in shown
    assert "<Lind>" not in shown


def test_it_needs_nothing_from_elsewhere_and_no_script(page):
    shown = page.get("/").text + page.get("/?view=switches").text
    assert "<script" not in shown
    assert "https://" not in shown.replace("redirect:https://elsewhere.example/", "")


def test_it_loads_itself_again_until_told_not_to(page):
    assert 'http-equiv="refresh"' in page.get("/").text
    assert 'http-equiv="refresh"' not in page.get("/?refresh=off").text
    assert 'http-equiv="refresh"' not in page.get("/?view=switches").text


def test_the_page_itself_is_no_request_to_the_site(page, site):
    page.get("/")
    assert site.requests() == []


def test_the_switches_form_sets_every_switch(page, site):
    answer = press(
        page,
        do="switches",
        latency_ms="50",
        race_window_ms="0",
        down="maintenance",
        login_guard="captcha",
        now="2030-05-01T10:00",
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{site.url}/?view=switches")
    switches = site.state()["switches"]
    assert (switches["latency_ms"], switches["down"], switches["now"][:16]) == (50, "maintenance", "2030-05-01T10:00")
    assert (switches["plugin_active"], switches["key"], switches["login_guard"]) == (False, None, "captcha")
    press(page, do="switches", latency_ms="0", down="", now="", plugin_active="on", key_accepted="on")
    switches = site.state()["switches"]
    assert (switches["down"], switches["plugin_active"], switches["key"], switches["now"]) == (
        None,
        True,
        site.key,
        None,
    )


def test_a_fault_is_added_shown_and_removed(page, site):
    press(page, do="fault", match="POST /members", kind="hang", times="0")
    assert site.state()["switches"]["faults"][0]["times"] is None
    assert "POST /members" in page.get("/?view=switches").text
    press(page, do="remove-fault", index="0")
    press(page, do="remove-fault", index="0")
    assert site.state()["switches"]["faults"] == []


def test_what_was_wrong_is_said_on_the_page(page, site):
    answer = press(page, do="switches", latency_ms="-5")
    assert (answer.status_code, "latency_ms: between" in answer.text) == (200, True)
    assert site.state()["switches"]["latency_ms"] == 0


def test_a_reset_forgets_everything(api, page, site):
    api.member("ann")
    press(page, do="reset")
    assert len(site.state()["members"]) == 2


def test_another_websites_form_is_refused(page, site):
    answer = page.post("/sandbox/form", data={"do": "reset"}, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 403
    assert page.post("/sandbox/form", data={"do": "reset"}, headers={"Origin": site.url}).status_code == 303


def test_a_named_site_has_its_own_page_and_forms(page, site):
    assert f'action="{site.url_of("north")}/sandbox/form"' in page.get("/s/north/?view=switches").text
    page.post("/s/north/sandbox/form", data={"do": "switches", "latency_ms": "7"}, headers={"Origin": site.url})
    assert site.state("north")["switches"]["latency_ms"] == 7
    assert site.state()["switches"]["latency_ms"] == 0
