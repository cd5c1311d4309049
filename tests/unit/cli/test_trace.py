"""`gputune trace` and `gputune report` of its JSON, in this process."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import pytest

from gputune.cli.main import main
from tests.fixtures import gpu_traces
from tests.unit.trace.traces import FOLDER


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    file = tmp_path / "vm.xplane.pb"
    file.write_bytes(gpu_traces.input_bound().bytes())
    return file


def last_two(err: str) -> tuple[str, str]:
    error, hint = err.splitlines()[-2:]
    return error, hint


def test_a_trace_is_summed_up_on_standard_output(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(trace)]) == 0
    out, err = capsys.readouterr()
    assert "GPU 0 runs kernels for 35.0% of its steps" in out.replace("\n", " ")
    assert err == ""
    assert "tensorflow" not in sys.modules


def test_with_json_to_standard_output_it_holds_the_json_alone(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", "--json", "-", str(trace)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["schema"] == "gputune.trace"
    assert "runs kernels" in err


def test_every_file_that_is_asked_for_is_written(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    names = {"--json": "a.json", "--html": "a.html", "--chrome": "a.trace.json"}
    options = [text for option, name in names.items() for text in (option, str(out / name))]
    assert main(["trace", str(trace), *options]) == 0
    assert [(out / name).stat().st_mode & 0o777 for name in names.values()] == [0o600] * 3
    assert json.loads((out / "a.json").read_text())["devices"][0]["steps"][0]["kernel_count"] == 1
    assert (out / "a.html").read_text().startswith("\n<!doctype html>") or "<!doctype html>" in (
        out / "a.html"
    ).read_text()
    events = json.loads((out / "a.trace.json").read_text())["traceEvents"]
    assert sum(event["ph"] == "X" and event["name"] == "gemm" for event in events) == 3
    assert str(out / "a.html") in capsys.readouterr().err
    # What exists is not overwritten unasked.
    assert main(["trace", str(trace), *options]) == 1
    assert "exists already" in last_two(capsys.readouterr().err)[0]
    assert main(["trace", str(trace), "--force", *options]) == 0


def test_a_trace_for_perfetto_is_packed_where_its_name_says_so(trace: Path, tmp_path: Path) -> None:
    paths = [tmp_path / "a.json", tmp_path / "a.json.gz", tmp_path / "b.json.gz"]
    for path in paths:
        assert main(["trace", str(trace), "--chrome", str(path)]) == 0
    plain, packed, again = (path.read_bytes() for path in paths)
    assert gzip.decompress(packed) == plain
    assert packed == again


def test_the_hosts_threads_can_be_left_out_of_it(trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert main(["trace", str(trace), "--chrome", str(path), "--no-chrome-host"]) == 0
    assert "gemm" in path.read_text() and "cuLaunchKernel" not in path.read_text()


def test_a_logdir_is_read_and_what_was_passed_over_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "train" / "plugins" / "profile" / "2026_01_01"
    run.mkdir(parents=True)
    for host in ("a", "b"):
        (run / f"{host}.xplane.pb").write_bytes(gpu_traces.eight_gpus().bytes())
    assert main(["trace", str(tmp_path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "a.xplane.pb was read, b.xplane.pb not" in out
    assert "1 of 8 GPUs did nothing" in out


def test_a_trace_without_a_gpu_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trace", str(FOLDER / "fused_map_batch.xplane.pb")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "no GPU is in the trace" in out and "MapAndBatch" in out


def test_a_saved_report_is_shown_again(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, page = tmp_path / "a.json", tmp_path / "a.html"
    assert main(["trace", str(trace), "--json", str(saved)]) == 0
    first = capsys.readouterr().out
    assert main(["report", str(saved), "--html", str(page)]) == 0
    assert capsys.readouterr().out == first
    assert "gputune-trace" in page.read_text()


WHOLE = gpu_traces.compute_bound().bytes()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("empty.xplane.pb", b"", "is empty"),
        ("cut.xplane.pb", WHOLE[: len(WHOLE) // 2], "is cut off or is no trace"),
        ("text.xplane.pb", b"# no trace at all\n" * 9, "is cut off or is no trace"),
        ("other.xplane.pb", b"\x28\x01", "holds no planes"),
        ("noise.xplane.pb", bytes(range(256)), "is cut off or is no trace"),
        ("vm.trace.json.gz", gzip.compress(b'{"traceEvents": []}', mtime=0), "packed with gzip"),
        ("vm.trace.json", b'{"traceEvents": []}', "is a JSON file"),
    ],
)
def test_what_is_no_trace_is_one_clear_error(
    name: str, content: bytes, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert main(["trace", str(file), "--json", str(tmp_path / "out.json")]) == 1
    out, err = capsys.readouterr()
    error, hint = err.splitlines()
    assert error.startswith("error: ") and name in error and what in error
    assert hint.startswith("hint: ") and len(hint) > 10
    assert out == "" and not (tmp_path / "out.json").exists()


@pytest.mark.parametrize("path", ["missing.xplane.pb", "."])
def test_a_path_without_a_trace_is_one_clear_error(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(tmp_path / path)]) == 1
    error, hint = last_two(capsys.readouterr().err)
    assert error.startswith("error: ") and hint.startswith("hint: ")


@pytest.mark.parametrize(
    "typed",
    [["trace"], ["trace", "--no-such-option", "x"], ["trace", "a", "b"], ["trace", "x", "--html"]],
)
def test_a_wrong_command_line_is_two(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed) == 2
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed",
    [
        ["--json", "{0}/x", "--html", "{0}/x"],
        ["--json", "{0}"],
        ["--chrome", "/proc/none/x.json"],
    ],
)
def test_where_nothing_can_be_written_is_said_before_the_work(
    typed: list[str], trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trace", str(trace), *(text.format(tmp_path) for text in typed)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("error: ")


def test_a_full_disk_leaves_no_half_file_behind(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gputune.api import exporting as module

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_chrome", full)
    path = tmp_path / "a.json"
    assert main(["trace", str(trace), "--chrome", str(path)]) == 1
    assert "No space left" in capsys.readouterr().err and not path.exists()
