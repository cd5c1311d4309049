"""A Doctor report on the terminal and as a page."""

from __future__ import annotations

import base64
import json
import re

import pytest

from gputune.report.doctor_html import render_doctor_page
from gputune.report.doctor_terminal import render_doctor
from gputune.schema.doctor import DoctorReport
from gputune.schema.write import to_dict
from tests.unit.report import doctor_sample, hostile
from tests.unit.report.reading import Page, one_script, only_itself

REPORTS = doctor_sample.reports()
ALL = [*REPORTS, *(hostile.with_texts(report) for report in REPORTS)]  # type: ignore[type-var]


def shown(report: DoctorReport, *, width: int = 100, color: bool = False) -> str:
    return render_doctor(report, width=width, color=color, ascii_only=False)


def test_the_terminal_says_problem_cause_and_cure() -> None:
    lines = shown(REPORTS[0]).splitlines()
    assert lines[0].startswith("CUDA_VISIBLE_DEVICES is empty: it hides every GPU.")
    (at,) = [n for n, line in enumerate(lines) if line.startswith("problem  CUDA_VISIBLE_DEVICES")]
    assert lines[at + 1].startswith("         Do: Unset CUDA_VISIBLE_DEVICES")
    assert any(line.startswith("warning  TF_GPU_ALLOCATOR=x") for line in lines)
    assert any(line.startswith("ok       TensorFlow 2.21.0 imports in 3.1 s.") for line in lines)
    assert re.fullmatch(r"1 problem, 1 warning, 1 note, \d+ ok", lines[-1])


def test_what_was_not_examined_is_said() -> None:
    text = " ".join(shown(REPORTS[3]).split())
    assert "not examined: kernels: ZeroDivisionError: by zero" in text


@pytest.mark.parametrize("report", ALL)
@pytest.mark.parametrize("width", [20, 60, 140])
def test_no_line_is_wider_than_the_terminal(report: DoctorReport, width: int) -> None:
    assert max(map(len, shown(report, width=width).splitlines())) <= max(width, 40)


@pytest.mark.parametrize("report", ALL)
def test_the_terminal_is_not_acted_upon(report: DoctorReport) -> None:
    assert all(char.isprintable() or char == "\n" for char in shown(report))
    assert render_doctor(report, width=100, color=False, ascii_only=True).isascii()
    assert "[/x]" not in shown(REPORTS[0])


def test_hostile_text_stays_the_text_that_it_is() -> None:
    text = "".join(shown(ALL[-1], width=400).split())
    assert "[boldred]x[/x]{{7*7}}\\x1b[31m" in text and "</script>" in text


@pytest.mark.parametrize("report", ALL)
def test_the_page_needs_nothing_from_outside_and_runs_nothing(report: DoctorReport) -> None:
    text = render_doctor_page(report)
    assert "://" not in text
    only_itself(Page(text))
    one_script(Page(text))


@pytest.mark.parametrize("report", ALL)
def test_the_report_is_in_the_page_whole(report: DoctorReport) -> None:
    page = Page(render_doctor_page(report, json_name="d.json"))
    expected = json.loads(json.dumps(to_dict(report)))
    assert json.loads(page.data) == expected
    (link,) = [one for one in page.attributes("href") if not one.startswith("#")]
    assert json.loads(base64.b64decode(link.split(",", 1)[1])) == expected
    assert page.attributes("download") == ["d.json"]


def test_the_page_marks_each_line_and_shows_its_cure() -> None:
    words = Page(render_doctor_page(REPORTS[0])).words()
    assert "problem CUDA_VISIBLE_DEVICES is empty: it hides every GPU." in words
    assert "Do: Unset CUDA_VISIBLE_DEVICES" in words
    assert "ok Keras 3.15.1 on tensorflow." in words
