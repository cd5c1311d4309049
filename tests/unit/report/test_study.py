from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gputune.report import study_rows as rows
from gputune.report.drawing.trials import histories
from gputune.report.live import LiveStudy
from gputune.report.study_html import render_study_page
from gputune.report.study_terminal import render_study
from gputune.schema.study import (
    Budget,
    Check,
    Configuration,
    Confirmation,
    Identity,
    KnobEffect,
    KnobLeftOut,
    KnobSearched,
    Payoff,
    Study,
    Trial,
)
from tests.unit.report.reading import Page, one_script, only_itself

OWN = {"batch_size": 32, "prefetch": "none"}
BEST = {"batch_size": 128, "prefetch": "AUTOTUNE"}
TRIALS = (
    Trial(number=0, knobs=OWN, state="complete", samples_per_s=100.0, duration_s=8.0,
          why="the script as it is"),
    Trial(number=1, knobs=BEST, state="complete", samples_per_s=250.0, duration_s=2.0,
          began_s=8.0, in_process=True),
    Trial(number=2, knobs={**BEST, "batch_size": 4096}, state="infeasible", began_s=10.0,
          reason="out of memory: OOM", duration_s=3.0, exit_code=1),
    Trial(number=3, knobs={**OWN, "prefetch": "2"}, state="pruned", began_s=13.0,
          reason="ended early", duration_s=1.0),
)  # fmt: skip
FASTER = Confirmation(
    candidate="best", knobs=BEST, ratio=2.4, ci95=(2.2, 2.6), verdict="faster", rounds=5,
    reason="95 % interval", worth_having=True, candidate_samples_per_s=240.0,
    baseline_samples_per_s=100.0,
)  # fmt: skip
STUDY = Study(
    script="train.py",
    verdict="Faster.",
    baseline=Configuration(knobs=OWN, samples_per_s=100.0, confirmed=True),
    best=Configuration(knobs=BEST, samples_per_s=240.0, confirmed=True),
    confirmation=(FASTER,),
    checks=(Check(candidate="best", check="head-room", passed=True, evidence="enough"),),
    trials=TRIALS,
    knobs_searched=(
        KnobSearched(knob="prefetch", values=("none", "AUTOTUNE"), baseline="none"),
        KnobSearched(knob="batch_size", values=(32, 128), baseline=32, importance_fraction=0.9,
                     effect=(KnobEffect(value=32, trials=1, median_samples_per_s=100.0),)),
    ),
    knobs_left_out=(KnobLeftOut(knob="memory_growth", why="no GPU"),),
    fixed={"seed": 3},
    budget=Budget(trials=25, total_s=900, search_s=400, confirmation_s=360, guard_s=140),
    identity=Identity(script_sha256="x", arguments=(), environment=(), space_sha256="y"),
    payoff=Payoff(hours_saved_per_run=0.5, break_even_runs=1.7),
    stopped="all trials were made",
    notes=("A note.",),
)  # fmt: skip


def drawn(study: Study, width: int = 160) -> str:
    return " ".join(render_study(study, width=width, color=False, ascii_only=True).split())


def test_the_answer_and_what_it_stands_on() -> None:
    text = drawn(STUDY)
    for said in (
        "As it is 100 samples/s", "Best 240 samples/s, best of all",
        "batch_size: 32 -> 128 prefetch: none -> AUTOTUNE",
        "2.400 times the throughput, 95% interval 2.200 to 2.600, 5 rounds in fresh processes: "
        "faster",
        "best of all, head-room passed: enough",
        "30 min 0 s saved by each run of the script as it stands; after 1.70 runs the tuning has "
        "paid for itself",
        "4 (2 complete, 1 infeasible, 1 pruned), 1 without a new process; all trials were made",
        "1 infeasible: out of memory: OOM", "batch_size 90%, prefetch", "Held seed=3",
        "(percent: the share of what told the best trials from the others)",
        "memory_growth: no GPU", "gputune run --config gputune.toml train.py",
        "gputune apply --config gputune.toml train.py", "A note.",
    ):  # fmt: skip
        assert said in text, said


def test_no_gain_offers_nothing_to_run() -> None:
    same = replace(FASTER, ratio=1.01, ci95=(0.99, 1.03), verdict="inconclusive",
                   worth_having=False, reason="no gain was shown")  # fmt: skip
    text = drawn(replace(STUDY, verdict="No gain worth having.", best=None, confirmation=(same,)))
    assert "No gain worth having." in text
    assert "not sure (no gain was shown)" in text
    assert "gputune run" not in text and "saved" not in text


def test_what_is_not_known_has_its_reason() -> None:
    study = replace(STUDY, payoff=Payoff(hours_saved_per_run=None, break_even_runs=None,
                                         reason="how many epochs is not known"))  # fmt: skip
    assert "Worth n/a: how many epochs is not known" in drawn(study)


def test_a_knob_that_no_trial_moved_has_no_share_and_says_so() -> None:
    still = KnobSearched(knob="knob.width", values=(8, 16), baseline=8, effect=(
        KnobEffect(value=8, trials=4, median_samples_per_s=100.0),
        KnobEffect(value=16, trials=0, median_samples_per_s=None),
    ))  # fmt: skip
    text = drawn(replace(STUDY, knobs_searched=(still,)))
    assert "Searched knob.width (no other value was tried)" in text
    assert "percent:" not in text


@pytest.mark.parametrize("value", [True, 1])
def test_true_is_not_one(value: object) -> None:
    own: dict[str, object] = {"deterministic": 1 if value is True else True}
    assert rows.changed({"deterministic": value}, own) != []  # type: ignore[dict-item, arg-type]


def test_best_so_far_never_falls_and_begins_with_none() -> None:
    trials = (TRIALS[2], TRIALS[0], TRIALS[1], replace(TRIALS[0], number=4))
    assert rows.best_so_far(trials) == [None, 100.0, 250.0, 250.0]


class _Tags(HTMLParser):
    """Collects the tags; void ones are not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "line", "circle", "rect", "polyline"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle", "rect", "polyline"):
            assert self.open.pop() == tag


def test_the_page_has_every_part_and_the_json() -> None:
    page = render_study_page(STUDY)
    for part in ("confirmation", "history", "knobs", "trials", "notes", "data"):
        assert f'id="{part}"' in page
    found = re.search(r'id="gputune-study">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    assert json.loads(found[1])["schema"] == "gputune.study"
    assert "://" not in page
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.count("circle") == 2 * len(TRIALS), "a dot for each trial, wide and narrow"
    assert page.count('class="point"') == 1, "the ratio of the one candidate"


def test_a_value_that_was_never_tried_is_named_and_has_no_bar() -> None:
    effect = (
        KnobEffect(value=1, trials=2, median_samples_per_s=50.0),
        KnobEffect(value=2, trials=0, median_samples_per_s=None),
        KnobEffect(value=4, trials=1, median_samples_per_s=100.0),
    )
    knob = KnobSearched(knob="prefetch", values=(1, 2, 4), baseline=1, effect=effect)
    page = Page(render_study_page(replace(STUDY, knobs_searched=(knob,))))
    words = page.words()
    assert "1 2 trials 50.0 samples/s" in words
    assert "4 1 trial 100 samples/s" in words
    assert "not tried: 2" in words
    assert [style for style in page.attributes("style") if style.startswith("width:")] == [
        "width: 50.0%", "width: 100.0%"
    ]  # fmt: skip


def test_a_knob_that_never_changed_has_no_bars() -> None:
    knob = KnobSearched(knob="jit_compile", values=(False, True), baseline=False, effect=(
        KnobEffect(value=False, trials=3, median_samples_per_s=50.0),
        KnobEffect(value=True, trials=0, median_samples_per_s=None)))  # fmt: skip
    page = Page(render_study_page(replace(STUDY, knobs_searched=(knob,))))
    assert "With one value in all trials jit_compile: False" in page.words()
    assert not [style for style in page.attributes("style") if style.startswith("width:")]


def test_the_best_so_far_is_a_stair_that_rises_where_a_better_trial_was_measured() -> None:
    """100, then 250, then two without a figure: level, up, level, level."""
    wide, _ = histories(TRIALS)
    points = [tuple(map(float, point.split(","))) for point in wide.best.split()]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    assert len(points) == 7
    assert ys[0] == ys[1] > ys[2] == ys[3] == ys[4] == ys[5] == ys[6]
    assert xs[1] == xs[2] == wide.dots[1].x


words = st.text(max_size=20)
figure = st.none() | st.floats(allow_nan=True, allow_infinity=True)
value = st.none() | st.booleans() | st.integers(-5, 5) | words


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            Trial, number=st.integers(0, 99), knobs=st.dictionaries(words, value, max_size=3),
            state=st.sampled_from(["complete", "pruned", "infeasible", "failed"]), reason=words,
            samples_per_s=st.none() | st.floats(0.001, 1e12), why=words,
            duration_s=st.floats(0, 1e9), began_s=st.floats(0, 1e9),
        ), max_size=6,
    ),
    words, st.integers(1, 300), st.booleans(),
)  # fmt: skip
def test_any_study_is_shown(trials: list[Trial], text: str, width: int, plain: bool) -> None:
    study = replace(STUDY, trials=tuple(trials), verdict=text, script=text, notes=(text,),
                    stopped=text)  # fmt: skip
    said = render_study(study, width=width, color=not plain, ascii_only=plain)
    assert said.isascii() or not plain
    tags = _Tags()
    tags.feed(render_study_page(study))
    assert tags.open == []
    page = Page(render_study_page(study))
    one_script(page)
    only_itself(page)


def live(stream: io.StringIO) -> LiveStudy:
    return LiveStudy(
        stream, color=False, ascii_only=True, total_trials=25, budget_s=900.0, clock=lambda: 0.0
    )


def test_off_a_terminal_there_is_a_line_for_each_trial() -> None:
    stream = io.StringIO()
    with live(stream) as shown:
        shown.on_note("profiling")
        for trial in TRIALS:
            shown.on_begin(trial.number, trial.knobs, "why")
            shown.on_trial(trial)
    assert stream.getvalue().splitlines() == [
        "gputune: profiling",
        "trial 0: as it is: 100 samples/s, 1.00x, 8.00 s",
        "trial 1: batch_size=128 prefetch=AUTOTUNE: 250 samples/s, 2.50x, 2.00 s",
        "trial 2: batch_size=4096 prefetch=AUTOTUNE: infeasible: out of memory: OOM",
        "trial 3: prefetch=2: pruned: ended early",
    ]


class _Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_table_has_the_best_and_the_time_left() -> None:
    stream = _Terminal()
    with live(stream) as shown:
        for trial in TRIALS:
            shown.on_begin(trial.number, trial.knobs, "why")
            shown.on_trial(trial)
        shown.on_note("confirming")
    text = " ".join(stream.getvalue().split())
    assert "4 of at most 25 trials" in text
    assert "best so far 250 samples/s (2.50x, not confirmed)" in text
    assert "gputune: confirming" in text


class _Closed(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(32, "Broken pipe")


def test_a_closed_stream_ends_no_study() -> None:
    with live(_Closed()) as shown:
        shown.on_note("x")
        shown.on_begin(0, OWN, "why")
        shown.on_trial(TRIALS[0])
