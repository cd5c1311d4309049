"""Keras: whether it imports, on which backend, and what chose it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.lines import good, note, problem, warning
from gputune.doctor.machine import Machine
from gputune.doctor.requirement import numeric
from gputune.schema.finding import Finding

BACKENDS: Final = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "numpy": "numpy",
    "openvino": "openvino",
}
"""Keras 3's backends, and the package of each (keras/src/backend/__init__.py)."""
_LEGACY: Final = "TF_USE_LEGACY_KERAS"
_MEANS_LEGACY: Final = ("true", "True", "1")
"""As TensorFlow reads it (tensorflow/python/util/lazy_loader.py); any other value does nothing."""


def findings(machine: Machine) -> Iterator[Finding]:
    """`keras`, or why it does not import, or that it is not on TensorFlow; the legacy Keras."""
    keras = machine.keras
    if keras.error:
        yield _broken(machine)
    elif keras.version is not None:
        yield from _working(machine)
    if keras.config_error:
        yield warning(
            "keras-config", "Keras' own file cannot be read, and Keras goes on without it.",
            f"{keras.config_file}: {keras.config_error}",
            cure="Repair it as JSON, or remove it: Keras writes a new one.",
        )  # fmt: skip
    yield from _legacy(machine)


def chosen(machine: Machine) -> tuple[str, str]:
    """The backend that was asked for, and what asked: the variable goes before the file."""
    variable = machine.variable("KERAS_BACKEND")
    if variable:
        return variable, f"KERAS_BACKEND={variable}"
    backend = machine.keras.config_backend
    if backend is not None:
        return backend, f'"backend": "{backend}" in {machine.keras.config_file}'
    return "tensorflow", "nothing asks for another"


def _working(machine: Machine) -> Iterator[Finding]:
    keras = machine.keras
    has = numeric(keras.version)
    text = f"Keras {keras.version} on {keras.backend}"
    if has is not None and has[0] < 3:
        yield warning(
            "keras-old", f"{text}: gputune measures Keras 3.",
            cure="pip install --upgrade keras",
        )  # fmt: skip
    elif keras.backend != "tensorflow":
        yield warning(
            "keras-backend", f"{text}: gputune measures Keras on TensorFlow.",
            chosen(machine)[1], cure=_cure(machine),
        )  # fmt: skip
    else:
        yield good("keras", f"{text}.")


def _cure(machine: Machine) -> str:
    if machine.variable("KERAS_BACKEND"):
        return "Unset KERAS_BACKEND, or set it to tensorflow."
    return f'Write "backend": "tensorflow" into {machine.keras.config_file or "keras.json"}.'


def _broken(machine: Machine) -> Finding:
    backend, by = chosen(machine)
    evidence = [line for line in machine.keras.error.splitlines() if line.strip()][:3]
    if backend not in BACKENDS:
        return problem(
            "keras-backend", f"Keras has no backend called {backend!r}: it does not import.",
            by, *evidence, cure=f"{_cure(machine)} It knows {', '.join(BACKENDS)}.",
        )  # fmt: skip
    if backend != "tensorflow" and BACKENDS[backend] not in machine.packages.installed:
        return problem(
            "keras-backend",
            f"Keras is to use {backend}, which is not installed: it does not import.",
            by, *evidence, cure=f"{_cure(machine)} Or pip install {BACKENDS[backend]}.",
        )  # fmt: skip
    if "No module named 'keras'" in machine.keras.error:
        return problem(
            "keras-absent", "Keras is not installed.", *evidence, cure="pip install keras"
        )
    return problem(
        "keras-does-not-import", "Keras does not import.", by, *evidence,
        cure="pip install --upgrade keras; `pip check` names what does not fit.",
    )  # fmt: skip


def _legacy(machine: Machine) -> Iterator[Finding]:
    value = machine.variable(_LEGACY)
    if value is None:
        return
    if value not in _MEANS_LEGACY:
        yield note("legacy-keras", f"{_LEGACY}={value} does nothing.",
                   cure=f"TensorFlow takes {', '.join(_MEANS_LEGACY)} for yes.")  # fmt: skip
        return
    legacy = machine.packages.installed.get("tf-keras")
    if legacy is None:
        yield problem(
            "legacy-keras", f"{_LEGACY}={value} asks for the package tf_keras, which is not "
            "installed: tf.keras does not import.",
            cure=f"Unset {_LEGACY}, or pip install tf_keras.",
        )  # fmt: skip
        return
    yield warning(
        "legacy-keras", f"{_LEGACY}={value}: tf.keras is tf_keras {legacy}, the Keras 2 of before. "
        "gputune measures Keras 3 and leaves it alone.",
        *_other_release(machine, legacy), cure=f"Unset {_LEGACY} where the script allows it.",
    )  # fmt: skip


def _other_release(machine: Machine, legacy: str) -> tuple[str, ...]:
    """tf_keras is released with TensorFlow, under its numbers."""
    mine, other = numeric(legacy), numeric(machine.tensorflow.version)
    if mine is None or other is None or mine[:2] == other[:2]:
        return ()
    return (f"it belongs to TensorFlow {mine[0]}.{mine[1]}, not to {machine.tensorflow.version}",)
