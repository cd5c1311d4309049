from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gputune.report import figures, rows
from gputune.report.terminal import render_profile
from gputune.schema.profile import Breakdown, Profile, Unavailable
from tests.unit.report import hostile, sample

PROFILES = [sample.cpu_profile(), sample.gpu_profile(), sample.minimal_profile()]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LABELS = {
    "input_wait_s": "input wait",
    "device_compute_s": "compute (CPU)",
    "h2d_exposed_s": "copy to device",
    "d2h_exposed_s": "copy to host",
    "launch_s": "launch, dispatch",
    "python_s": "Python, callbacks",
    "other_s": "other",
}


def shown(
    profile: Profile, *, width: int = 120, color: bool = False, ascii_only: bool = False
) -> str:
    return render_profile(profile, width=width, color=color, ascii_only=ascii_only)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def row(text: str, label: str) -> str:
    """The words of the row that `label` stands in."""
    (line,) = [line for line in text.splitlines() if re.search(rf"^  . +{re.escape(label)} ", line)]
    return squeezed(line)


def test_the_verdict_is_the_first_thing_said() -> None:
    first = shown(sample.cpu_profile()).splitlines()[0]
    assert first.startswith("The input pipeline limits this script: 71% of every step")


def test_step_time_is_shown_with_its_spread_and_rate() -> None:
    text = squeezed(shown(sample.cpu_profile()))
    assert "41.9 ms mean (95%: 41.2 to 42.6 ms), median 41.2 ms, p95 48.3 ms" in text
    assert "764 samples/s, batch size 32, 187 steps measured, stable" in text


def test_an_unstable_step_time_is_shown_with_its_reason() -> None:
    text = squeezed(shown(sample.gpu_profile()))
    assert "NOT stable: the GPU lowers its clock from window 40 on" in text


@pytest.mark.parametrize("key", LABELS)
def test_each_part_of_the_step_has_its_own_row(key: str) -> None:
    profile = replace(sample.cpu_profile(), breakdown=Breakdown(**{key: 0.00419}))
    text = shown(profile)
    assert f"{LABELS[key]} 4.19 ms 10%" in row(text, LABELS[key])
    for other in LABELS.keys() - {key}:
        assert row(text, LABELS[other]).endswith(f"{LABELS[other]} n/a")


def test_the_bar_is_divided_as_the_step_is() -> None:
    parts = Breakdown(input_wait_s=0.030, device_compute_s=0.010)
    text = shown(replace(sample.cpu_profile(), breakdown=parts), width=84, ascii_only=True)
    assert f"  {'#' * 60}{'=' * 20}\n" in text


def test_a_part_below_zero_takes_no_room_in_the_bar_and_keeps_its_sign() -> None:
    text = shown(sample.gpu_profile(), ascii_only=True)
    assert "-20.0 us" in row(text, "input wait")
    bar = text.splitlines()[text.splitlines().index("Where a step goes (21.4 ms)") + 1]
    assert "#" not in bar and "=" in bar


def test_what_has_no_value_is_named_once_for_each_reason() -> None:
    closing = squeezed(shown(sample.cpu_profile()))
    assert "GPU metrics, copy to device, copy to host, copies: TensorFlow sees no GPU" in closing


def test_a_missing_value_without_a_reason_is_said_to_have_none() -> None:
    profile = replace(
        sample.cpu_profile(),
        unavailable=(Unavailable(metric="gpus", reason="TensorFlow sees no GPU"),),
    )
    expected = "copy to device, copy to host: the profile names no reason"
    assert expected in squeezed(shown(profile))


def test_a_missing_value_is_never_shown_as_zero() -> None:
    profile = replace(sample.cpu_profile(), breakdown=Breakdown(other_s=float("nan")))
    for label in LABELS.values():
        assert row(shown(profile), label).endswith("n/a")


def test_the_pipeline_runs_from_the_source_to_the_model_and_marks_its_bottleneck() -> None:
    lines = shown(sample.cpu_profile()).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("Input pipeline"))
    stages = [squeezed(line).split() for line in lines[start + 2 : start + 7]]
    places = [next(word for word in stage if ":" in word) for stage in stages]
    assert places == [f"photos.py:{line}" for line in (30, 31, 32, 33, 34)]
    assert [stage[0] == ">" for stage in stages] == [False, False, True, False, False]
    assert stages[2][1:] == [
        "photos.py:32",
        ".map(decode)",
        "MapDataset",
        "29.1",
        "ms",
        "1",
        "34.4",
    ]


def test_autotuned_values_and_fused_calls_are_told() -> None:
    text = squeezed(shown(sample.gpu_profile(), width=160))
    assert ".map(decode) + photos.py:34 .batch(256)" in text
    assert "12 auto" in text
    assert "1.90 of 2 auto" in text
    assert "prefetch (added by TensorFlow)" in text


def test_a_finding_has_severity_title_evidence_remedy_and_place() -> None:
    text = squeezed(shown(sample.cpu_profile()))
    assert "Problem The model waits for its input photos.py:32" in text
    assert "With one batch held in memory a step takes 12.1 ms." in text
    assert "Do: Let .map(decode) use every core" in text


def test_phases_what_if_files_and_notes_are_shown() -> None:
    text = squeezed(shown(sample.cpu_profile()))
    assert "clean 187 x 41.9 ms" in text and "trace 10 x 55.0 ms" in text
    assert "drain 1.40 s in all" in text
    assert "input were free: 12.1 ms a step, 3.46x as fast (measured)" in text
    assert "/home/ana/vision/metrics.txt" in text
    assert "what the pipeline takes from the model's cores" in text


def test_every_gpu_has_a_row_and_unknown_figures_are_not_zero() -> None:
    text = shown(sample.gpu_profile(), width=160)
    assert (
        "GPU 0    NVIDIA H100 80GB HBM3: busy 91% (the time with at least one kernel, however "
        "small) · memory 12.3 GiB of 79.6 GiB\n"
    ) in text
    assert "GPU 1    NVIDIA H100 80GB HBM3: busy n/a · memory n/a" in text


def test_without_training_the_reason_stands_in_place_of_figures() -> None:
    text = shown(sample.minimal_profile())
    assert "No training was seen: the script never called fit." in text
    assert "Step     n/a: no training was seen" in text
    assert "Where a step goes" not in text


def test_an_interrupted_run_says_so() -> None:
    profile = replace(sample.cpu_profile(), command=sample.command(interrupted=True))
    assert "INTERRUPTED" in shown(profile)


@pytest.mark.parametrize("width", [20, 40, 63, 80, 95, 120, 250])
@pytest.mark.parametrize("profile", PROFILES)
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(
    profile: Profile, width: int
) -> None:
    text = shown(profile, width=width)
    assert max(map(len, text.splitlines())) <= max(width, 40)
    assert "…" not in text
    for part in rows.parts(profile):
        assert re.search(rf"^  . .* {figures.seconds(part.seconds)}\b", text, re.MULTILINE)
    for stage in rows.stages(profile):
        cells = f" {re.escape(stage.own_time)} .* {re.escape(stage.max_rate)}$"
        assert re.search(cells, text, re.MULTILINE)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("profile", [*PROFILES, *map(hostile.with_texts, PROFILES)])
def test_ascii_mode_writes_nothing_but_ascii(profile: Profile, width: int) -> None:
    text = shown(profile, width=width, ascii_only=True)
    assert re.fullmatch(r"[\x20-\x7e\n]*", text)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("profile", [hostile.with_texts(profile) for profile in PROFILES])
def test_hostile_text_reaches_the_terminal_as_text(
    profile: Profile, width: int, color: bool
) -> None:
    text = shown(profile, width=width, color=color)
    plain = COLOUR.sub("", text) if color else text
    assert all(char.isprintable() or char == "\n" for char in plain)
    plain.encode("utf-8")  # no lone surrogate is left
    # Folded to the width, the text must still be there whole.
    solid = re.sub(r"\s", "", plain)
    assert "[boldred]x[/x]{{7*7}}\\x1b[31m\\x1b]0;owned\\x07\\x9b2J\\u202e" in solid


def test_colour_only_adds_colour() -> None:
    plain, colored = (shown(sample.cpu_profile(), color=color) for color in (False, True))
    assert "\x1b[" not in plain and "\x1b[" in colored
    letters = [
        [re.sub(r"[^\x20-\x7eµ]|\s+$", "", line) for line in COLOUR.sub("", text).splitlines()]
        for text in (plain, colored)
    ]
    assert letters[0][:9] == letters[1][:9]


def test_the_environment_of_who_renders_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = shown(sample.cpu_profile(), color=True, width=80)
    for name, value in (("NO_COLOR", "1"), ("COLUMNS", "33"), ("TERM", "dumb")):
        monkeypatch.setenv(name, value)
    assert shown(sample.cpu_profile(), color=True, width=80) == before
