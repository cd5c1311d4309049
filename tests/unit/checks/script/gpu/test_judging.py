"""Devices and recorded placements, as findings."""

from __future__ import annotations

from gputune.checks.script.gpu.judging import Placed, Seen, judge
from gputune.schema.site import Site

LINE = Site(file="model.py", line=12)
KERNELS = frozenset({"MatMul", "Relu", "Reshape"})


def placed(operation: str, device: str, site: Site | None = LINE) -> Placed:
    return Placed(
        operation=operation, name=f"dense/{operation}", device=device, dtype="float32", site=site
    )


def ids(seen: Seen) -> list[tuple[str, str]]:
    return [(str(finding.severity), finding.id) for finding in judge(seen, None)]


def test_a_gpu_with_files_that_tensorflow_does_not_see() -> None:
    assert ids(Seen(files=1)) == [("problem", "gpu-not-visible")]
    assert ids(Seen(files=1, hidden_by="-1")) == [("warning", "gpu-not-visible")]
    assert ids(Seen()) == []


def test_what_runs_beside_the_gpu_and_need_not_is_named_by_line() -> None:
    other = Site(file="model.py", line=20)
    seen = Seen(
        visible=1, with_kernels=KERNELS,
        placed=(
            placed("MatMul", "CPU"), placed("MatMul", "CPU"), placed("Relu", "CPU"),
            placed("MatMul", "CPU", other), placed("MatMul", "GPU"),
            placed("DecodeJpeg", "CPU"), placed("Reshape", "CPU"),
        ),
    )  # fmt: skip
    first, second = judge(seen, None)
    assert (first.id, first.site, first.severity) == ("ops-on-cpu", LINE, "warning")
    assert first.title.startswith("3 operations") and first.evidence[0] == "2 MatMul, 1 Relu"
    assert second.site == other and second.title.startswith("1 operation of")
    assert "gputune profile" in first.remedy


def test_all_on_the_gpu_is_no_finding() -> None:
    assert ids(Seen(visible=1, with_kernels=KERNELS, placed=(placed("MatMul", "GPU"),))) == []


def test_a_batch_too_small() -> None:
    assert ids(Seen(visible=1, batch_size=7)) == [("note", "small-batch")]
    assert ids(Seen(visible=1, batch_size=8)) == []
