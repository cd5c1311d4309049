"""`gputune report` over files and folders that lie on the disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gputune.cli.main import main
from gputune.schema.write import to_json
from tests.unit.report import sample
from tests.unit.report.hostile import with_texts
from tests.unit.report.reading import Page
from tests.unit.report.test_study import STUDY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two profiles and a study, of which one lies deeper; a page; a file that is none of ours."""
    made = tmp_path / "reports"
    (made / "a-runs").mkdir(parents=True)
    old = replace(
        sample.cpu_profile(), command=sample.command(started_utc="2026-01-01T00:00:00Z"),
        script="old.py",
    )  # fmt: skip
    (made / "new.json").write_text(to_json(sample.cpu_profile()))
    (made / "new.html").write_text("its page")
    (made / "a-runs" / "old.json").write_text(to_json(old))
    (made / "b.study.json").write_text(to_json(STUDY))
    (made / "other.json").write_text('{"schema": "gputune.benchmark"}')
    return made


def test_a_folder_is_a_list_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(folder)]) == 0
    shown = capsys.readouterr()
    study, new, old = (shown.out.index(word) for word in ("train.py", "photos.py", "old.py"))
    assert study < new < old, "the study's time is that of its file, which was written just now"
    assert "left out, since they are no readable reports: 1 files" in shown.err


def test_the_index_leads_to_every_report_and_makes_the_pages_that_are_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = tmp_path / "index.html"
    assert main(["report", str(folder), "--html", str(index)]) == 0
    links = [link for link in Page(index.read_text()).attributes("href") if link[0] != "#"]
    assert links == [
        "./reports/b.study.html", "./reports/new.html", "./reports/a-runs/old.html"
    ]  # fmt: skip
    assert all((tmp_path / link).is_file() for link in links)
    assert (folder / "new.html").read_text() == "its page", "a page that is there is left alone"
    assert "page made: " + str(folder / "a-runs" / "old.html") in capsys.readouterr().err
    assert main(["report", str(folder), "--html", str(index)]) == 1, "it exists"
    assert main(["report", str(folder), "--html", str(index), "--force"]) == 0


def test_an_index_without_room_for_pages_names_the_reports(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gputune.api import indexing
    from gputune.api.outputs import OutputFailed

    def full(*_: object, **__: object) -> None:
        raise OutputFailed("no room", "")

    monkeypatch.setattr(indexing, "write_page", full)
    assert main(["report", str(folder), "--html", str(tmp_path / "index.html")]) == 0
    page = Page((tmp_path / "index.html").read_text())
    assert [link for link in page.attributes("href") if link[0] != "#"] == ["./reports/new.html"]
    assert "old.py" in page.words()


def test_several_files_are_shown_whole_one_after_the_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(folder / "new.json"), str(folder / "b.study.json")]
    assert main(["report", *files]) == 0
    shown = capsys.readouterr()
    assert shown.out.index("Where a step goes") < shown.out.index("2.400 times the throughput")
    assert [line for line in shown.err.splitlines() if line] == files


@pytest.mark.parametrize("name", ["other.json", "missing.json"])
def test_a_file_that_was_named_and_is_no_report_is_an_error(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(folder / "new.json"), str(folder / name)]) == 1
    assert name in capsys.readouterr().err.splitlines()[0]


def test_a_folder_without_a_report_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path)]) == 1
    assert "there is no report in" in capsys.readouterr().err


def test_a_profile_for_perfetto_and_for_tensorboard(folder: Path, tmp_path: Path) -> None:
    chrome, logdir = tmp_path / "run.json.gz", tmp_path / "logs"
    file = str(folder / "new.json")
    typed = ["report", file, "--chrome", str(chrome), "--tensorboard", str(logdir)]
    assert main(typed) == 0
    assert chrome.read_bytes()[:2] == b"\x1f\x8b"
    (run,) = logdir.iterdir()
    assert run.name == "photos-20260729T101112Z"
    assert [path.name.startswith("events.out.tfevents.") for path in run.iterdir()] == [True]
    assert main(["report", file, "--tensorboard", str(logdir)]) == 0
    assert len(list(run.iterdir())) == 2, "no file is overwritten"


def test_what_has_no_other_form_is_refused_before_anything_is_shown(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study, profile = str(folder / "b.study.json"), str(folder / "new.json")
    assert main(["report", study, "--tensorboard", str(tmp_path / "x")]) == 1
    assert main(["report", study, profile, "--chrome", str(tmp_path / "y")]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "is no profile" in shown.err
    assert not (tmp_path / "x").exists() and not (tmp_path / "y").exists()


def test_a_report_whose_page_would_be_the_index_has_no_link(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(to_json(STUDY))
    assert main(["report", str(tmp_path), "--html", str(tmp_path / "index.html")]) == 0
    page = Page((tmp_path / "index.html").read_text())
    assert not [link for link in page.attributes("href") if link[0] != "#"]
    assert "train.py" in page.words()


def test_a_name_with_a_colon_or_a_space_is_a_link_and_no_scheme(tmp_path: Path) -> None:
    made = tmp_path / "r"
    made.mkdir()
    name = "javascript:alert(1) #x?"
    (made / f"{name}.json").write_text(to_json(with_texts(sample.cpu_profile())))
    assert main(["report", str(made), "--html", str(made / "index.html")]) == 0
    links = [x for x in Page((made / "index.html").read_text()).attributes("href") if x[0] != "#"]
    assert links == ["./javascript%3Aalert%281%29%20%23x%3F.html"]
    assert (made / f"{name}.html").is_file()
    assert json.loads((made / f"{name}.json").read_text())["schema"] == "gputune.profile"
