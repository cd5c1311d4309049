"""A Trace report on the terminal and as a page."""

from __future__ import annotations

import base64
import json
import re

import pytest

from gputune.report.trace_html import render_trace_html
from gputune.report.trace_terminal import render_trace
from gputune.schema.trace import TraceReport
from gputune.schema.write import to_dict
from gputune.trace import xplane
from gputune.trace.summary import trace_report
from tests.fixtures import gpu_traces
from tests.fixtures.gpu_traces import GpuTrace
from tests.unit.report import hostile
from tests.unit.report.reading import Page, one_script, only_itself
from tests.unit.trace.traces import FOLDER


def of(content: bytes) -> TraceReport:
    return trace_report(xplane.parse(content), file="run/vm.xplane.pb", file_bytes=len(content))


def host_alone() -> TraceReport:
    return of((FOLDER / "slow_source.xplane.pb").read_bytes())


REPORTS = [
    of(gpu_traces.input_bound().bytes()),
    of(gpu_traces.transfer_bound().bytes()),
    of(gpu_traces.eight_gpus().bytes()),
    of(GpuTrace().bytes()),
    host_alone(),
]
ALL = [*REPORTS, *(hostile.with_texts(report) for report in REPORTS)]


def shown(report: TraceReport, *, width: int = 100, color: bool = False) -> str:
    return render_trace(report, width=width, color=color, ascii_only=False)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_the_terminal_says_where_the_step_goes() -> None:
    text = squeezed(shown(REPORTS[0]))
    for expected in (
        "GPU 0 runs kernels for 35.0% of its steps; the largest loss is waiting for the input",
        "GPU 0, 3 steps of 1.00 µs",
        "kernels 350 ns 35%",
        "idle, waits for input 600 ns 60%",
        "idle, waits for the host's launches 50.0 ns 5.0%",
        "Launch call to start 40.0 ns median, 40.0 ns p95",
        "1 in 350 ns, 350 ns median",
        "100% 1.05 µs, 3 x gemm",
    ):
        assert expected in text


def test_the_terminal_says_what_was_copied() -> None:
    text = squeezed(shown(REPORTS[1]))
    assert "to device 1, 5.86 KiB in 600 ns, 600 ns exposed, 10 GB/s, all pageable" in text
    assert "to host 1, 80 B in 10.0 ns, 10.0 ns exposed, 8 GB/s, all pageable" in text


def test_gpus_that_did_nothing_are_named_and_collectives_shown() -> None:
    text = squeezed(shown(REPORTS[2]))
    assert "GPU 0 did nothing" in text
    assert "collectives 1 in 50.0 ns, 50.0 ns exposed" in text


def test_without_a_gpu_the_host_and_its_pipeline_are_shown() -> None:
    text = squeezed(shown(host_alone()))
    assert "no GPU is in the trace" in text
    assert "Input pipeline" in text and "MapAndBatch (gt_2_map, gt_3_batch) 2" in text
    assert "3 steps of 22.8 ms" in text


@pytest.mark.parametrize("report", ALL)
@pytest.mark.parametrize("width", [20, 60, 140])
def test_no_line_is_wider_than_the_terminal(report: TraceReport, width: int) -> None:
    assert max(map(len, shown(report, width=width).splitlines())) <= max(width, 40)


@pytest.mark.parametrize("report", ALL)
def test_the_terminal_is_not_acted_upon(report: TraceReport) -> None:
    assert all(char.isprintable() or char == "\n" for char in shown(report))
    plain = render_trace(report, width=100, color=False, ascii_only=True)
    assert plain.isascii()


@pytest.mark.parametrize("report", ALL)
def test_no_value_is_shown_as_none_or_nan(report: TraceReport) -> None:
    assert not re.search(r"\b(None|nan)\b", shown(report))
    assert not re.search(r"\b(None|nan)\b", Page(render_trace_html(report)).text)


@pytest.mark.parametrize("report", ALL)
def test_the_page_needs_nothing_from_outside_and_runs_no_other_script(report: TraceReport) -> None:
    text = render_trace_html(report)
    assert "://" not in text and "xmlns" not in text
    page = Page(text)
    only_itself(page)
    one_script(page)


@pytest.mark.parametrize("report", ALL)
def test_the_report_is_in_the_page_whole(report: TraceReport) -> None:
    page = Page(render_trace_html(report, json_name="t.json"))
    expected = json.loads(json.dumps(to_dict(report)))
    assert json.loads(page.data) == expected
    (link,) = [href for href in page.attributes("href") if href.startswith("data:")]
    assert json.loads(base64.b64decode(link.split(",", 1)[1])) == expected
    assert page.attributes("download") == ["t.json"]


def test_the_page_draws_the_steps_and_lists_them() -> None:
    page = Page(render_trace_html(of(gpu_traces.input_bound(30).bytes())))
    assert [len(line.split()) for line in page.attributes("points")] == [30, 30]
    assert "0 1.00 µs 1 350 ns 0 B 0 s 0 B 0 s 650 ns" in page.words()


def test_more_steps_than_the_table_holds_are_said() -> None:
    text = Page(render_trace_html(of(gpu_traces.input_bound(203).bytes()))).words()
    assert "3 more steps are in the JSON" in text
