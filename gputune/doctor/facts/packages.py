"""The installed distributions, by their own metadata: nothing is imported for it."""

from __future__ import annotations

from importlib import metadata
from typing import Final

from gputune.doctor.machine import Packages
from gputune.doctor.requirement import normalised

TENSORFLOWS: Final = (
    "tensorflow",
    "tensorflow-cpu",
    "tf-nightly",
    "tf-nightly-cpu",
    "tensorflow-gpu",
    "tensorflow-rocm",
    "tf-nightly-rocm",
    "intel-tensorflow",
    "tensorflow-cpu-aws",
    "tensorflow-macos",
)
"""Distributions that all bring the package `tensorflow`; the first that is there speaks for it."""


def packages() -> Packages:
    """Read what is installed; of a name that is there twice, what Python finds first."""
    installed: dict[str, str] = {}
    requirements: dict[str, tuple[str, ...]] = {}
    for distribution in metadata.distributions():
        try:
            name = normalised(distribution.name)
            version = distribution.version
            wanted = tuple(distribution.requires or ()) if name in TENSORFLOWS else ()
        except Exception:  # metadata that is damaged belongs to a package that cannot be known
            continue
        if name not in installed:
            installed[name] = str(version)
            requirements[name] = wanted
    tensorflow = next((name for name in TENSORFLOWS if name in installed), "")
    return Packages(
        installed=installed, requirements=requirements.get(tensorflow, ()), tensorflow=tensorflow
    )
