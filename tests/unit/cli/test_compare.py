"""`gputune compare` over files that lie on the disk."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import jsonschema
import pytest

from gputune import api
from gputune.cli.main import main
from gputune.schema.comparison import Comparison
from gputune.schema.publish import FOLDER
from gputune.schema.write import to_json
from tests.unit.analysis.test_comparing import profile
from tests.unit.report import sample
from tests.unit.report.hostile import with_texts
from tests.unit.report.reading import Page, one_script


def folder(top: Path, name: str, *rates: float) -> Path:
    made = top / name
    made.mkdir()
    for number, rate in enumerate(rates):
        (made / f"{number}.json").write_text(to_json(profile(rate)))
    return made


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    return (
        str(folder(tmp_path, "before", 100, 101, 99, 100)),
        str(folder(tmp_path, "after", 80, 81, 79, 80)),
    )


def test_a_regression_has_an_exit_code_of_its_own(
    sides: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *sides]) == 0
    assert main(["compare", "--fail-if-slower", "5%", *sides]) == 3
    assert main(["compare", "--fail-if-slower", "30%", *sides]) == 0
    assert main(["compare", "--fail-if-slower", "5%", *reversed(sides)]) == 0
    assert main(["compare", "--fail-if-slower", "5%", "--metric", "step.median_s", *sides]) == 3
    assert main(["compare", "--fail-if-slower", "much", *sides]) == 2
    assert "slower: 0.8 times the throughput" in capsys.readouterr().out.replace("\n", " ")


def test_one_process_is_never_a_regression(tmp_path: Path) -> None:
    files = [folder(tmp_path, "a", 100), folder(tmp_path, "b", 10)]
    assert main(["compare", "--fail-if-slower", "5%", *map(str, files)]) == 0


def test_every_form(sides: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--format", "json", *sides]) == 0
    body = json.loads(capsys.readouterr().out)
    jsonschema.validate(body, json.loads((FOLDER / "comparison.schema.json").read_text()))
    assert body["schema"] == "gputune.comparison"
    assert body["metrics"][0]["ratio"] == pytest.approx(0.8, abs=0.001)

    assert main(["compare", "--format", "csv", *sides]) == 0
    rows = list(csv.DictReader(StringIO(capsys.readouterr().out)))
    assert float(rows[0]["ratio"]) == body["metrics"][0]["ratio"]
    assert float(rows[0]["ci95_low"]) == body["metrics"][0]["ci95"][0]

    assert main(["compare", "--format", "md", *sides]) == 0
    assert "| samples\\_per\\_s | 100 samples/s | 80.0 samples/s |" in capsys.readouterr().out

    assert main(["compare", "--format", "html", *sides]) == 0
    page = capsys.readouterr().out
    assert "slower" in page
    assert "://" not in page


def test_a_comparison_is_a_record_that_report_shows(
    sides: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "comparison.json"
    assert main(["compare", "--format", "json", "-o", str(path), *sides]) == 0
    assert main(["compare", "--format", "json", "-o", str(path), *sides]) == 1
    found = api.load(path)
    assert isinstance(found, Comparison)
    assert len(found.to_frame()) == len(found.metrics)
    capsys.readouterr()
    assert main(["report", str(path), "--html", str(tmp_path / "page.html")]) == 0
    assert "slower" in capsys.readouterr().out
    assert "slower" in (tmp_path / "page.html").read_text()


def test_without_arguments_the_last_two_of_the_same_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare"]) == 1
    made = tmp_path / "gputune-reports"
    made.mkdir()
    for hour, script, rate in ((1, "a.py", 1), (2, "a.py", 2), (3, "b.py", 3), (4, "a.py", 4)):
        one = replace(
            profile(rate), script=script, command=sample.command(started_utc=f"2026-01-01T0{hour}")
        )
        (made / f"{9 - hour}.json").write_text(to_json(one))
    (made / "broken.json").write_text("{")
    assert main(["compare", "--format", "json", "--metric", "samples_per_s"]) == 0
    row = json.loads(capsys.readouterr().out)["metrics"][0]
    assert (row["before"], row["after"]) == (pytest.approx(2), pytest.approx(4))


def test_strict_refuses_another_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, version in (("a", "2.21.0"), ("b", "2.22.0")):
        (tmp_path / f"{name}.json").write_text(to_json(profile(1, tensorflow=version)))
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    assert main(["compare", *files]) == 0
    assert main(["compare", "--strict", *files]) == 1
    assert "tensorflow differs: 2.21.0, 2.22.0" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "gputune.profile", "version": 99}'])
def test_what_is_no_report(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert main(["compare", str(path), str(path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_texts_that_attack_are_shown_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        (tmp_path / f"{number}.json").write_text(to_json(with_texts(profile(100 + number))))
    (tmp_path / "plain.json").write_text(to_json(profile(100)))
    files = [str(tmp_path / name) for name in ("plain.json", "0.json", "1.json")]
    for form in ("terminal", "md", "html"):
        assert main(["compare", "--format", form, *files]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\x9b" not in out
        if form == "html":
            one_script(Page(out))
            assert "evil.example/x.js>" not in out
            assert "://" not in out


def test_the_reports_of_the_repository_can_be_compared(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the README shows, line by line."""
    monkeypatch.chdir(root)
    monkeypatch.delenv("COLUMNS", raising=False)
    metrics = ("samples_per_s", "step.mean_s", "breakdown.input_wait_s", "breakdown.python_s",
               "host.rss_bytes")  # fmt: skip
    typed = [part for metric in metrics for part in ("--metric", metric)]
    sides = ["reports/photos/before", "reports/photos/after"]
    assert main(["compare", *typed, *sides]) == 0
    shown = capsys.readouterr().out
    command = f"$ gputune compare {' '.join([*typed, *sides])}\n"
    assert command + shown in (root / "README.md").read_text(encoding="utf-8")
