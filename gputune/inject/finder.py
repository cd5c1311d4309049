"""Run a function right after the script has imported a module, without importing it ourselves."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

Callback = Callable[[ModuleType], Any]


class PostImportFinder(importlib.abc.MetaPathFinder):
    """Finds nothing itself: asks the other finders, and wraps the loader of the named modules.

    The callback of a module runs after its code has run, so that what the script set before the
    import (environment variables, paths) is honoured.
    """

    def __init__(self, callbacks: Mapping[str, Callback]) -> None:
        self._callbacks = dict(callbacks)
        self._searching: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the other finders give, with a loader that calls back."""
        if fullname not in self._callbacks or fullname in self._searching:
            return None
        self._searching.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        except (ImportError, ValueError, AttributeError):
            return None
        finally:
            self._searching.discard(fullname)
        if spec is None or spec.loader is None or not hasattr(spec.loader, "exec_module"):
            return None
        # Kept until the module has run: `importlib.util.find_spec("tensorflow")`, as libraries
        # ask whether it is installed, finds and does not import.
        _call_after_exec(spec.loader, lambda module: self._executed(fullname, module))
        return spec

    def _executed(self, fullname: str, module: ModuleType) -> None:
        callback = self._callbacks.pop(fullname, None)
        if callback is not None:
            callback(module)


def _call_after_exec(loader: Any, callback: Callback) -> None:
    """Make this loader's `exec_module` call back once, then be its own again.

    The loader stays the one that Python chose (its class is looked at by `inspect`, `pkgutil`
    and `importlib.resources`); only one attribute of the instance is shadowed for one call.
    """
    original = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        vars(loader).pop("exec_module", None)  # once, though it was found twice
        original(module)
        callback(sys.modules.get(module.__name__, module))

    loader.exec_module = exec_module
