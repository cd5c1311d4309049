"""CUDA's libraries by name."""

from __future__ import annotations

from typing import Any

import pytest

from gputune.doctor.cuda import library_names, minimum_driver, wanted
from gputune.doctor.machine import Build
from tests.unit.doctor.machines import (
    GONE,
    H100,
    SECOND,
    all_text,
    blind,
    every,
    laptop,
    libraries,
    problems,
    the,
    warnings,
    workstation,
)

ALL = [one.file.partition(".")[0] for one in wanted("12.5.1", "9")]


def without(*names: str, **changes: Any) -> dict[str, Any]:
    return {"libraries": libraries(**dict.fromkeys(names, GONE), **changes)}


def test_the_names_are_those_of_each_cuda() -> None:
    assert set(library_names("12.5.1", "9")) == {
        "libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcufft.so.11",
        "libcusolver.so.11", "libcusparse.so.12", "libnvJitLink.so.12", "libcudnn.so.9",
        "libcupti.so.12", "libnvrtc.so.12", "libnccl.so.2",
    }  # fmt: skip
    assert {"libcudart.so.13", "libcufft.so.12", "libcusolver.so.12", "libcusparse.so.12"} <= set(
        library_names("13.0.0", "9")
    )
    assert library_names("11.8", "8") == library_names(None, "9") == ()
    assert [one.wheel for one in wanted("13.0", "9") if "cud" in one.file] == [
        "nvidia-cuda-runtime", "nvidia-cudnn-cu13",
    ]  # fmt: skip


def test_the_oldest_drivers() -> None:
    assert minimum_driver("12.5.1") == (525, 60, 13)
    assert minimum_driver("13.0.0") == (580,)
    assert minimum_driver("14") is None and minimum_driver(None) is None


@pytest.mark.parametrize("name", ["libcudart", "libcufft", "libcudnn", "libcusolver"])
def test_a_missing_library_is_named_with_its_package(name: str) -> None:
    machine = blind(**without(name))
    assert problems(machine) == ["library-missing"]
    text = all_text(the(machine, "library-missing"))
    file = next(one for one in wanted("12.5.1", "9") if one.file.startswith(f"{name}."))
    assert f"{file.file}: of the package {file.wheel}" in text
    assert "pip install 'tensorflow[and-cuda]==2.21.0'" in text


def test_none_at_all_is_one_line() -> None:
    machine = blind(**without(*ALL))
    assert problems(machine) == ["library-missing"]
    assert "None of the 8 CUDA libraries" in the(machine, "library-missing").title
    assert warnings(machine) == []


@pytest.mark.parametrize(
    ("name", "use"), [("libcupti", "no profiler"), ("libnvrtc", "convolutions")]
)
def test_a_library_that_is_not_needed_at_once_is_a_warning(name: str, use: str) -> None:
    machine = workstation(**without(name))
    assert problems(machine) == []
    assert warnings(machine) == ["library-missing-optional"]
    assert use in all_text(the(machine, "library-missing-optional"))


def test_nccl_is_for_several_gpus() -> None:
    assert warnings(workstation(**without("libnccl"))) == []
    two = workstation(
        **without("libnccl"), driver={"devices": (H100, SECOND)}, tensorflow={"gpus": ("a", "b")}
    )
    assert warnings(two) == ["library-missing-optional"]


def test_a_library_that_does_not_load_says_why_and_who_put_it_there() -> None:
    wrong = {"error": "libcudnn.so.9: wrong ELF class", "by": "LD_LIBRARY_PATH",
             "path": "/opt/old/libcudnn.so.9"}  # fmt: skip
    machine = blind(libraries=libraries(libcudnn=wrong))
    assert problems(machine) == ["library-wrong"]
    text = all_text(the(machine, "library-wrong"))
    assert "wrong ELF class" in text and "/opt/old/libcudnn.so.9" in text
    assert "LD_LIBRARY_PATH" in text
    # In the system's folders, where its path is not known.
    machine = blind(libraries=libraries(libcufft={**GONE, "error": "file too short"}))
    assert problems(machine) == ["library-wrong"]


def test_a_library_that_lacks_a_missing_one_is_told_with_that_one() -> None:
    """As the real loader says it of NVIDIA's own wheels of CUDA 12.5 without nvidia-nvjitlink."""
    lacks = {
        "error": "libnvJitLink.so.12: cannot open shared object file: No such file or directory"
    }
    sick = libraries(libnvJitLink=GONE, libcusparse=lacks, libcusolver=lacks)
    assert problems(blind(libraries=sick)) == ["library-missing"]
    assert "libnvJitLink.so.12" in the(blind(libraries=sick), "library-missing").title
    # With that one there, the same error is a cause of its own.
    alone = libraries(libcusparse=lacks)
    assert problems(blind(libraries=alone)) == ["library-wrong"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [((9, 3, 0), []), ((9, 10, 1), []), ((9, 1, 0), ["library-wrong"])],
)
def test_cudnn_is_of_the_minor_version_that_was_built_with_or_newer(
    version: tuple[int, ...], expected: list[str]
) -> None:
    machine = workstation(libraries=libraries(libcudnn={"version": version}))
    assert problems(machine) == expected
    if expected:
        assert "cuDNN 9.1.0 is older than the 9.3" in the(machine, "library-wrong").title


def test_without_a_gpu_nothing_is_said_of_libraries() -> None:
    assert not [one for one in every(laptop()) if one.id.startswith("librar")]


def test_a_cuda_that_is_not_known_here_is_not_judged() -> None:
    machine = workstation(
        tensorflow={"build": Build(cuda=True, cuda_version="14.0", cudnn_version="9")},
        libraries=(),
    )
    assert problems(machine) == []
    assert "which ones CUDA 14.0 has is not known" in the(machine, "libraries").title
