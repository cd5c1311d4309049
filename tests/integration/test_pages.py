"""The pages as a person sees them, in headless Chromium: each at two widths, light and dark."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.analysis.comparing.compare import Group, compare
from gputune.analysis.series import step_series
from gputune.analysis.steps import phase_records, steps_record
from gputune.api.indexing import find_reports, write_index
from gputune.api.pages import render_page
from gputune.schema.check import CheckReport
from gputune.schema.comparison import Comparison
from gputune.schema.doctor import DoctorReport
from gputune.schema.profile import Profile
from gputune.schema.read import AnyRecord
from gputune.schema.study import Configuration, Study
from gputune.schema.trace import TraceReport
from gputune.schema.write import to_dict, to_json
from gputune.session import events
from gputune.trace import xplane
from gputune.trace.summary import trace_report
from tests.fixtures import gpu_traces
from tests.integration.browser import (
    DESKTOP,
    SCHEMES,
    TABLET,
    TELEPHONE,
    Browser,
    chromium,
    missing,
)
from tests.unit.analysis.synthetic import Training
from tests.unit.analysis.test_comparing import profile
from tests.unit.report import doctor_sample, sample
from tests.unit.report.hostile import NASTY, with_texts
from tests.unit.report.test_check_report import report as check_report
from tests.unit.report.test_study import STUDY

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(missing()), reason=f"no browser to look with: {missing()}"),
]

UNBROKEN = NASTY + "x" * 300
"""As `NASTY`, with a word that is wider than any page."""


def _comparison() -> Comparison:
    rates = {"before": (100, 101, 99, 100), "after": (80, 82, 79, 81), "later": (120,)}
    groups = []
    for name, found in rates.items():
        records = tuple(profile(r, tensorflow=f"2.2{len(groups)}.0") for r in found)
        groups.append(Group(name=name, records=records, files=(f"{name}.json",)))
    return compare(groups)


def _trace() -> TraceReport:
    content = gpu_traces.input_bound(30).bytes()
    return trace_report(xplane.parse(content), file="run/vm.xplane.pb", file_bytes=len(content))


def _study() -> Study:
    best = Configuration(knobs=STUDY.baseline.knobs, samples_per_s=110.0)
    return replace(STUDY, trials=STUDY.trials * 6, best_same_batch=best)


RECORDS: dict[str, AnyRecord] = {
    "profile": sample.cpu_profile(),
    "gpus": sample.watched_profile(),
    "nothing": sample.minimal_profile(),
    "study": _study(),
    "comparison": _comparison(),
    "trace": _trace(),
    "check": check_report(),
    "doctor": doctor_sample.reports()[-1],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each record's JSON and page, as it is and with hostile texts, and the index of them all."""
    made = tmp_path_factory.mktemp("pages")
    for name, record in RECORDS.items():
        hostile = _hostile(record)
        for stem, one in ((name, record), (f"{name}-hostile", hostile)):
            (made / f"{stem}.json").write_text(to_json(one), encoding="utf-8")
            page = render_page(one, json_name=f"{stem}.json")
            (made / f"{stem}.html").write_text(page, encoding="utf-8")
    (made / "none of ours <script>alert(1) [x].json").write_text("{}")
    write_index(find_reports([made]), made / "index.html", title=UNBROKEN, force=False)
    return made


def _hostile(record: AnyRecord) -> AnyRecord:
    if isinstance(record, CheckReport):
        checks = tuple(replace(one, name=UNBROKEN, reason=UNBROKEN) for one in record.checks)
        return replace(with_texts(replace(record, checks=()), UNBROKEN), checks=checks)
    if isinstance(record, Profile | Comparison | TraceReport | DoctorReport):
        return with_texts(record, UNBROKEN)  # type: ignore[arg-type, return-value]
    knobs = {UNBROKEN: UNBROKEN}
    trials = tuple(replace(t, knobs=knobs, reason=UNBROKEN, why=UNBROKEN) for t in record.trials)
    best = replace(record.baseline, knobs=knobs)
    return replace(
        record, script=UNBROKEN, verdict=UNBROKEN, trials=trials, best=best, notes=(UNBROKEN,)
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the browser saves to."""
    return tmp_path_factory.mktemp("saved")


@pytest.fixture(scope="module")
def browser(saved: Path) -> Iterator[Browser]:
    with chromium(downloads=saved) as one:
        yield one


PAGES = [*RECORDS, *(f"{name}-hostile" for name in RECORDS), "index"]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_asks_for_nothing_and_complains_of_nothing(
    name: str, folder: Path, browser: Browser
) -> None:
    looks = [(size, scheme) for size in (DESKTOP, TELEPHONE) for scheme in SCHEMES]
    for size, scheme in [*looks, (TABLET, "light")]:
        shown = browser.open(folder / f"{name}.html", size, scheme)
        assert shown.complaints == ()
        assert shown.requests == ()
        assert shown.overflow == (), f"{scheme}, {size[0]} wide"


def test_a_page_that_does_what_is_forbidden_is_noticed(tmp_path: Path, browser: Browser) -> None:
    """The looks of the test above see what they look for."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><main><div style='width: 3000px'>wide</div>"
        "<img src='http://127.0.0.1:9/x.png'><script>console.error('oh')</script></main>"
    )
    shown = browser.open(page, TELEPHONE, "light")
    assert any("oh" in said for said in shown.complaints)
    assert "http://127.0.0.1:9/x.png" in shown.requests
    assert shown.overflow


def test_the_scheme_of_the_system_is_followed_and_paper_stays_white(
    folder: Path, browser: Browser
) -> None:
    paper = "return getComputedStyle(document.body).backgroundColor;"
    seen = {}
    for scheme in SCHEMES:
        browser.open(folder / "profile.html", DESKTOP, scheme)
        seen[scheme] = browser.run(paper)
    assert seen == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 22, 26)"}
    browser.emulate("print", "dark")
    assert browser.run(paper) == "rgb(255, 255, 255)"


def test_the_first_key_leads_to_the_content_and_the_next_to_the_findings(
    folder: Path, browser: Browser
) -> None:
    browser.open(folder / "profile.html", DESKTOP, "light")
    where = "return document.activeElement.getAttribute('href');"
    seen = []
    for _ in range(3):
        browser.press("TAB")
        seen.append(browser.run(where))
    assert seen == ["#content", "#finding-1", "#finding-2"]


def test_trials_are_sorted_by_key_and_what_has_no_value_stays_last(
    folder: Path, browser: Browser
) -> None:
    rows = """return Array.from(document.querySelectorAll("#trials tbody tr"),
              (row) => row.cells[1].textContent.trim());"""
    browser.open(folder / "study.html", DESKTOP, "light")
    as_they_ran = browser.run(rows)
    assert as_they_ran[:4] == ["100", "250", "n/a", "n/a"]
    browser.run("document.querySelectorAll('#trials th button')[1].focus();")
    browser.press("ENTER")
    assert browser.run(rows) == ["100"] * 6 + ["250"] * 6 + ["n/a"] * 12
    browser.press("ENTER")
    assert browser.run(rows) == ["250"] * 6 + ["100"] * 6 + ["n/a"] * 12
    heading = "return document.querySelectorAll('#trials th')[1].getAttribute('aria-sort');"
    assert browser.run(heading) == "descending"


@pytest.mark.parametrize("name", ["profile", "study-hostile"])
def test_the_json_is_saved_as_it_was(
    name: str, folder: Path, browser: Browser, saved: Path
) -> None:
    browser.open(folder / f"{name}.html", DESKTOP, "light")
    browser.run("document.querySelector('a[download]').click();")
    file = saved / f"{name}.json"
    for _ in range(100):
        if file.exists():
            break
        time.sleep(0.1)
    record = RECORDS[name] if name in RECORDS else _hostile(RECORDS[name.removesuffix("-hostile")])
    assert json.loads(file.read_text(encoding="utf-8")) == json.loads(json.dumps(to_dict(record)))


def test_the_index_leads_to_each_page(folder: Path, browser: Browser) -> None:
    browser.open(folder / "index.html", DESKTOP, "light")
    links = browser.run("return Array.from(document.querySelectorAll('main a'), (a) => a.href);")
    listed = find_reports([folder]).listed
    pages = [Path(one.file).with_suffix(".html") for one in listed]
    assert sorted(links) == sorted(page.as_uri() for page in pages)
    assert len(pages) >= len(RECORDS)
    assert all(page.is_file() for page in pages)


def test_a_run_of_100_000_steps_shows_within_a_second(tmp_path: Path, browser: Browser) -> None:
    """Thinned in the picture, exact in the figures: one step of the many took 5 s, and is there."""
    seconds = [0.01] * 100_000
    seconds[70_000] = 5.0
    training = Training(t=0.0).calls(events.WARMUP, *[0.02] * 100).calls(events.CLEAN, *seconds)
    fit = training.clean_ends(2.0).seen
    steps = steps_record(fit, 32, full=False)
    assert steps.measured_count == 99_999, "the first of the phase is no step's duration"
    assert steps.mean_s == pytest.approx((99_998 * 0.01 + 5.0) / 99_999)
    record = replace(
        sample.cpu_profile(),
        steps=steps,
        phases=phase_records(fit, full=False),
        series=step_series(fit),
    )
    page = tmp_path / "long.html"
    page.write_text(render_page(record, json_name="long.json"), encoding="utf-8")
    # Of three, since other tests run beside this one.
    assert min(browser.open(page, DESKTOP, "light").load_s for _ in range(3)) < 1.0
    assert max(record.series[0].value) == pytest.approx(5.0)
    assert "99,999 of 100,100 steps measured" in browser.run("return document.body.textContent;")
