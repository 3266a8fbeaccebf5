"""Past sales aligned in the background: asked for once, interrupted, taken over, finished."""

from __future__ import annotations

import pytest
from django.utils import timezone

import stored
from factories import rule
from guestlist.access.models import Grant
from guestlist.connections.ending import ENDING
from guestlist.domain.facts import Buyer, Item
from guestlist.domain.rules import Rule
from guestlist.fulfilment import align_runs
from guestlist.fulfilment.align import Progress
from guestlist.fulfilment.align_runs import begin_alignment, latest_run, run_alignment, runs_to_do
from guestlist.fulfilment.editing import disconnect_cart, save_rules
from guestlist.fulfilment.models import AlignRun
from guestlist.fulfilment.settings_values import RuleKey

pytestmark = pytest.mark.django_db(transaction=True)

PRODUCT = Item.parse("product-12")


@pytest.fixture
def sold() -> None:
    """Three buyers under a rule that is another one by now."""
    stored.open_shop()
    for number in ("7001", "7002", "7003"):
        stored.sell_monthly(number, Buyer(f"n{number}@buyers.test", f"91{number}"))
    save_rules("shop", [rule("product-12", "academy/9")])


def levels() -> set[str]:
    return set(Grant.objects.filter(live=True).values_list("level", flat=True))


def test_a_run_brings_everything_in_line_and_says_so(sold: None) -> None:
    run = begin_alignment("shop", PRODUCT, "Olive")
    assert runs_to_do() == [run.pk]
    run_alignment(run.pk)
    run.refresh_from_db()
    assert (run.done, run.orders, run.who) == (3, 3, "Olive")
    assert run.finished_at is not None
    assert levels() == {"9"}
    assert runs_to_do() == []


def test_asking_twice_is_one_run(sold: None) -> None:
    assert begin_alignment("shop", PRODUCT, "Olive").pk == begin_alignment("shop", PRODUCT, "Omar").pk


def test_rules_changed_while_a_run_is_at_work_are_taken_up_where_it_is_asked_for_again(
    sold: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("guestlist.fulfilment.align.BATCH", 1)
    run = begin_alignment("shop", PRODUCT, "Olive")
    walk = align_runs.align

    def changes_meanwhile(*args: object, progress: Progress, **values: object) -> object:
        def told(done: int, orders: int) -> None:
            progress(done, orders)
            if done == 1:
                monkeypatch.setattr(align_runs, "align", walk)
                save_rules("shop", [rule("product-12", "academy/10")])
                begin_alignment("shop", PRODUCT, "Omar")

        return walk(*args, progress=told, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(align_runs, "align", changes_meanwhile)
    run_alignment(run.pk)
    (asked_again,) = runs_to_do()
    run_alignment(asked_again)
    assert runs_to_do() == []
    assert levels() == {"10"}


def test_a_run_that_is_asked_for_again_in_mid_work_looks_through_everything_once_more(
    sold: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, walks = align_runs.align, []

    def asked_again_meanwhile(*args: object, progress: Progress, **values: object) -> object:
        walks.append(args)
        if len(walks) == 1:
            assert begin_alignment("shop", PRODUCT, "Omar").pk == run.pk
        return walk(*args, progress=progress, **values)  # type: ignore[arg-type]

    run = begin_alignment("shop", PRODUCT, "Olive")
    monkeypatch.setattr(align_runs, "align", asked_again_meanwhile)
    run_alignment(run.pk)
    assert len(walks) == 2
    assert runs_to_do() == []


@pytest.mark.parametrize("kept", [[], [rule("product-12", "academy/10")]], ids=["removed", "changed for new buyers"])
def test_a_run_takes_nothing_away_by_rules_that_came_after_it_was_asked_for(sold: None, kept: list[Rule]) -> None:
    run = begin_alignment("shop", PRODUCT, "Olive")
    save_rules("shop", kept, instead_of=[RuleKey("shop", PRODUCT, None)])
    run_alignment(run.pk)
    assert levels() == {"8", "10"}
    assert runs_to_do() == []


def test_a_cart_that_is_disconnected_while_a_run_waits_takes_nothing_from_its_buyers(sold: None) -> None:
    run = begin_alignment("shop", PRODUCT, "Olive")
    disconnect_cart("shop")
    run_alignment(run.pk)
    assert levels() == {"8", "10"}


def test_rules_that_go_in_mid_work_stop_the_run_where_it_is(sold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.fulfilment.align.BATCH", 1)
    walk = align_runs.align

    def removed_after_the_first(*args: object, progress: Progress, **values: object) -> object:
        def told(done: int, orders: int) -> None:
            if done == 1:
                save_rules("shop", [], instead_of=[RuleKey("shop", PRODUCT, None)])
            progress(done, orders)

        return walk(*args, progress=told, **values)  # type: ignore[arg-type]

    run = begin_alignment("shop", PRODUCT, "Olive")
    monkeypatch.setattr(align_runs, "align", removed_after_the_first)
    run_alignment(run.pk)
    assert Grant.objects.filter(live=True, level="9").count() == 2
    assert Grant.objects.filter(live=True, level="8").count() == 4
    assert runs_to_do() == []


def test_a_run_whose_worker_died_goes_on_where_it_was(sold: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.fulfilment.align.BATCH", 1)
    run = begin_alignment("shop", PRODUCT, "Olive")
    walk = align_runs.align

    def dies_after_the_first(*args: object, progress: Progress, **values: object) -> object:
        def told(done: int, orders: int) -> None:
            progress(done, orders)
            raise SystemExit

        return walk(*args, progress=told, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(align_runs, "align", dies_after_the_first)
    with pytest.raises(SystemExit):
        run_alignment(run.pk)
    assert runs_to_do() == []  # it may only be slow
    AlignRun.objects.update(beat_at=timezone.now() - align_runs.SILENT_AFTER * 2)
    assert runs_to_do() == [run.pk]
    monkeypatch.setattr(align_runs, "align", walk)
    run_alignment(run.pk)
    found = latest_run("shop", PRODUCT)
    assert found is not None
    assert (found.done, found.orders) == (3, 3)
    assert levels() == {"9"}


def test_a_worker_that_ends_leaves_the_rest_to_the_next(sold: None) -> None:
    run = begin_alignment("shop", PRODUCT, "Olive")
    ENDING.set()
    try:
        run_alignment(run.pk)
    finally:
        ENDING.clear()
    run.refresh_from_db()
    assert run.finished_at is None
    run_alignment(run.pk)
    assert levels() == {"9"}
