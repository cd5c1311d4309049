from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gputune.rules.gpu import arithmetic, copies
from gputune.schema.finding import Finding, Severity
from gputune.schema.gpu import ElementTransfer
from gputune.schema.profile import Profile, Transfer
from gputune.schema.training import Distribution
from tests.unit.rules.profiles import FIT, activity, gpu, on_gpu, pipeline


def copying(exposed_s: float | None = 0.0, **more: Any) -> Profile:
    """A step of 100 ms that copies 100 MB in 10 ms (10 GB/s) to the GPU."""
    moved = {
        "h2d_bytes_per_step": 100e6, "h2d_s_per_step": 0.01, "h2d_exposed_s_per_step": exposed_s,
        "h2d_bytes_per_s": 10e9, **more.pop("moved", {}),
    }  # fmt: skip
    parts = {"h2d_exposed_s": exposed_s}
    return on_gpu(**{"transfer": Transfer(**moved), "parts": parts, **more})


def ids(profile: Profile) -> list[str]:
    return [finding.id for finding in copies.findings(profile)]


def only(profile: Profile) -> Finding:
    (finding,) = copies.findings(profile)
    return finding


@pytest.mark.parametrize(
    ("exposed_s", "severity"),
    [
        (0.00499, None),
        (0.00501, Severity.WARNING),
        (0.01999, Severity.WARNING),
        (0.0201, Severity.PROBLEM),
        (None, None),
    ],
)
def test_copies_matter_where_the_gpu_waits_for_them_for_5_and_20_percent_of_the_step(
    exposed_s: float | None, severity: Severity | None
) -> None:
    found = list(copies.findings(copying(exposed_s)))
    assert [f.severity for f in found] == ([severity] if severity else [])


def test_the_evidence_has_the_bytes_their_rate_and_what_is_hidden() -> None:
    finding = only(copying(0.008))
    assert finding.title == "8% of each step the GPU waits for copies from the host."
    assert finding.evidence == (
        "the GPU waits 8 ms of each step for copies to it",
        "100 MB a step go to the GPU, at 10 GB/s",
        "computation hides 20% of the time of these copies",
    )
    assert "prefetch_to_device" in finding.remedy and "Keep it only if" in finding.remedy
    assert finding.site == FIT


def test_figures_that_are_not_known_are_left_out_of_the_evidence() -> None:
    finding = only(copying(0.008, transfer=Transfer()))
    assert finding.evidence == ("the GPU waits 8 ms of each step for copies to it",)


def test_a_distributed_training_is_not_told_to_prefetch_to_one_device() -> None:
    spread = Distribution(strategy="MirroredStrategy", replicas=2)
    assert only(copying(0.008, distribution=spread)).remedy.startswith("Send fewer bytes")


def test_an_input_from_python_is_made_a_dataset_first() -> None:
    remedy = only(copying(0.008, pipeline=pipeline(source="numpy"))).remedy
    assert remedy.startswith("Feed the model from a tf.data.Dataset. Make .apply(")


def link(rate: float | None, **more: Any) -> Profile:
    """Generation 3 with 16 lanes: 0.985 * 16 = 15.76 GB/s, of which 30 % are 4.728 GB/s."""
    card = {"pcie_generation": 3, "pcie_width": 16, **more.pop("card", {})}
    moved = {"h2d_bytes_per_s": rate, **more.pop("moved", {})}
    return copying(more.pop("exposed_s", 0.0), gpus=(gpu(**card),), moved=moved, **more)


@pytest.mark.parametrize(
    ("rate", "expected"), [(4.72e9, ["copies-slow"]), (4.73e9, []), (None, [])]
)
def test_copies_are_slow_below_30_percent_of_the_links_rate(
    rate: float | None, expected: list[str]
) -> None:
    assert ids(link(rate)) == expected


@pytest.mark.parametrize(
    ("generation", "width", "rate"),
    [
        (1, 16, 1.19e9), (2, 16, 2.39e9), (3, 8, 2.36e9), (4, 16, 9.44e9), (5, 16, 18.8e9),
        (6, 16, 36.2e9),
    ],
)  # fmt: skip
def test_the_links_rate_follows_from_generation_and_width(
    generation: int, width: int, rate: float
) -> None:
    # PCI-SIG: 4, 8, 15.75, 31.5, 63 and 121 GB/s for 16 lanes; 30 % of it.
    card = {"pcie_generation": generation, "pcie_width": width}
    assert ids(link(rate, card=card)) == ["copies-slow"]
    assert ids(link(rate * 1.02, card=card)) == []


@pytest.mark.parametrize("card", [{"pcie_generation": None}, {"pcie_width": None},
                                  {"pcie_generation": 9}])  # fmt: skip
def test_without_a_known_link_no_rate_is_called_slow(card: dict[str, Any]) -> None:
    assert ids(link(1e6, card=card)) == []


def test_copies_that_hardly_count_are_not_called_slow() -> None:
    assert ids(link(1e9, moved={"h2d_bytes_per_step": 0.99e6})) == []
    assert ids(link(1e9, moved={"h2d_s_per_step": 0.00099})) == []
    assert ids(link(1e9, moved={"h2d_s_per_step": 0.00101})) == ["copies-slow"]
    assert ids(link(1e9, moved={"h2d_bytes_per_step": None})) == []


def test_slow_copies_are_a_note_unless_the_gpu_waits_for_them() -> None:
    assert only(link(1e9)).severity is Severity.NOTE
    exposed, slow = copies.findings(link(1e9, exposed_s=0.006))
    assert (exposed.id, slow.id) == ("copies-exposed", "copies-slow")
    assert slow.severity is Severity.WARNING


def test_a_link_below_what_it_could_be_is_evidence() -> None:
    card = {"pcie_width": 4, "pcie_width_max": 16, "pcie_generation_max": 4}
    finding = only(link(1e9, card=card))
    assert finding.evidence == (
        "100 MB a step at 1 GB/s, 25% of the 3.94 GB/s of PCIe generation 3 x4",
        "the GPU and its slot could do generation 4 x16",
    )
    full = {"pcie_generation_max": 3, "pcie_width_max": 16}
    assert len(only(link(1e9, card=full)).evidence) == 1


@pytest.mark.parametrize(
    ("fraction", "expected"), [(0.5, ["copies-pageable"]), (0.49, []), (None, [])]
)
def test_copies_mostly_from_memory_that_is_not_pinned_are_noted(
    fraction: float | None, expected: list[str]
) -> None:
    device = (activity(pageable_fraction=fraction),)
    assert ids(copying(device_activity=device)) == expected
    small = {"h2d_s_per_step": 0.0009}
    assert ids(copying(device_activity=device, moved=small)) == []


def test_slow_copies_say_that_they_are_not_pinned_and_no_second_finding_does() -> None:
    finding = only(link(1e9, device_activity=(activity(pageable_fraction=0.9),)))
    assert finding.id == "copies-slow"
    assert finding.evidence[-1] == "90% of the bytes come from memory that is not pinned"
    assert "never pinned" in finding.remedy


def element(expected: float | None, narrower: float | None = None, **more: Any) -> ElementTransfer:
    return ElementTransfer(
        components=("float32[32,224,224,3]",), expected_h2d_bytes_per_step=expected,
        narrower_bytes_per_step=narrower, **more,
    )  # fmt: skip


def reckoned(profile: Profile) -> list[str]:
    return [finding.id for finding in arithmetic.findings(profile)]


@pytest.mark.parametrize(
    ("moved", "expected", "found"),
    [
        (180e6, 100e6, True),
        (179e6, 100e6, False),
        (2.0e6, 1.01e6, False),  # Less than a megabyte too much.
        (2.1e6, 1.05e6, True),
        (None, 100e6, False),
        (180e6, None, False),
        (180e6, 0.0, False),
    ],
)
def test_almost_twice_the_bytes_of_the_batch_are_copied_twice(
    moved: float | None, expected: float | None, found: bool
) -> None:
    one = copying(moved={"h2d_bytes_per_step": moved}, element=element(expected))
    assert reckoned(one) == (["copied-twice"] if found else [])


def test_copying_twice_says_the_figures_and_weighs_by_the_wait() -> None:
    (finding,) = arithmetic.findings(copying(element=element(50e6)))
    assert finding.title == "A step copies 2.0 times the bytes of its batch to the GPU."
    assert finding.evidence == (
        "a batch has 50 MB, a step copies 100 MB to the GPU",
        "the batch is float32[32,224,224,3]",
        "the copies take 10 ms of a step",
    )
    assert finding.severity is Severity.NOTE
    (finding,) = arithmetic.findings(copying(0.006, element=element(50e6)))
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("expected", "narrower", "exposed_s", "found"),
    [
        (4e6, 2e6, 0.0, True),
        (4e6, 2.01e6, 0.0, False),
        (1e6, 0.25e6, 0.0, True),
        (0.99e6, 0.25e6, 0.0, False),
        (0.99e6, 0.25e6, 0.00101, True),
        (4e6, None, 0.0, False),
        (None, 1e6, 0.0, False),
    ],
)
def test_elements_are_wide_where_casts_double_bytes_that_matter(
    expected: float | None, narrower: float | None, exposed_s: float, found: bool
) -> None:
    one = copying(
        exposed_s, element=element(expected, narrower),
        moved={"h2d_s_per_step": None, "h2d_bytes_per_step": expected},
    )  # fmt: skip
    assert reckoned(one) == (["wide-elements"] if found else [])


def test_wide_elements_name_the_cast_and_the_type_to_send() -> None:
    wide = element(100e6, 25e6, casts=("uint8 -> float32[32,224,224,3]",))
    (finding,) = arithmetic.findings(copying(element=wide))
    assert finding.title.endswith("before they are sent: 4 times the bytes.")
    assert finding.evidence == (
        "a batch has 100 MB, and had 25 MB before it was cast on the host "
        "(uint8 -> float32[32,224,224,3])",
    )
    assert finding.remedy.startswith("Send uint8, and cast on the GPU")


def test_a_cpu_copies_nothing() -> None:
    found = copying(0.05, element=element(10e6, 1e6), device_activity=(activity(
        pageable_fraction=1.0),))  # fmt: skip
    cpu = replace(found, environment=replace(found.environment, devices=("CPU:0",)))
    assert ids(found) == ["copies-exposed", "copies-pageable"]
    assert reckoned(found) == ["copied-twice", "wide-elements"]
    assert ids(cpu) == reckoned(cpu) == []
