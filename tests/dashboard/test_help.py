"""Pages of help: each topic has one, their links lead on, and docs/how-to has the same text."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import translation

from guestlist.dashboard.help.pages import GROUPS, TOPICS, help_page, source
from guestlist.domain.help_topics import HelpTopic

ROOT = Path(__file__).resolve().parents[2]
PARTS = ["What you see", "Why it happens", "What to do", "How to see that it worked"]


@pytest.mark.parametrize("topic", list(HelpTopic))
def test_a_topic_says_what_is_seen_why_and_what_to_do_step_by_step(topic):
    text = source(topic)

    assert re.findall("^## (.+)$", text, re.MULTILINE) == PARTS
    steps = text.partition("## What to do")[2].partition("## ")[0]
    assert len(re.findall(r"^\d\. ", steps, re.MULTILINE)) >= 3


def test_each_topic_is_in_one_group_and_each_file_is_a_topic():
    grouped = [topic for _, topics in GROUPS for topic in topics]

    assert sorted(grouped) == sorted(HelpTopic)
    for path in TOPICS.glob("*/*"):
        assert path.stem in list(HelpTopic)


def test_the_index_leads_to_each_page_and_each_page_opens(viewer):
    html = viewer.get("/help").content.decode()

    assert sorted(re.findall('href="/help/([a-z-]+)"', html)) == sorted(HelpTopic)
    for topic in HelpTopic:
        answer = viewer.get(f"/help/{topic}")
        assert answer.status_code == 200
        assert help_page(topic).title in answer.content.decode().replace("&#x27;", "'")


def test_links_between_topics_lead_to_their_pages():
    body = help_page(HelpTopic.NO_MAIL).body

    assert 'href="/help/other-address"' in body
    assert ".md" not in body


def test_a_page_that_is_not_there_is_not_found(viewer):
    assert viewer.get("/help/warp-drive").status_code == 404


def test_nobody_reads_help_without_signing_in(client):
    assert client.get("/help/no-mail").status_code == 302


def test_a_language_without_a_page_shows_the_english_one():
    with translation.override("fr"):
        page = help_page(HelpTopic.PAGE_CACHE)

    assert page == help_page(HelpTopic.PAGE_CACHE)


def test_html_in_a_page_stays_text():
    assert "<script" not in "".join(help_page(topic).body for topic in HelpTopic)


def test_the_documentation_has_the_same_text():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "troubleshooting.py"), "--check"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("topic", HelpTopic)
def test_the_german_page_has_the_steps_and_links_of_the_english_one(topic):
    english, german = source(topic), source(topic, "de")

    assert german != english
    for structure in (r"^#+ ", r"^\d+\. ", r"\]\([a-z-]+\.md\)"):
        found = [sorted(re.findall(structure, text, re.MULTILINE)) for text in (english, german)]
        assert found[0] == found[1], structure
