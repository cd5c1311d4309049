"""Advice from plain facts of a training. Pure.

Early stopping and learning rates are the matter of the check `stopping`, names that the next run
overwrites that of `callbacks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gputune.schema.finding import Finding, Severity
from gputune.schema.site import Site

LONG_EPOCHS = 30
"""A choice: from here on a crash costs more than a checkpoint."""
LARGE_PARAMETERS = 1_000_000
"""A choice: below it a step is bound by launches, and half the bits make none of them shorter."""
TENSOR_CORES = 7.0
"""NVIDIA's first compute capability with tensor cores (Volta)."""
_MANY_INPUTS = 2


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was seen of one training.

    `capabilities` are those of the GPUs that TensorFlow sees; `seeded` is None where it is not
    known.
    """

    inputs: int = 1
    is_subclass: bool = False
    policy: str | None = None
    parameters: int = 0
    capabilities: tuple[float, ...] = ()
    seeded: bool | None = None
    saves: bool = True
    epochs: int | None = None
    site: Site | None = None


def findings(seen: Seen) -> Iterator[Finding]:
    """Each piece of advice at most once."""
    if seen.inputs >= _MANY_INPUTS and seen.is_subclass:
        yield _advice(
            "functional-inputs", seen,
            f"The model takes {seen.inputs} inputs and is written as a subclass.",
            "nothing says their names, shapes and order, so that two of one shape can be swapped",
            "The functional API declares each input with its name and shape, checks them at every "
            "call, and saves without get_config: keras.Model(inputs={'a': a, 'b': b}, outputs=y).",
        )  # fmt: skip
    if seen.policy == "float32" and seen.parameters >= LARGE_PARAMETERS:
        yield _precision(seen)
    if seen.seeded is False:
        yield _advice(
            "no-seed", seen, "No random seed is set: two runs of the script train differently.",
            "initial weights, dropout and shuffling are drawn anew in each run",
            "keras.utils.set_random_seed(0) at the top seeds Python, NumPy and TensorFlow; "
            "tf.config.experimental.enable_op_determinism() makes runs equal to the bit, slower.",
        )  # fmt: skip
    if not seen.saves and (seen.epochs or 0) >= LONG_EPOCHS:
        yield _advice(
            "nothing-saved", seen, f"{seen.epochs} epochs are trained, and nothing saves them.",
            "no callback and no line of the script's file saves the model or its weights",
            "ModelCheckpoint('model-{epoch:03d}.keras') keeps each epoch, "
            "BackupAndRestore('backup') lets the next run go on after a crash.",
        )  # fmt: skip


def _precision(seen: Seen) -> Finding:
    able = [one for one in seen.capabilities if one >= TENSOR_CORES]
    if able:
        here = f"this machine's GPU supports it: compute capability {min(able):g}"
    elif seen.capabilities:
        here = (
            f"this machine's GPU does not gain by it: compute capability "
            f"{max(seen.capabilities):g}, and tensor cores come with {TENSOR_CORES:g}"
        )
    else:
        here = "it is for GPUs, and TensorFlow sees none on this machine"
    finding = _advice(
        "mixed-precision", seen,
        f"The model computes in float32; its {seen.parameters / 1e6:.1f} million parameters could "
        "be trained in mixed precision.",
        here,
        "keras.mixed_precision.set_global_policy('mixed_float16') before the model is made, with "
        "the last layer in float32; gputune tune measures what it gains.",
    )  # fmt: skip
    return Finding(
        id=finding.id, severity=finding.severity, title=finding.title, evidence=finding.evidence,
        remedy=finding.remedy, knobs=("mixed_precision",) if able else (), site=finding.site,
    )  # fmt: skip


def _advice(identity: str, seen: Seen, title: str, evidence: str, remedy: str) -> Finding:
    return Finding(
        id=identity, severity=Severity.NOTE, title=title, evidence=(evidence,), remedy=remedy,
        site=seen.site,
    )  # fmt: skip
