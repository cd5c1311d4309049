"""The guard of conftest.py: a unit test that imports TensorFlow fails, loudly."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest


@pytest.mark.parametrize("name", ["tensorflow", "keras"])
def test_importing_tensorflow_in_a_unit_test_fails_it(name: str) -> None:
    if name in sys.modules:
        pytest.skip(f"{name} was imported before the unit tests ran")
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    with pytest.raises(pytest.fail.Exception, match="tests/integration"):
        importlib.import_module(name)
    assert name not in sys.modules


def test_the_wheel_of_tensorflow_can_be_found_without_importing_it() -> None:
    spec = importlib.util.find_spec("tensorflow")
    if spec is None:
        pytest.skip("tensorflow is not installed")

    assert spec.submodule_search_locations
