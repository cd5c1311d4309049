"""What importing TensorFlow comes to, in a child: its crash, its hanging, its absence are facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gputune.doctor.facts.asking import Answer, ask
from gputune.doctor.facts.tensorflow_child import LIBRARIES
from gputune.doctor.machine import Build, Keras, Library, TensorFlow
from gputune.schema.secrets import redact


def ask_tensorflow(
    environ: Mapping[str, str], *, timeout_s: float, libraries: bool
) -> tuple[TensorFlow, Keras, tuple[Library, ...] | None]:
    """Import TensorFlow and Keras in a child, and load CUDA's libraries if `libraries`.

    The child has this process's environment, except that TensorFlow says all that it has to say.
    """
    said = {"TF_CPP_MIN_LOG_LEVEL": "0", "PYTHONFAULTHANDLER": "1"}
    try:
        answer = ask(
            "gputune.doctor.facts.tensorflow_child", *([LIBRARIES] if libraries else []),
            timeout_s=timeout_s, environ={**environ, **said},
        )  # fmt: skip
    except OSError as error:
        failed = TensorFlow(outcome="raised", step="start", error=str(error.strerror or error))
        return failed, Keras(), None
    found = answer.facts.get("libraries")
    return (
        tensorflow_of(answer, timeout_s),
        _keras(answer.facts.get("keras") or {}),
        None if found is None else tuple(_library(one) for one in found),
    )


def tensorflow_of(answer: Answer, timeout_s: float) -> TensorFlow:
    """The child's answer as a record."""
    facts = answer.facts
    known: Mapping[str, Any] = facts.get("tensorflow") or {}
    build, gpus = facts.get("build"), facts.get("gpus")
    outcome = _outcome(answer)
    return TensorFlow(
        outcome=outcome,
        step=str(facts.get("failed") or answer.step or "start"),
        seconds=timeout_s if outcome == "hung" else known.get("seconds"),
        error=redact(str(facts.get("error") or "")),
        signal=answer.signal,
        exit_code=answer.exit_code,
        version=known.get("version"),
        file=known.get("file", ""),
        build=None if build is None else _build(build),
        gpus=None if gpus is None else tuple(gpus),
        messages=tuple(map(redact, answer.messages)),
    )


def _outcome(answer: Answer) -> str:
    facts = answer.facts
    if answer.hung:
        return "hung"
    if answer.signal is not None:
        return "crashed"
    if facts.get("missing") == "tensorflow":
        return "absent"
    if facts.get("error") or (not answer.step and answer.exit_code):
        return "raised"
    if answer.exit_code:
        return "crashed"
    return "imported" if "tensorflow" in facts else "raised"


def _build(info: Mapping[str, Any]) -> Build:
    """What the keys of get_build_info mean; a build for the CPU alone has none about CUDA."""
    capabilities = info.get("cuda_compute_capabilities")
    return Build(
        cuda=bool(info.get("is_cuda_build")),
        rocm=bool(info.get("is_rocm_build")),
        cuda_version=_text(info.get("cuda_version")),
        cudnn_version=_text(info.get("cudnn_version")),
        capabilities=tuple(capabilities) if isinstance(capabilities, list) else (),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _keras(body: Mapping[str, Any]) -> Keras:
    return Keras(
        version=_text(body.get("version")),
        backend=_text(body.get("backend")),
        error=redact(str(body.get("error") or "")),
    )


def _library(body: Mapping[str, Any]) -> Library:
    version = body.get("version")
    return Library(
        name=body["name"],
        path=body.get("path", ""),
        by=body.get("by", ""),
        error=body.get("error", ""),
        version=None if version is None else tuple(version),
    )
