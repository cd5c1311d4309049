from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from gputune.report.html import render_html
from gputune.schema.profile import Breakdown, Profile, Series
from gputune.schema.write import to_dict
from tests.unit.report import hostile, sample

PROFILES = [sample.cpu_profile(), sample.gpu_profile(), sample.minimal_profile()]
ALL = [*PROFILES, *map(hostile.with_texts, PROFILES)]


class Page(HTMLParser):
    """What a browser makes of a page: its elements, its text, its embedded data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.data = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)
        self.text += " "

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.text += " "
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            self.data += data
        elif not self._open or self._open[-1] != "style":
            self.text += data

    def words(self) -> str:
        return re.sub(r"\s+", " ", self.text)

    def attributes(self, name: str) -> list[str]:
        return [attrs[name] or "" for _, attrs in self.elements if name in attrs]


@pytest.mark.parametrize("profile", ALL)
def test_the_page_names_no_outside_address(profile: Profile) -> None:
    text = render_html(profile)
    assert "://" not in text
    assert "xmlns" not in text
    page = Page(text)
    assert not page.attributes("src")
    assert all(link.startswith("data:application/json;base64,") for link in page.attributes("href"))
    assert not re.search(r"url\(|@import", text.split("</style>")[0])


@pytest.mark.parametrize("profile", ALL)
def test_the_page_runs_no_script(profile: Profile) -> None:
    page = Page(render_html(profile))
    scripts = [attrs for tag, attrs in page.elements if tag == "script"]
    assert [attrs.get("type") for attrs in scripts] == ["application/json"]
    assert not [tag for tag, _ in page.elements if tag in {"img", "iframe", "link", "object"}]
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]


@pytest.mark.parametrize("profile", ALL)
def test_the_profile_is_embedded_whole_and_behind_the_link(profile: Profile) -> None:
    text = render_html(profile, json_name="photos.json")
    page = Page(text)
    (link,) = page.attributes("href")
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
        "warmup 20 3.10 s 155 ms graph tracing",
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


def test_steps_over_time_are_drawn_where_there_are_any() -> None:
    with_series, without = sample.cpu_profile(), sample.gpu_profile()
    (line,) = Page(render_html(with_series)).attributes("points")
    assert len(line.split()) == 180
    assert not Page(render_html(without)).attributes("points")


def test_a_gap_in_a_series_parts_its_line() -> None:
    broken = Series(name="step_s", t_s=(0, 1, 2, 3, 4), value=(1, 2, float("nan"), 2, 1))
    profile = replace(sample.cpu_profile(), series=(broken,))
    assert [len(line.split()) for line in Page(render_html(profile)).attributes("points")] == [2, 2]


@pytest.mark.parametrize("values", [(), (1.0,), (float("nan"), float("nan"))])
def test_a_series_without_two_values_is_not_drawn(values: tuple[float, ...]) -> None:
    series = Series(name="step_s", t_s=tuple(range(len(values))), value=values)
    page = Page(render_html(replace(sample.cpu_profile(), series=(series,))))
    assert not page.attributes("points")


def test_a_steady_series_is_drawn_inside_its_frame() -> None:
    series = Series(name="step_s", t_s=(0.0, 0.0, 1.0), value=(0.5, 0.5, 0.5))
    page = Page(render_html(replace(sample.cpu_profile(), series=(series,))))
    (line,) = page.attributes("points")
    places = [tuple(map(float, point.split(","))) for point in line.split()]
    assert all(0 <= x <= 720 and 0 <= y <= 160 for x, y in places)
