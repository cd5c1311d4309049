"""Python in the pipeline: bound by the interpreter's lock."""

from __future__ import annotations

from collections.abc import Iterator

from gputune.rules.input_bound import culprit, stage_evidence, waits_for_input
from gputune.rules.thresholds import PYTHON_SHARE
from gputune.schema.finding import Finding, Severity
from gputune.schema.profile import Profile

_PYTHON_SOURCES = {
    "PyDataset": "the PyDataset's __getitem__",
    "generator": "the generator",
}


def findings(profile: Profile) -> Iterator[Finding]:
    """`python-input` where the step waits for a stage that runs Python."""
    pipeline = profile.pipeline
    if pipeline is None or not waits_for_input(profile):
        return
    source = _PYTHON_SOURCES.get(pipeline.source)
    limiting = culprit(profile)
    for stage in pipeline.stages:
        if not stage.python or not stage.self_s:
            continue
        is_limit = limiting is not None and limiting.index == stage.index
        slowest = limiting.self_s if limiting is not None and limiting.self_s else stage.self_s
        if not is_limit and stage.self_s < PYTHON_SHARE * slowest:
            continue
        yield Finding(
            id="python-input",
            severity=Severity.WARNING,
            title=f"{stage.label} runs Python for every element, one at a time.",
            evidence=(stage_evidence(stage),),
            remedy=_REMEDY,
            site=stage.site,
        )
        return
    if source is not None:
        yield Finding(
            id="python-input",
            severity=Severity.WARNING,
            title=f"Python makes the batches ({source}) while the model waits.",
            evidence=(),
            remedy="Build the batches with tf.data operations, or give the PyDataset "
            "use_multiprocessing=True and more workers.",
            site=next((fit.site for fit in profile.fits if fit.analysed), None),
        )


_REMEDY = (
    "Use TensorFlow operations instead of py_function, numpy_function or from_generator: Python "
    "holds the interpreter's lock, so num_parallel_calls does not help. What must stay Python can "
    "run ahead of training, its result stored as TFRecord files."
)
