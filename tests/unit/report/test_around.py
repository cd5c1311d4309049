from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from gputune.report.around import lines
from gputune.report.html import render_html
from gputune.report.terminal import render_profile
from gputune.schema.profile import Profile
from gputune.schema.training import (
    BetweenEpochs,
    CallbackCost,
    Distribution,
    Replica,
    Retracing,
    Startup,
)
from tests.unit.report import hostile, sample

PAUSES = BetweenEpochs(
    pauses=4, mean_s=1.2, validation_s=0.9, callbacks_s=0.21, first_step_s=0.07, other_s=0.02,
    run_fraction=0.081,
)  # fmt: skip
SLOW = CallbackCost(name="Slow", step_s=0.0031, step_fraction=0.25, epoch_s=0.2)
AGAIN = Retracing(
    function="loss", count=4, during_training=3, changed="x: shape (32, 10) -> (17, 10)",
    site=sample.MAP,
)  # fmt: skip


def growing(low: float, high: float) -> Any:
    return replace(
        sample.cpu_profile().host,
        rss_growth_bytes_per_step=(low + high) / 2,
        rss_growth_ci95_bytes_per_step=(low, high),
    )


def profile(**changes: Any) -> Profile:
    return replace(sample.cpu_profile(), **changes)


def everything() -> Profile:
    return profile(
        startup=Startup(total_s=12.3, imports_s=4.1, preparation_s=2.0, first_step_s=6.2),
        between_epochs=PAUSES,
        callbacks=(SLOW, CallbackCost(name="History", step_s=1e-7, step_fraction=1e-6, ours=True)),
        host=growing(2**20 - 1024, 2**20 + 1024),
        retracing=(AGAIN,),
    )


def said(found: Profile) -> list[tuple[str, str]]:
    return [(line.label, line.text) for line in lines(found)]


def test_what_matters_is_said_in_the_order_of_a_run() -> None:
    assert said(everything()) == [
        (
            "Start",
            "12.3 s until the first step was done: imports 4.10 s, data and model 2.00 s, "
            "first step 6.20 s",
        ),
        (
            "Epochs",
            "1.20 s between two, 8.1% of the training seen: validation 900 ms, callbacks 210 ms, "
            "the first step 70.0 ms",
        ),
        ("Callback", "Slow: 3.10 ms a step (25%), 200 ms an epoch"),
        ("Memory", "grows by 1 MiB a step (95%: 0.999 to 1.00 MiB), 83.9 GiB an hour"),
        (
            "Retraced",
            "loss photos.py:32 traced again 3 times after the third step (4 in all): "
            "x: shape (32, 10) -> (17, 10)",
        ),
    ]


@pytest.mark.parametrize(
    "quiet",
    [
        profile(),
        profile(startup=Startup(total_s=0.9, first_step_s=0.9)),
        profile(between_epochs=replace(PAUSES, run_fraction=0.009)),
        profile(callbacks=(replace(SLOW, step_fraction=0.009),)),
        profile(callbacks=(replace(SLOW, step_s=None, step_fraction=None),)),
        profile(host=growing(-1024, 4096)),
        profile(host=growing(-4096, -1024)),
        profile(host=growing(9_000, 11_000)),  # 0.8 GiB an hour at 41.9 ms a step
        replace(profile(host=growing(2**20, 2**20)), steps=None),
        profile(retracing=(replace(AGAIN, during_training=0),)),
        profile(host=replace(growing(2**14, 2**15), rss_bytes=2**30)),
        sample.minimal_profile(),
    ],
)
def test_what_does_not_matter_is_not_said(quiet: Profile) -> None:
    assert said(quiet) == []


def test_parts_that_are_not_known_are_left_out() -> None:
    found = profile(
        startup=Startup(total_s=8.0, first_step_s=6.0),
        between_epochs=BetweenEpochs(pauses=1, mean_s=1.0, other_s=1.0, run_fraction=0.2),
        retracing=(replace(AGAIN, count=2, during_training=1, changed="", site=None),),
    )
    assert said(found) == [
        ("Start", "8.00 s until the first step was done: first step 6.00 s"),
        ("Epochs", "1.00 s between two, 20% of the training seen: other 1.00 s"),
        ("Retraced", "loss traced again once after the third step (2 in all)"),
    ]


def test_a_callback_that_works_only_between_epochs_is_named_where_those_pauses_matter() -> None:
    saving = CallbackCost(name="Saving", step_s=0.0, step_fraction=0.0, epoch_s=0.2)
    found = profile(between_epochs=PAUSES, callbacks=(saving, replace(saving, epoch_s=0.01)))
    assert [line for line in said(found) if line[0] == "Callback"] == [
        ("Callback", "Saving: 0 s a step (0%), 200 ms an epoch")
    ]


def test_of_many_retraced_functions_three_are_named() -> None:
    found = said(profile(retracing=(AGAIN,) * 5))
    assert len(found) == 4
    assert found[-1] == ("Retraced", "and 2 other functions")


def test_the_terminal_has_a_row_for_each_and_repeats_no_label() -> None:
    found = replace(everything(), retracing=(AGAIN, AGAIN))
    text = render_profile(found, width=160, color=False, ascii_only=True)
    for label in ("Start", "Epochs", "Callback", "Memory", "Retraced"):
        assert len(re.findall(rf"^{label} ", text, re.MULTILINE)) == 1
    assert text.count("loss photos.py:32 traced again 3 times") == 2


def test_the_page_has_all_callbacks_and_the_same_lines() -> None:
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", render_html(everything())))
    for _, text in said(everything()):
        assert text.replace("->", "-&gt;") in page
    assert "History 100 ns &lt;0.1% n/a Keras&#39; own" in page
    assert "Around the step" not in render_html(sample.cpu_profile())


@pytest.mark.parametrize("width", [40, 120])
def test_hostile_text_is_shown_as_text(width: int) -> None:
    found = hostile.with_texts(everything())
    text = render_profile(found, width=width, color=False, ascii_only=False)
    assert all(char.isprintable() or char == "\n" for char in text)
    assert max(map(len, text.splitlines())) <= width
    page = render_html(found)
    assert "://" not in page
    assert "<img" not in page


def test_several_devices_are_said_with_what_is_known_of_them() -> None:
    bare = Distribution(
        strategy="MirroredStrategy", replicas=2, per_replica_batch=16, global_batch=32
    )
    assert ("Devices", "MirroredStrategy, 2 replicas, 16 of 32 samples each") in said(
        profile(distribution=bare)
    )
    traced = replace(
        bare,
        devices=(Replica(device="GPU:0", busy_s_per_step=0.008),),
        imbalance_fraction=0.25,
        all_reduce_fraction=0.1,
    )
    ((_, text),) = [one for one in said(profile(distribution=traced)) if one[0] == "Devices"]
    assert text.endswith(
        "GPU:0 busy 8.00 ms a step, the least busy 25% below the most, "
        "all-reduce alone 10% of the step"
    )
