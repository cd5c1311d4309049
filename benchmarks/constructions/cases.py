"""The cases: which construction, with which parameters, and which line is the culprit."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEARLY_EQUAL = 1.3
"""The dearer of two nearly equal stages costs this much more than the other."""
HELPER_RATIO = 4.0


@dataclass(frozen=True)
class Template:
    """A case before its lengths are drawn.

    `unit` says how the input's length is given: `us` (a sleep per call), `loops` (work per call),
    two stages of `first` and `second` (`two-us`, `two-loops`, `helper-us`, `helper-loops`), or
    `light` (work for a tenth of the step) and `none`. `larger` is the dearer of two stages.
    """

    kind: str
    script: str
    compute_ms: float
    batch: int
    unit: str
    extra: str = ""
    spe: int = 1
    larger: str = ""
    calls: int | None = None
    """Calls of the stage for one batch, where that is not the batch size."""
    parallel: float = 1.0
    """By how much the stage is sped up by running in parallel."""
    settle_s: float = 0.5

    @property
    def has_culprit(self) -> bool:
        """Whether the construction has a slow stage."""
        return self.unit not in {"light", "none"}


@dataclass(frozen=True)
class Case:
    """A case as it is run: `arguments` are those of the script; times are what was asked for."""

    number: int
    kind: str
    script: Path
    arguments: tuple[str, ...]
    culprits: tuple[int, ...]
    compute_s: float
    input_s: float
    spe: int
    settle_s: float


T = Template
CPU = {"parallel": 1.5, "settle_s": 0.8}
TEMPLATES = (
    T("cpp-sleep", "cpp_sleep", 10, 8, "us"),
    T("numpy-arrays", "numpy_arrays", 3, 32, "none"),
    T("cpu-map-serial", "cpu_map", 10, 32, "loops", **CPU),
    T("two-sleeps", "two_sleeps", 10, 8, "two-us", larger="first"),
    T("py-function", "py_function", 10, 8, "us"),
    T("helper-map", "helper_twice", 10, 16, "helper-loops", "--how map", larger="second", **CPU),
    T("fast-input", "fast_input", 10, 32, "light", settle_s=0.8),
    T("generator", "python_generator", 10, 16, "us"),
    T("cpu-map-spe8", "cpu_map", 3, 32, "loops", spe=8, **CPU),
    T("cpp-sleep-shuffled", "cpp_sleep", 10, 16, "us", "--between shuffle"),
    T("two-maps", "two_maps", 10, 32, "two-loops", larger="second", **CPU),
    T("cpp-sleep-batch1", "cpp_sleep", 3, 1, "us"),
    T("cpp-sleep-batch256", "cpp_sleep", 30, 256, "us"),
    T("numpy-function", "numpy_function", 3, 4, "us"),
    T("cpu-map-autotune", "cpu_map", 10, 32, "loops", "--parallel -1", **CPU),
    T("two-sleeps", "two_sleeps", 30, 16, "two-us", larger="second"),
    T("helper-sleep", "helper_twice", 10, 8, "helper-us", "--how sleep", larger="first"),
    T("numpy-arrays-spe8", "numpy_arrays", 10, 256, "none", spe=8),
    T("cpp-sleep-spe8", "cpp_sleep", 10, 16, "us", spe=8),
    T("py-function-parallel", "py_function", 10, 32, "us", "--parallel 4", parallel=4),
    T("cpu-map-shuffled", "cpu_map", 30, 16, "loops", "--parallel 2 --between shuffle", **CPU),
    T("cpu-map-options", "cpu_map", 10, 128, "loops", "--between options", **CPU),
    T("two-maps-shuffled", "two_maps", 10, 16, "two-loops", "--between shuffle", larger="first",
      **CPU),
    T("fast-input-spe8", "fast_input", 30, 256, "light", spe=8, settle_s=0.8),
    T("cpu-map-on-batch", "cpu_map", 10, 256, "loops", "--after-batch", calls=1, **CPU),
    T("numpy-function-on-batch", "numpy_function", 30, 64, "us", "--after-batch", calls=1),
    T("interleaved-sleep", "interleaved_sleep", 10, 16, "us", "--parallel 2", parallel=2),
    T("generator-spe8", "python_generator", 3, 1, "us", spe=8),
    T("cpp-sleep-prefetched", "cpp_sleep", 10, 64, "us", "--prefetch 2"),
    T("two-sleeps-prefetch", "two_sleeps", 3, 4, "two-us", "--between prefetch", larger="second"),
    T("loop-cpp-sleep", "cpp_sleep", 10, 16, "us", "--style loop"),
    T("loop-iterator", "cpu_map", 10, 32, "loops", "--style iterator", **CPU),
    T("loop-on-batch", "cpp_sleep", 10, 16, "us", "--style on-batch"),
    # Eager, the model's products take several times as long: so must the input.
    T("loop-eager", "cpp_sleep", 10, 16, "us", "--style eager", parallel=4),
)  # fmt: skip


def draw(seed: int, count: int, calibration: dict[str, float]) -> list[Case]:
    """`count` cases: the templates in turn, their lengths from `seed` and the case's number."""
    return [
        _case(number, TEMPLATES[number % len(TEMPLATES)], seed, calibration)
        for number in range(count)
    ]


def _case(number: int, template: Template, seed: int, calibration: dict[str, float]) -> Case:
    rng = random.Random(f"{seed}/{number}")
    compute_s = template.compute_ms * 1e-3 * rng.uniform(0.85, 1.2)
    input_s = compute_s * (rng.uniform(1.3, 2.5) if template.has_culprit else rng.uniform(0, 0.15))
    loops = (compute_s - calibration["model_base_s"]) / calibration["model_loop_s"]
    common = {
        "--batch": template.batch,
        "--model-loops": max(1, round(loops)),
        "--steps-per-execution": template.spe,
    }
    arguments = [part for name, value in common.items() for part in (name, str(value))]
    arguments += template.extra.split() + _lengths(template, input_s, calibration)
    script = HERE / f"{template.script}.py"
    return Case(
        number=number + 1,
        kind=template.kind,
        script=script,
        arguments=tuple(arguments),
        culprits=culprit_lines(script, template.larger) if template.has_culprit else (),
        compute_s=compute_s,
        input_s=input_s if template.unit != "none" else 0.0,
        spe=template.spe,
        settle_s=template.settle_s,
    )


def _lengths(template: Template, input_s: float, calibration: dict[str, float]) -> list[str]:
    """The script's arguments that make its input take `input_s` for a batch."""
    call_s = input_s * template.parallel / (template.calls or template.batch)
    sleeps = template.unit.endswith("us")
    amount = call_s * 1e6 if sleeps else call_s / calibration["input_loop_s"]
    if template.unit == "none":
        return []
    if template.unit == "light":
        return ["--loops", str(round(input_s / calibration["input_loop_s"]))]
    if template.unit == "us":
        return ["--sleep-us", str(max(20, round(amount)))]
    if template.unit == "loops":
        return ["--loops", str(max(1, round(amount)))]
    ratio = NEARLY_EQUAL if template.unit.startswith("two") else HELPER_RATIO
    dear, cheap = amount * ratio / (1 + ratio), amount / (1 + ratio)
    first, second = (dear, cheap) if template.larger == "first" else (cheap, dear)
    suffix = {"two-us": "-us", "two-loops": "-loops"}.get(template.unit, "")
    pairs = ((f"--first{suffix}", first), (f"--second{suffix}", second))
    return [part for name, value in pairs for part in (name, str(max(1, round(value))))]


def culprit_lines(script: Path, variant: str) -> tuple[int, ...]:
    """The lines of `script` marked `# culprit`, or `# culprit: VARIANT`; raises if none is."""
    pattern = re.compile(rf"# culprit: {variant}\s*$" if variant else r"# culprit\s*$")
    numbered = enumerate(script.read_text().splitlines(), start=1)
    lines = tuple(number for number, text in numbered if pattern.search(text))
    if not lines:
        raise ValueError(f"{script}: no line is marked as culprit {variant!r}")
    return lines
