"""When to try again: plain lists, so that anybody can read them."""

from __future__ import annotations

from datetime import datetime, timedelta

# A member whose work did not succeed: after these seconds, then every 12 hours, for 5 days in all.
MEMBER_RETRIES = (5, 30, 2 * 60, 10 * 60, 3600, 3 * 3600, 6 * 3600)
MEMBER_RETRIES_THEN = 12 * 3600
GIVE_UP_AFTER = timedelta(days=5)
# What ended without a clear answer may still be at work at the site: whoever looks earlier may find nothing, and do it
# a second time.
STILL_AT_WORK = timedelta(seconds=30)

# A site that is down, or whose lane is paused: one request shows whether it is back. Costs no member an attempt.
PROBES = (5, 10, 30, 60, 2 * 60, 5 * 60)
PROBES_THEN = 10 * 60


def member_retry(attempts: int, first_attempt_at: datetime, now: datetime, after: float | None) -> datetime | None:
    """When to try a member again after its `attempts`-th failure; None = no more.

    Args:
        after: seconds that the site asked to wait (`Retry-After`), if it did. Less than planned is not taken up: a
            site that says 0 again and again would be asked without a pause.
    """
    planned = MEMBER_RETRIES[attempts - 1] if attempts <= len(MEMBER_RETRIES) else MEMBER_RETRIES_THEN
    due_at = now + timedelta(seconds=max(planned, after or 0))
    return due_at if due_at - first_attempt_at <= GIVE_UP_AFTER else None


def next_probe(probes: int, now: datetime, after: float | None) -> datetime:
    """When to look at a site again after it was found not working, and `probes` times before that.

    Args:
        after: as in `member_retry`.
    """
    planned = PROBES[probes] if probes < len(PROBES) else PROBES_THEN
    return now + timedelta(seconds=max(planned, after or 0))
