"""Any faults in any sequence: in the end the access is exactly right, and nothing was done twice."""

from __future__ import annotations

import random

import pytest

from db.two_sites import World, assert_all_is_right, time_passes, two_sites
from guestlist.access.models import Member, MemberState
from guestlist.access.staff import try_members_again
from guestlist.connections.models import Site
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress.site import MemberPress

pytestmark = pytest.mark.django_db(transaction=True)

WHERE = ["* /", "GET /members", "POST /members", "GET /transactions", "POST /transactions", "PUT /transactions"]
KINDS = [
    "close_before_work",
    "close_after_work",
    "hang_after_work",
    "html_200",
    "html_200_after_work",
    "html_500",
    "html_500_after_work",
    "truncated_json_after_work",
    "wrong_id",
    "huge",
    "status:429",
    "status:502",
    "status:503",
    "status:403",
    "redirect:https://elsewhere.example.test/",
]
DOWN = ["refuse", "maintenance", "database"]


def strike(world: World, dice: random.Random) -> None:
    faults = [
        {
            "match": dice.choice(WHERE),
            "kind": dice.choice(KINDS),
            "times": dice.randint(1, 3),
            "skip": dice.randint(0, 3),
        }
        for _ in range(dice.randint(1, 4))
    ]
    world.switch(
        faults=faults,
        down=dice.choice(DOWN) if dice.random() < 0.15 else None,
        plugin_active=dice.random() > 0.1,
        plain_permalinks=dice.random() < 0.3,
        key=None if dice.random() < 0.1 else world.site.key,
    )


@pytest.mark.parametrize("seed", range(8))
def test_a_mass_of_faults_at_random_leaves_everything_exactly_right(seed: int, monkeypatch: pytest.MonkeyPatch):
    patient = Timeouts(connect=5, read=1, create=1, total=3)
    monkeypatch.setitem(MemberPress.open.__kwdefaults__, "timeouts", patient)
    dice = random.Random(seed)
    with two_sites() as world:
        Site.objects.filter(pk="academy").update(concurrency=dice.randint(1, 4))
        world.sell_before()
        world.sell_meanwhile()
        for _ in range(8):
            strike(world, dice)
            world.run()
            time_passes()
            if dice.random() < 0.3:
                try_members_again()
        world.switch(faults=[], down=None, plugin_active=True, plain_permalinks=False, key=world.site.key)
        world.run("club")
        for _ in range(12):
            try_members_again()
            time_passes()
            world.run()
        assert not Member.objects.exclude(state=MemberState.IDLE).values("email", "state", "reason")
        assert_all_is_right(world)
