"""What importing TensorFlow came to, its versions, and Keras."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import pytest

from gputune.doctor.facts.asking import Answer
from gputune.doctor.facts.tensorflow import tensorflow_of
from gputune.doctor.machine import Keras, Machine, TensorFlow
from tests.unit.doctor.machines import (
    INSTALLED,
    all_text,
    blind,
    every,
    laptop,
    problems,
    the,
    warnings,
    workstation,
)

NOT_IMPORTED = {"version": None, "build": None, "gpus": None, "seconds": None, "step": "import"}
NO_KERAS = {"keras": Keras()}


def broken(outcome: str, **changes: Any) -> Machine:
    return laptop(tensorflow={**NOT_IMPORTED, "outcome": outcome, **changes}, **NO_KERAS)


def raised(error: str, **changes: Any) -> Machine:
    return broken("raised", error=error, **changes)


CASES: dict[str, tuple[str, Machine, str]] = {
    "absent": ("tensorflow-absent", broken("absent"), "pip install tensorflow"),
    "hangs": ("tensorflow-hangs", broken("hung", seconds=60.0), "--timeout"),
    "hangs at the GPU": (
        "tensorflow-hangs",
        broken("hung", seconds=60.0, step="devices", version="2.21.0"),
        "nvidia-smi",
    ),
    "aborts": ("tensorflow-crashes", broken("crashed", signal=signal.SIGABRT), "fresh environment"),
    "out of memory": ("tensorflow-crashes", broken("crashed", signal=signal.SIGKILL), "memory"),
    "unknown flag": (
        "tensorflow-crashes",
        broken("crashed", signal=signal.SIGABRT, messages=("F0000 Unknown flag in XLA_FLAGS",)),
        "Take out of XLA_FLAGS",
    ),
    "no AVX": (
        "cpu-without-avx",
        broken("crashed", signal=signal.SIGILL),
        "-cpu host",
    ),
    "numpy": (
        "tensorflow-does-not-import",
        raised("ImportError: A module that was compiled using NumPy 1.x cannot be run in NumPy 2"),
        "NumPy",
    ),
    "protobuf": (
        "tensorflow-does-not-import",
        raised("TypeError: Descriptors cannot be created directly."),
        "protobuf",
    ),
    "glibc": (
        "tensorflow-does-not-import",
        raised("ImportError: /lib/libc.so.6: version `GLIBC_2.34' not found"),
        "distribution",
    ),
    "shadowed": (
        "tensorflow-shadowed",
        raised("AttributeError: module 'tensorflow' has no attribute '__version__'"),
        "Rename",
    ),
    "anything else": (
        "tensorflow-does-not-import", raised("ValueError: whatever"), "fresh environment",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_way_not_to_import_has_its_name_and_its_cure(name: str) -> None:
    expected, machine, word = CASES[name]
    if name == "no AVX":
        assert problems(machine) == ["tensorflow-crashes"], "with AVX it is no cause"
        machine = laptop(
            tensorflow={**NOT_IMPORTED, "outcome": "crashed", "signal": signal.SIGILL},
            place={"cpu_has_avx": False}, **NO_KERAS,
        )  # fmt: skip
    assert problems(machine) == [expected]
    assert word in all_text(the(machine, expected))


def test_a_crash_is_told_with_its_signal_and_what_tensorflow_said_last() -> None:
    machine = broken(
        "crashed", signal=signal.SIGABRT, messages=("hello", "F0000 00:00:1 check failed: x == y")
    )
    text = all_text(the(machine, "tensorflow-crashes"))
    assert "SIGABRT" in text and "while it is imported" in text and "check failed" in text


def test_a_crash_after_the_import_is_one_where_it_happened() -> None:
    machine = laptop(
        tensorflow={"outcome": "crashed", "signal": signal.SIGSEGV, "step": "devices",
                    "gpus": None}, **NO_KERAS,
    )  # fmt: skip
    assert problems(machine) == ["tensorflow-crashes"]
    assert "while it looks for GPUs" in the(machine, "tensorflow-crashes").title


def test_what_fails_after_the_import_is_not_the_import() -> None:
    facts = {"tensorflow": {"version": "2.21.0"}, "error": "RuntimeError: x", "failed": "devices"}
    found = tensorflow_of(Answer(step="keras", facts=facts, exit_code=0), 60.0)
    machine = replace(laptop(), tensorflow=found)
    assert problems(machine) == ["tensorflow-fails"]
    assert "while it looks for GPUs" in the(machine, "tensorflow-fails").title


def test_what_tensorflow_says_is_kept_without_secrets() -> None:
    told = ("E0000 https://ana:hunter2@example.org", "ok")
    answer = Answer(step="import", facts={"error": "password=hunter2"}, messages=told, exit_code=0)
    found = tensorflow_of(answer, 60.0)
    assert "hunter2" not in found.error and found.messages[1] == "ok"
    assert "hunter2" not in found.messages[0]


def test_on_a_machine_with_a_gpu_the_build_with_cuda_is_the_one_to_install() -> None:
    machine = blind(tensorflow={**NOT_IMPORTED, "outcome": "absent"}, libraries=None, **NO_KERAS)
    assert problems(machine) == ["tensorflow-absent"]
    assert "'tensorflow[and-cuda]'" in the(machine, "tensorflow-absent").remedy


def test_an_old_tensorflow_is_a_warning() -> None:
    assert warnings(laptop(tensorflow={"version": "2.15.1"})) == ["tensorflow-old"]
    assert warnings(laptop(tensorflow={"version": "2.18.0"})) == []


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            Answer(step="import", facts={"missing": "tensorflow", "error": "x"}, exit_code=0),
            "absent",
        ),
        (Answer(step="import", facts={"missing": "h5py", "error": "x"}, exit_code=0), "raised"),
        (Answer(step="import", facts={"error": "ValueError: x"}, exit_code=0), "raised"),
        (Answer(step="import", signal=6), "crashed"),
        (Answer(step="devices", facts={"tensorflow": {}}, exit_code=3), "crashed"),
        (Answer(step="import", hung=True), "hung"),
        (Answer(exit_code=1, messages=("Fatal Python error",)), "raised"),
        (Answer(step="keras", facts={"tensorflow": {"version": "2"}}, exit_code=0), "imported"),
    ],
)
def test_how_the_child_ended_is_read(answer: Answer, outcome: str) -> None:
    assert tensorflow_of(answer, 60.0).outcome == outcome


def test_build_info_is_read_as_each_build_gives_it() -> None:
    facts = {
        "tensorflow": {"version": "2.21.0", "file": "f", "seconds": 2.0},
        "build": {"is_cuda_build": True, "cuda_version": "12.5.1", "cudnn_version": "9",
                  "cuda_compute_capabilities": ["sm_80", "compute_90"], "is_rocm_build": False},
        "gpus": ["H100"],
    }  # fmt: skip
    found = tensorflow_of(Answer(step="keras", facts=facts, exit_code=0), 60.0)
    assert found.build is not None and found.build.capabilities == ("sm_80", "compute_90")
    assert (found.seconds, found.gpus) == (2.0, ("H100",))
    cpu = {"tensorflow": {"version": "2.21.0"}, "build": {"is_cuda_build": False}}
    build = tensorflow_of(Answer(step="keras", facts=cpu, exit_code=0), 60.0).build
    assert build is not None and not build.cuda and build.cuda_version is None


def test_versions_that_do_not_fit_are_named() -> None:
    sick = laptop(packages={"installed": {**INSTALLED, "protobuf": "5.29.0"}})
    assert warnings(sick) == ["versions-do-not-fit"]
    text = all_text(the(sick, "versions-do-not-fit"))
    assert "5.29.0 is installed" in text and "pip install 'protobuf<8.0.0,>=6.31.1'" in text
    absent = {name: version for name, version in INSTALLED.items() if name != "keras"}
    assert warnings(laptop(packages={"installed": absent})) == ["versions-do-not-fit"]
    # Where TensorFlow does not import, what does not fit is a problem.
    both = laptop(
        packages={"installed": {**INSTALLED, "numpy": "1.20.0"}},
        tensorflow={**NOT_IMPORTED, "outcome": "raised", "error": "ImportError: x"}, **NO_KERAS,
    )  # fmt: skip
    assert problems(both) == ["tensorflow-does-not-import", "versions-do-not-fit"]


def test_nvidia_packages_count_where_there_is_a_gpu() -> None:
    other = {"installed": {**INSTALLED, "nvidia-cudnn-cu12": "9.1.0.70"}}
    assert warnings(workstation(packages=other)) == ["nvidia-packages"]
    assert warnings(laptop(packages=other)) == []
    none = {name: version for name, version in INSTALLED.items() if "nvidia" not in name}
    assert warnings(workstation(packages={"installed": none})) == []


def test_two_tensorflows_in_one_environment_are_a_warning() -> None:
    both = {"installed": {**INSTALLED, "tensorflow-cpu": "2.21.0"}}
    assert warnings(laptop(packages=both)) == ["two-tensorflows"]


def test_a_build_for_the_cpu_is_in_order_without_a_gpu() -> None:
    machine = laptop(tensorflow={"build": type(laptop().tensorflow.build)()})  # type: ignore[misc]
    assert problems(machine) == warnings(machine) == []
    assert the(machine, "build").title == "Built for the CPU alone."


def keras(**changes: Any) -> Machine:
    variables = changes.pop("variables", {})
    packages = changes.pop("packages", {})
    return laptop(keras=changes, variables=variables, packages=packages)


NO_BACKEND = {"version": None, "backend": None}


def test_keras_on_another_backend_is_a_warning_and_says_what_chose_it() -> None:
    by_variable = keras(backend="jax", variables={"KERAS_BACKEND": "jax"})
    assert warnings(by_variable) == ["keras-backend"]
    assert "Unset KERAS_BACKEND" in the(by_variable, "keras-backend").remedy
    by_file = keras(backend="torch", config_backend="torch", config_file="/h/.keras/keras.json")
    assert warnings(by_file) == ["keras-backend"]
    assert "/h/.keras/keras.json" in all_text(the(by_file, "keras-backend"))
    assert warnings(keras(backend="tensorflow", variables={"KERAS_BACKEND": "tensorflow"})) == []


@pytest.mark.parametrize(
    ("backend", "installed", "expected", "word"),
    [
        ("theano", {}, "keras-backend", "no backend called 'theano'"),
        ("jax", {}, "keras-backend", "not installed"),
        ("jax", {"jax": "0.5"}, "keras-does-not-import", "pip check"),
    ],
)
def test_a_backend_that_does_not_load_is_a_problem(
    backend: str, installed: dict[str, str], expected: str, word: str
) -> None:
    machine = keras(
        **NO_BACKEND, error="ImportError: x", variables={"KERAS_BACKEND": backend},
        packages={"installed": {**INSTALLED, **installed}},
    )  # fmt: skip
    assert problems(machine) == [expected]
    assert word in all_text(the(machine, expected))


def test_a_file_of_keras_that_cannot_be_read_is_a_warning() -> None:
    machine = keras(config_file="/h/.keras/keras.json", config_error="Expecting value")
    assert warnings(machine) == ["keras-config"]


def test_keras_2_is_a_warning() -> None:
    assert warnings(keras(version="2.15.0")) == ["keras-old"]


@pytest.mark.parametrize(
    ("value", "installed", "found", "expected"),
    [
        ("1", {}, problems, ["legacy-keras"]),
        ("True", {"tf-keras": "2.21.0"}, warnings, ["legacy-keras"]),
        ("0", {}, warnings, []),
        ("yes", {}, problems, []),
    ],
)
def test_the_legacy_keras(
    value: str, installed: dict[str, str], found: Any, expected: list[str]
) -> None:
    machine = laptop(
        variables={"TF_USE_LEGACY_KERAS": value},
        packages={"installed": {**INSTALLED, **installed}},
    )
    assert found(machine) == expected
    assert "TF_USE_LEGACY_KERAS" in all_text(the(machine, "legacy-keras"))


def test_a_legacy_keras_of_another_release_is_told() -> None:
    machine = laptop(
        variables={"TF_USE_LEGACY_KERAS": "1"},
        packages={"installed": {**INSTALLED, "tf-keras": "2.17.0"}},
    )
    assert "it belongs to TensorFlow 2.17, not to 2.21.0" in all_text(the(machine, "legacy-keras"))


def test_a_child_that_never_spoke_is_still_an_answer() -> None:
    machine = laptop(tensorflow=TensorFlow(outcome="raised", step="start"), **NO_KERAS)
    assert problems(machine) == ["python-does-not-start"]
    assert every(machine)
