from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from gputune.report.index import Listed, entries
from gputune.report.index_html import render_index
from gputune.report.index_terminal import render_list
from tests.unit.report import doctor_sample, sample
from tests.unit.report.hostile import NASTY, with_texts
from tests.unit.report.reading import Page, one_script, only_itself
from tests.unit.report.test_check_report import report as check_report
from tests.unit.report.test_study import STUDY

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def listed() -> list[Listed]:
    old = replace(sample.cpu_profile(), command=sample.command(started_utc="2026-01-01T00:00:00Z"))
    return [
        Listed(file="old.json", record=old, written=NOON),
        Listed(file="study.json", record=STUDY, written=NOON, link="./study.html"),
        Listed(file="new.json", record=sample.cpu_profile(), written=NOON, link="./new.html"),
    ]


def test_the_newest_stands_first_by_the_time_of_its_run() -> None:
    """The sample ran on 2026-07-29; the study says no time, so its file's counts."""
    found = entries(listed())
    assert [one.file for one in found] == ["new.json", "study.json", "old.json"]
    assert [one.when for one in found] == [
        "2026-07-29 10:11:12", "2026-07-01 12:00:00", "2026-01-01 00:00:00"
    ]  # fmt: skip
    assert [one.samples_per_s for one in found] == [763.7, 240.0, 763.7]


def test_checks_and_doctors_stand_at_the_times_of_their_runs() -> None:
    found = [
        Listed(file="check.json", record=check_report(), written=NOON),
        Listed(file="doctor.json", record=doctor_sample.report(), written=NOON),
    ]
    assert {(one.kind, one.when) for one in entries(found)} == {
        (
            "check",
            check_report()
            .command.started_utc.replace("T", " ")
            .removesuffix("Z")
            .partition("+")[0],
        ),
        (
            "doctor",
            doctor_sample.report()
            .started_utc.replace("T", " ")
            .removesuffix("Z")
            .partition("+")[0],
        ),
    }


def test_a_time_that_is_none_is_no_error() -> None:
    broken = replace(sample.cpu_profile(), command=sample.command(started_utc="yesterday"))
    (one,) = entries([Listed(file="a.json", record=broken, written=NOON)])
    assert one.when == "2026-07-01 12:00:00"


def test_the_page_leads_to_each_report_that_has_a_page() -> None:
    page = Page(render_index(entries(listed()), title="mine", left_out=["x.json is no report"]))
    assert [link for link in page.attributes("href") if link[0] != "#"] == [
        "./new.html", "./study.html"
    ]  # fmt: skip
    assert "3 reports, newest first" in page.words()
    assert "x.json is no report" in page.words()
    one_script(page, data=False)


def test_hostile_texts_are_texts_in_the_list() -> None:
    hostile = with_texts(sample.cpu_profile())
    study = replace(STUDY, script=NASTY, verdict=NASTY)
    found = entries([Listed(file=NASTY, record=one, written=NOON) for one in (hostile, study)])
    text = render_index(found, title=NASTY, left_out=[NASTY])
    page = Page(text)
    one_script(page, data=False)
    only_itself(page)
    assert "://" not in text
    assert all(char.isprintable() or char == "\n" for char in text)
    said = render_list(found, width=80, color=False, ascii_only=False)
    assert "\x1b" not in said and "\x9b" not in said and "\u202e" not in said
    assert "[bold red]x[/x]" in " ".join(said.split())
