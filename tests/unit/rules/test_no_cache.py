from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules import input_bound, no_cache
from gputune.rules.engine import find, verdict
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile, Stage
from gputune.schema.training import Repetition
from tests.unit.rules.profiles import pipeline, repetition, stage, waiting

# Next to the model first: prefetch, augment + batch in one stage, decode, shuffle, the files.
PREFETCH = stage(0, "Prefetch", ".prefetch(2)", 0.0)
AUGMENT = stage(
    1, "MapAndBatch", ".map(augment)", 0.01, calls=(".map(augment)", ".batch(32)"), parallelism=2.0
)
DECODE = stage(2, "ParallelMapV2", ".map(decode)", 0.08, calls=(".map(decode)",), parallelism=2.0)
SHUFFLE = stage(3, "Shuffle", ".shuffle(1530)", 0.01, calls=(".shuffle(1530)",))
FILES = stage(4, "TensorSlice", ".from_tensor_slices()", 0.0)
STAGES = (PREFETCH, AUGMENT, DECODE, SHUFFLE, FILES)
AFTER_SHUFFLE = repetition(".map(decode)", 12, in_order=False)


def seen(*repetitions: Repetition, stages: tuple[Stage, ...] = STAGES, **more: Any) -> Profile:
    """A step of 100 ms that waits 60 ms for `.map(decode)`."""
    bottleneck = next(s.index for s in stages if s.label == ".map(decode)")
    return waiting(
        0.06, pipeline=pipeline(*stages, bottleneck=bottleneck), repetitions=repetitions, **more
    )


def only(profile: Profile) -> Finding:
    (found,) = no_cache.findings(profile)
    return found


def bound(profile: Profile) -> str:
    (found,) = input_bound.findings(profile)
    return found.remedy


def test_the_cache_goes_behind_what_repeats_and_the_shuffle_behind_the_cache() -> None:
    found = only(seen(AFTER_SHUFFLE))
    assert found.severity is Severity.WARNING
    assert found.title.startswith("90% of the input's work") and ".map(decode)" in found.title
    assert found.remedy.startswith("train.py:12: .map(decode).cache().shuffle(1530). Move ")
    assert "frozen" in found.remedy
    assert found.site is not None and found.site.line == 12
    assert "200 elements of .map(decode) were made twice: the same" in found.evidence[0]
    assert "all 1000 take 1 MB, which is below half of the memory" in found.evidence[1]


def test_without_a_shuffle_above_nothing_is_to_be_moved() -> None:
    stages = (*STAGES[:3], stage(3, "TensorSlice", ".from_tensor_slices()", 0.0))
    found = only(seen(repetition(".map(decode)", 12), stages=stages))
    assert found.remedy == "train.py:12: .map(decode).cache()."


def test_files_in_random_order_freeze_the_order_too() -> None:
    stages = (*STAGES[:3], stage(3, "TensorSlice", ".list_files()", 0.0))
    assert "order above it is random" in only(seen(AFTER_SHUFFLE, stages=stages)).remedy


def test_a_repeat_above_moves_behind_the_cache() -> None:
    both = replace(SHUFFLE, op="ShuffleAndRepeat", calls=(".shuffle(9)", ".repeat()"))
    stages = (*STAGES[:3], both, FILES)
    remedy = only(seen(AFTER_SHUFFLE, stages=stages)).remedy
    assert ".map(decode).cache().shuffle(9).repeat()" in remedy
    assert "endless" in remedy


def test_what_shuffles_the_files_stays_and_keeps_its_order() -> None:
    opened = stage(
        4, "ParallelInterleaveV4", ".interleave(read)", 0.0, calls=(".interleave(read)",)
    )
    files = stage(5, "Shuffle", ".shuffle(7)", 0.0, calls=(".shuffle(7)",))
    remedy = only(seen(AFTER_SHUFFLE, stages=(*STAGES[:4], opened, files))).remedy
    assert ".map(decode).cache().shuffle(1530). Move" in remedy
    assert ".shuffle(7)" not in remedy and "Files that are shuffled" in remedy
    assert "Files that are shuffled" not in only(seen(AFTER_SHUFFLE)).remedy

    alone = (*STAGES[:3], replace(opened, index=3, parent=2), replace(files, index=4, parent=3))
    remedy = only(seen(AFTER_SHUFFLE, stages=alone)).remedy
    assert "order above it is random" in remedy and ".shuffle(7)" not in remedy

    reads = replace(opened, index=3, parent=2, self_s=0.2)
    behind_it = repetition(".interleave(read)", 14, in_order=False)
    remedy = only(seen(behind_it, stages=(*STAGES[:3], reads, alone[4]))).remedy
    assert ".interleave(read).cache()" in remedy and ".shuffle(7)" not in remedy


@pytest.mark.parametrize(
    "change",
    [{"repeats": False}, {"fits": False}, {"label": ".map(other)"}],
    ids=["another each time", "too large", "another stage"],
)
def test_no_cache_is_proposed_where_it_would_not_be_sound(change: dict[str, Any]) -> None:
    assert list(no_cache.findings(seen(replace(AFTER_SHUFFLE, **change)))) == []


def test_a_cache_that_is_there_already_is_not_proposed_again() -> None:
    cache = replace(PREFETCH, op="MemoryCacheImpl", label=".cache()")
    assert list(no_cache.findings(seen(AFTER_SHUFFLE, stages=(cache, *STAGES[1:])))) == []


def test_a_cache_above_the_stage_does_not_count() -> None:
    cache = replace(SHUFFLE, op="MemoryCacheImpl", label=".cache()", calls=(".cache()",))
    assert only(seen(AFTER_SHUFFLE, stages=(*STAGES[:3], cache, FILES))).id == "no-cache"


def test_of_two_places_the_one_that_saves_more_is_taken() -> None:
    augment = repetition(".map(augment)", 11, in_order=False)
    assert ".map(augment).cache()" in only(seen(AFTER_SHUFFLE, augment)).remedy
    assert ".map(decode).cache()" in only(seen(AFTER_SHUFFLE, replace(augment, fits=False))).remedy


def test_a_stage_upstream_with_little_work_is_not_worth_its_memory() -> None:
    parse = stage(3, "ParallelMapV2", ".map(parse)", 0.02)
    stages = (PREFETCH, AUGMENT, DECODE, parse)
    random = repetition(".map(decode)", 12, repeats=False)
    again = repetition(".map(parse)", 13)
    assert list(no_cache.findings(seen(random, again, stages=stages))) == []
    stages = (PREFETCH, AUGMENT, DECODE, replace(parse, self_s=0.04))
    assert ".map(parse).cache()" in only(seen(random, again, stages=stages)).remedy


def test_where_nothing_waits_a_cache_is_not_worth_its_memory() -> None:
    found = replace(seen(AFTER_SHUFFLE), breakdown=waiting(0.0).breakdown)
    assert list(no_cache.findings(found)) == []


def test_a_size_that_is_not_known_is_said() -> None:
    unknown = replace(AFTER_SHUFFLE, fits=None, bytes_all=None, elements_all=None)
    found = only(seen(unknown))
    assert len(found.evidence) == 1
    assert "is not known (elements of 1 kB)" in found.remedy


def test_the_advice_is_given_once_and_the_verdict_names_the_place() -> None:
    profile = seen(AFTER_SHUFFLE)
    assert bound(profile).startswith("Put .cache() behind .map(decode), and .shuffle(1530) behind")
    assert "frozen" not in bound(profile)
    assert verdict(profile, find(profile)) == (
        "60% of each step waits for input, made slow by train.py:12 .map(decode). "
        "Put .cache() behind .map(decode), and .shuffle(1530) behind that."
    )


def test_what_is_another_each_time_is_not_told_to_be_cached() -> None:
    for change in (
        {"repeats": False},
        {"repeats": False, "elements": 0, "reason": "its function names something random"},
    ):
        remedy = bound(seen(replace(AFTER_SHUFFLE, **change)))
        assert ".cache" not in remedy and "cannot be cached" in remedy


def test_what_does_not_fit_is_told_to_go_to_disk() -> None:
    assert ".cache(FILE)" in bound(seen(replace(AFTER_SHUFFLE, fits=False)))


def test_what_could_not_be_looked_at_is_advised_with_a_condition() -> None:
    looked = replace(AFTER_SHUFFLE, repeats=False, elements=0, reason="it runs Python code")
    for profile in (seen(), seen(looked)):
        assert "where its result is the same in every epoch" in bound(profile)
