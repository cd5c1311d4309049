"""Fixtures and guards that every test shares."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
UNIT = ROOT / "tests" / "unit"
HEAVY = frozenset({"keras", "tensorflow"})

# The same examples at every run: a failure in CI is one that everybody can repeat.
hypothesis.settings.register_profile("gputune", deadline=None, derandomize=True)
hypothesis.settings.load_profile("gputune")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material beside the project; skips where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the shared material, and {folder} does not exist")
    return folder


class _FailingLoader(importlib.abc.Loader):
    """Fails the test that runs it; the module is still found, only not to be loaded."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        pytest.fail(f"a unit test imported {spec.name}: it belongs in tests/integration")

    def exec_module(self, module: ModuleType) -> None:
        raise AssertionError("create_module has failed before this")


class _Guard(importlib.abc.MetaPathFinder):
    """Finds TensorFlow and Keras as ever, with a loader that fails the test.

    `importlib.util.find_spec("tensorflow")` keeps working: who looks for the wheel's files without
    importing it is welcome.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in HEAVY:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = _FailingLoader()
        return spec


@contextmanager
def _no_tensorflow(path: Path | None) -> Iterator[None]:
    if path is None or UNIT not in path.parents:
        yield
        return
    guard = _Guard()
    sys.meta_path.insert(0, guard)
    try:
        yield
    finally:
        sys.meta_path.remove(guard)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a unit test, with its fixtures, where TensorFlow cannot be imported."""
    with _no_tensorflow(item.path):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Import a unit test's module where TensorFlow cannot be imported."""
    with _no_tensorflow(getattr(collector, "path", None)):
        return (yield)
