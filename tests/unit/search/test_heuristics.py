from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from gputune.schema.config import Value
from gputune.search.candidates import candidates
from gputune.search.heuristics import Seen, expert_guess, surely_out_of_memory
from gputune.search.keeping import InMemory
from gputune.search.space import Point, Space
from gputune.search.study import search
from gputune.search.trying import Outcome
from tests.unit.search.spaces import Counting, dimension, searching, space

CACHE = "cache@t.py:9"


def with_cache() -> Space:
    """Batch size, cache, prefetch, precision."""
    return space(
        dimension("batch_size", 8, 16, 32, 64, 128, baseline=2, changes="training"),
        dimension(CACHE, "none", "memory", first=1, changes="order"),
        dimension("prefetch", "none", "AUTOTUNE", "device"),
        dimension("mixed_precision", "float32", "mixed_float16", changes="rounding"),
    )


OWN = Seen(point=(2, 0, 0, 0), score=100.0)


def out(*point: int, of_device: bool = False) -> Seen:
    return Seen(point=point, score=None, out_of_memory=True, of_device=of_device)


def ruled_out(*seen: Seen) -> set[Point]:
    where = with_cache()
    return {p for p in where.points() if surely_out_of_memory(where, seen, p)}


def those(wanted: Callable[[int, int, int, int], bool]) -> set[Point]:
    return {p for p in with_cache().points() if wanted(*p)}


def test_a_batch_that_did_not_fit_rules_out_the_larger_ones_with_its_precision() -> None:
    assert ruled_out(OWN, out(3, 0, 0, 0)) == those(lambda b, c, p, m: b >= 3 and m == 0)


def test_a_cache_that_did_not_fit_rules_out_the_cache_and_no_batch() -> None:
    found = ruled_out(OWN, out(2, 1, 0, 0))
    assert found == those(lambda b, c, p, m: b >= 2 and c == 1 and m == 0)


def test_a_cache_takes_none_of_the_devices_memory_and_a_prefetch_to_it_does() -> None:
    cached = ruled_out(OWN, out(3, 1, 0, 0, of_device=True))
    assert cached == those(lambda b, c, p, m: b >= 3 and m == 0)
    held = ruled_out(OWN, out(3, 1, 2, 0, of_device=True))
    assert held == those(lambda b, c, p, m: b >= 3 and p == 2 and m == 0)


@pytest.mark.parametrize(
    "ran",
    [
        Seen(point=(4, 0, 0, 0), score=90.0),
        Seen(point=(4, 0, 0, 0), score=None, pruned_at=90.0),
    ],
)
def test_a_batch_that_ran_in_another_point_was_not_too_large(ran: Seen) -> None:
    found = ruled_out(OWN, ran, out(3, 0, 1, 0))
    assert found == those(lambda b, c, p, m: b >= 3 and (c, p, m) == (0, 1, 0))


def test_larger_batches_are_searched_though_the_cache_did_not_fit() -> None:
    def answer(knobs: Mapping[str, Value]) -> Outcome:
        if knobs[CACHE] == "memory":
            return Outcome(state="infeasible", reason="killed (SIGKILL)", duration_s=1.0)
        batch = knobs["batch_size"]
        assert isinstance(batch, int)
        return Outcome(state="complete", samples_per_s=100.0 * batch, duration_s=1.0)

    found = search(Counting(answer), InMemory(with_cache()), searching(with_cache()))
    best = candidates(with_cache(), found.tried, "throughput").overall[0]
    assert best.knobs["batch_size"] == 128


def ended(*point: int, early: bool, at: float) -> Seen:
    return Seen(point=point, score=None if early else at, pruned_at=at if early else None)


@pytest.mark.parametrize("early", [False, True])
def test_what_was_of_no_use_beside_a_slow_input_is_tried_again_once_that_is_gone(
    early: bool,
) -> None:
    where = space(
        dimension("prefetch", "none", "AUTOTUNE"),
        dimension("jit_compile", False, True, changes="rounding"),
        dimension("steps_per_execution", 1, 32),
    )
    own, usual = Seen(point=(0, 0, 0), score=100.0), Seen(point=(1, 1, 1), score=95.0)
    compiled = ended(0, 1, 0, early=early, at=90.0)
    guess = expert_guess(where, [own, compiled, usual, Seen(point=(1, 0, 0), score=300.0)])
    assert guess is not None and guess.point == (1, 1, 0)
    # Beside a best that is hardly better than what it was measured beside, it is settled.
    guess = expert_guess(where, [own, compiled, usual, Seen(point=(1, 0, 0), score=110.0)])
    assert guess is not None and guess.point != (1, 1, 0)
