"""When members and sites are tried again, second by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guestlist.access.schedule import member_retry, next_probe

BEGIN = datetime(2026, 3, 10, 8, tzinfo=UTC)
MINUTE, HOUR = 60, 3600


def waits_of_a_member(after: float | None = None) -> list[float]:
    """Seconds between tries, for a member that never succeeds, until it is given up."""
    now, waits = BEGIN, []
    while (again := member_retry(len(waits) + 1, BEGIN, now, after)) is not None:
        waits.append((again - now).total_seconds())
        now = again
    return waits


def test_a_member_is_tried_again_sooner_at_first_then_every_twelve_hours_for_five_days():
    first = [5, 30, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR]
    assert waits_of_a_member() == first + [12 * HOUR] * 9
    assert timedelta(days=4) < timedelta(seconds=sum(waits_of_a_member())) <= timedelta(days=5)


def test_a_member_is_never_tried_sooner_than_the_site_asked():
    assert waits_of_a_member(after=HOUR)[:6] == [HOUR] * 5 + [3 * HOUR]


@pytest.mark.parametrize("after", [0, 1])
def test_a_site_that_asks_for_next_to_no_patience_is_not_asked_without_a_pause(after: float):
    assert waits_of_a_member(after) == waits_of_a_member()
    assert next_probe(0, BEGIN, after) == next_probe(0, BEGIN, None)


def test_a_member_whose_next_try_would_come_too_late_is_given_up_at_once():
    assert member_retry(1, BEGIN, BEGIN, 6 * 24 * HOUR) is None


def test_a_site_that_does_not_work_is_looked_at_less_and_less_often():
    waits = [(next_probe(probes, BEGIN, None) - BEGIN).total_seconds() for probes in range(9)]
    assert waits == [5, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 10 * MINUTE, 10 * MINUTE]


def test_a_site_in_maintenance_is_left_alone_for_as_long_as_it_asked():
    assert next_probe(0, BEGIN, 600) == BEGIN + timedelta(minutes=10)
