from __future__ import annotations

from dataclasses import replace

import pytest

import gputune.api  # noqa: F401  (it says how records are shown)
from gputune.analysis.comparing.compare import Group, compare
from gputune.schema.config import Config, Setting
from gputune.schema.read import AnyRecord
from tests.unit.analysis.test_comparing import profile
from tests.unit.report import doctor_sample, sample
from tests.unit.report.hostile import NASTY, with_texts
from tests.unit.report.reading import Page
from tests.unit.report.test_check_report import report as check_report
from tests.unit.report.test_study import STUDY
from tests.unit.report.test_trace_report import REPORTS

CONFIG = Config(
    script="photos.py",
    tf_data=(Setting(knob="prefetch", value="AUTOTUNE", was=None, site=sample.MAP),),
    policy=(Setting(knob="mixed_precision", value="float32"),),
)
COMPARISON = compare([Group(name=n, records=(profile(r),)) for n, r in (("a", 100), ("b", 200))])


CHECK = check_report()
DOCTOR = doctor_sample.reports()[-1]


def html(record: AnyRecord | Config) -> str:
    text = record._repr_html_()
    assert text is not None
    return text


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (sample.cpu_profile(), ["71% of every step waits", "input wait 29.8 ms 71%",
                                "the step 41.9 ms 764 samples/s",
                                "problem: The model waits for its input"]),
        (sample.minimal_profile(), ["No training was seen"]),
        (STUDY, ["as it is 100 nothing changed", "2.400 times the throughput"]),
        (COMPARISON, ["samples_per_s 100 samples/s 200 samples/s", "inconclusive"]),
        (REPORTS[0], ["GPU 0 runs kernels for 35.0%", "0 kernels 350 ns 35%"]),
        (CHECK, [CHECK.verdict, CHECK.findings[0].title, CHECK.findings[0].remedy]),
        (DOCTOR, [DOCTOR.verdict, DOCTOR.sections[0].findings[0].title]),
        (CONFIG, ["2 settings, proposed, not measured", "prefetch as it is AUTOTUNE photos.py:32"]),
    ],
)  # fmt: skip
def test_a_cell_says_the_answer_and_its_figures(
    record: AnyRecord | Config, expected: list[str]
) -> None:
    words = Page(html(record)).words()
    for said in expected:
        assert said in words, words


@pytest.mark.parametrize(
    "record",
    [
        with_texts(sample.cpu_profile()),
        with_texts(CHECK),
        with_texts(DOCTOR),
        with_texts(REPORTS[0]),  # type: ignore[arg-type]
        replace(STUDY, script=NASTY, verdict=NASTY),
        replace(CONFIG, script=NASTY, policy=(Setting(knob=NASTY, value=NASTY),)),
    ],
)
def test_hostile_texts_are_texts_in_a_notebook(record: AnyRecord | Config) -> None:
    text = html(record)
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= {
        "div", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"
    }  # fmt: skip
    assert "://" not in text
    assert all(char.isprintable() or char == "\n" for char in text)


def test_a_config_is_a_table_with_one_row_a_setting() -> None:
    frame = CONFIG.to_frame()
    assert frame["table"].tolist() == ["tf_data", "policy"]
    assert frame["site"].tolist() == ["photos.py:32", None]
    assert frame["value"].tolist() == ["AUTOTUNE", "float32"]
