"""Why a recorded stage of the input must not be run once more, even at the very end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_URL = re.compile(r"(?!file:)[a-z][a-z0-9+.-]{1,15}://")
_FIRST = 4
"""Of a list of files so many are looked at: they lie in one place."""


def hazard(
    method: str, arguments: Mapping[str, Any], *, python: bool, remote: bool, unknown: bool = False
) -> str:
    """The reason in words, or an empty string where nothing speaks against it.

    `arguments` are the recorded ones; `python` says that the stage runs Python code, `remote`
    that it was given an address on the network, `unknown` that it stands on a dataset whose making
    was not recorded.
    """
    if method == "from_generator" or python:
        return "it runs Python code, which may have effects of its own"
    if method == "cache" and arguments.get("filename"):
        return "it writes a file cache"
    if method in ("snapshot", "save"):
        return "it writes its elements to disk"
    functions = [value for value in arguments.values() if isinstance(value, Mapping)]
    if any(str(f.get("file", "")).endswith("data_service_ops.py") for f in functions):
        return "its elements come from a tf.data service"
    if any(f.get("effects") for f in functions):
        return "its function prints, writes or assigns"
    if remote:
        return "it reads over the network"
    if unknown:
        return "what stands above it was not recorded"
    return ""


def is_address(value: Any) -> bool:
    """Whether a file name, or one of the first of a list of them, is an address on the network."""
    if isinstance(value, bytes):
        value = value[:32].decode("ascii", "replace")
    if isinstance(value, str):
        return _URL.match(value) is not None
    if isinstance(value, (list, tuple)):
        return any(isinstance(v, (str, bytes)) and is_address(v) for v in value[:_FIRST])
    return False
