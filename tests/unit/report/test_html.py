from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import pytest

from gputune.report.html import render_html
from gputune.schema.profile import Breakdown, Profile, Series
from gputune.schema.write import to_dict
from tests.unit.report import hostile, sample
from tests.unit.report.reading import Page, one_script, only_itself

PROFILES = [sample.cpu_profile(), sample.gpu_profile(), sample.minimal_profile()]
ALL = [*PROFILES, *map(hostile.with_texts, PROFILES)]


@pytest.mark.parametrize("profile", ALL)
def test_the_page_names_no_outside_address(profile: Profile) -> None:
    text = render_html(profile)
    assert "://" not in text
    assert "xmlns" not in text
    page = Page(text)
    only_itself(page)
    assert not re.search(r"url\(|@import", text.split("</style>")[0])


@pytest.mark.parametrize("profile", ALL)
def test_the_page_runs_no_script_but_its_own(profile: Profile) -> None:
    one_script(Page(render_html(profile)))


@pytest.mark.parametrize("profile", ALL)
def test_the_profile_is_embedded_whole_and_behind_the_link(profile: Profile) -> None:
    text = render_html(profile, json_name="photos.json")
    page = Page(text)
    (link,) = [href for href in page.attributes("href") if href.startswith("data:")]
    expected = json.loads(json.dumps(to_dict(profile)))
    assert json.loads(page.data) == expected
    assert json.loads(base64.b64decode(link.split(",", 1)[1])) == expected
    assert page.attributes("download") == ["photos.json"]


@pytest.mark.parametrize("profile", [hostile.with_texts(profile) for profile in PROFILES])
def test_hostile_text_is_shown_as_text(profile: Profile) -> None:
    text = render_html(profile)
    assert "</script><script src=https:" in Page(text).text
    assert "[bold red]x[/x]{{ 7 * 7 }}\\x1b[31m\\x1b]0;owned\\x07\\x9b2J\\u202e" in Page(text).text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_missing_part_is_not_available_with_its_reason() -> None:
    words = Page(render_html(sample.cpu_profile())).words()
    assert "copy to device n/a TensorFlow sees no GPU" in words
    assert "input wait 29.8 ms 71% 95% interval 28.9 to 30.7 ms" in words


def test_no_value_is_shown_as_none_or_nan() -> None:
    nothing = Breakdown(input_wait_s=float("nan"))
    for profile in [*PROFILES, replace(sample.cpu_profile(), breakdown=nothing)]:
        assert not re.search(r"\b(None|nan)\b", Page(render_html(profile)).text)


def test_the_page_says_all_that_the_terminal_says_and_what_it_stands_on() -> None:
    words = Page(render_html(sample.cpu_profile())).words()
    for expected in (
        "71% of every step waits for the next batch",
        "187 of 260 steps measured after 20 of warm-up",
        "warmup 20 3.10 s 155 ms 3.70x graph tracing",
        ".map(decode) bottleneck",
        "TensorSliceDataset",
        "Let .map(decode) use every core",
        "Knobs: num_parallel_calls, prefetch",
        "input were free 12.1 ms 3.46x measured",
        "breakdown.d2h_exposed_s",
        "On a CPU the input wait includes",
        "prefetch not set no .prefetch in the pipeline",
        "fit 1: 260 steps seen of 15 epochs, did not run to its end, analysed",
        "photos.py:56 (called from photos.py:70)",
        "/home/ana/vision/metrics.txt",
        "python photos.py",
        "usable cores 2 memory 24 GiB",
        "$TF_CPP_MIN_LOG_LEVEL 2",
        "CUDA n/a",
    ):
        assert expected in words


def dots(profile: Profile) -> list[list[tuple[float, float]]]:
    """The places of the steps' dots, in the wide and in the narrow drawing."""
    drawn = Page(render_html(profile)).attributes("d")
    return [
        [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", path)]
        for path in drawn
    ]


def lines(profile: Profile) -> list[list[tuple[float, float]]]:
    """The places of the lines' points."""
    drawn = Page(render_html(profile)).attributes("points")
    return [[(float(x), float(y)) for x, _, y in map(_parted, one.split())] for one in drawn]


def _parted(point: str) -> tuple[str, str, str]:
    return point.partition(",")


def test_steps_over_time_are_drawn_where_there_are_any() -> None:
    assert [len(places) for places in dots(sample.cpu_profile())] == [180, 180]
    assert not dots(sample.gpu_profile())


def test_a_gap_in_a_series_parts_its_line() -> None:
    broken = Series(name="host.cpu_percent", t_s=(0, 1, 2, 3, 4), value=(1, 2, float("nan"), 2, 1))
    profile = replace(sample.gpu_profile(), series=(broken,))
    assert [len(line) for line in lines(profile)] == [2, 2, 2, 2]


@pytest.mark.parametrize("values", [(), (1.0,), (float("nan"), float("nan"))])
def test_a_series_without_two_values_is_not_drawn(values: tuple[float, ...]) -> None:
    series = Series(name="step_s", t_s=tuple(range(len(values))), value=values)
    profile = replace(sample.cpu_profile(), series=(series,))
    assert not dots(profile) and 'id="over-time"' not in render_html(profile)


def test_a_steady_series_is_drawn_inside_its_frame() -> None:
    series = Series(name="step_s", t_s=(0.0, 0.0, 1.0), value=(0.5, 0.5, 0.5))
    wide, narrow = dots(replace(sample.cpu_profile(), series=(series,)))
    for places, width in ((wide, 960), (narrow, 344)):
        assert all(0 <= x <= width and 24 <= y <= 200 for x, y in places)


def test_what_the_sensors_read_stands_on_the_axis_of_the_steps() -> None:
    """A busy CPU at 50 % from the first to the last step: as wide as these, at half the height."""
    profile = sample.cpu_profile()
    steps = Series(name="step_s", t_s=(0.0, 10.0), value=(1.0, 1.0))
    half = Series(name="host.cpu_percent", t_s=(0.0, 10.0), value=(50.0, 50.0))
    full = Series(name="gpus[0].utilization_percent", t_s=(0.0, 10.0), value=(100.0, 0.0))
    profile = replace(profile, series=(steps, half, full))
    (left, _), (right, _) = dots(profile)[0]
    cpu, gpu = lines(profile)[:2]
    assert [x for x, _ in cpu] == [x for x, _ in gpu] == [left, right]
    height = gpu[1][1] - gpu[0][1]
    assert cpu[0][1] == cpu[1][1]
    assert height == 104
    assert gpu[0][1] - cpu[0][1] == 128 - height / 2, "panels of 104 with 24 between"


def test_the_phases_are_marked_behind_the_steps() -> None:
    steps = Series(name="step_s", t_s=(0.0, 10.0), value=(1.0, 1.0))
    warmup, clean, *_ = sample.cpu_profile().phases
    phases = (replace(warmup, spans_s=((0.0, 4.0),)), replace(clean, spans_s=((5.0, 10.0),)))
    page = Page(render_html(replace(sample.cpu_profile(), series=(steps,), phases=phases)))
    first, second, *_ = [
        (attrs["class"], float(attrs["x"] or 0), float(attrs["width"] or 0))
        for tag, attrs in page.elements
        if tag == "rect"
    ]
    assert (first[0], second[0]) == ("band warmup", "band clean")
    whole = second[1] + second[2] - first[1]
    assert first[2] / whole == pytest.approx(0.4, abs=0.001)
    assert (second[1] - first[1]) / whole == pytest.approx(0.5, abs=0.001)
    assert second[2] / whole == pytest.approx(0.5, abs=0.001)
