"""Where the user's classes and functions stand in the source."""

from __future__ import annotations

import inspect
import linecache
import os
from typing import Any

from gputune.inject.sites import is_user_file
from gputune.schema.site import Site

_LIBRARIES = (
    "keras", "tf_keras", "keras_hub", "keras_cv", "keras_nlp", "tensorflow", "builtins", "gputune",
)  # fmt: skip


def is_custom(kind: Any) -> bool:
    """Whether a class or function is neither Keras' nor TensorFlow's."""
    module = str(getattr(kind, "__module__", "") or "")
    return module.split(".", 1)[0] not in _LIBRARIES


def defined_at(what: Any) -> Site | None:
    """The line that defines a class or function; None where it is not in the user's files."""
    try:
        code = (
            getattr(inspect.unwrap(what), "__code__", None) if not inspect.isclass(what) else None
        )
        if code is not None:
            file, line = code.co_filename, code.co_firstlineno
        else:
            file, line = inspect.getsourcefile(what) or "", inspect.getsourcelines(what)[1]
    except (OSError, TypeError, ValueError):  # made by exec, or in a notebook that is gone
        return None
    if not file or not is_user_file(file):
        return None
    return Site(
        file=os.path.abspath(file),
        line=line,
        function="",
        code=linecache.getline(file, line).strip()[:300],
    )
