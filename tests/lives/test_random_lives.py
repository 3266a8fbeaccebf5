"""Random lives against the books. LIVES=500 plays so many (and different ones each time), LIFE_STEPS so long ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from lives.machine import Life

LIVES = int(os.environ.get("LIVES", "0"))
STEPS = int(os.environ.get("LIFE_STEPS", "25"))


def test_whatever_happens_the_sites_hold_what_the_books_say(world):
    run_state_machine_as_test(
        lambda: Life(world),
        settings=settings(
            max_examples=LIVES or 30,
            stateful_step_count=STEPS,
            derandomize=not LIVES,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
