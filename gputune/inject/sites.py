"""Which line of the user's code is calling."""

from __future__ import annotations

import functools
import linecache
import os
import site
import sys
import sysconfig
from types import FrameType
from typing import Any

_MAX_VIA = 6


def call_site(frame: FrameType | None) -> dict[str, Any] | None:
    """The innermost frame of the user's code from `frame` outwards, as a Site's JSON.

    The user's code is what lies outside the standard library, every site-packages and gputune.
    `via` are the user's frames that led there, innermost first, at most six; `direct` says that
    the user's own line makes the call, and not a library on its behalf. None where no frame is
    the user's (a call made by a thread of a library).
    """
    found: list[dict[str, Any]] = []
    direct: bool | None = None
    while frame is not None and len(found) <= _MAX_VIA:
        code = frame.f_code
        if direct is None and not frame.f_globals.get("__name__", "").startswith("gputune."):
            direct = is_user_file(code.co_filename)
        if is_user_file(code.co_filename):
            found.append(
                {
                    "file": os.path.abspath(code.co_filename),
                    "line": frame.f_lineno,
                    "function": code.co_name,
                    "code": linecache.getline(code.co_filename, frame.f_lineno).strip()[:300],
                }
            )
        frame = frame.f_back
    if not found:
        return None
    return {**found[0], "via": found[1:], "direct": bool(direct)}


@functools.lru_cache(maxsize=4096)
def is_user_file(filename: str) -> bool:
    """Whether a code object's file is the user's own."""
    if filename.startswith("<"):
        # `<stdin>`, `<string>` and the frozen importlib: no line that anybody could edit.
        return filename.startswith("<ipython-input")
    if os.sep + "__autograph_generated_file" in filename:
        return False
    path = os.path.realpath(filename)
    return not path.startswith(_library_folders())


@functools.lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages() if hasattr(site, "getsitepackages") else [])
    if hasattr(site, "getusersitepackages"):
        folders.add(site.getusersitepackages())
    folders.update(p for p in sys.path if p.endswith(("site-packages", "dist-packages")))
    folders.add(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # gputune itself
    return tuple(os.path.realpath(folder) + os.sep for folder in folders if folder)
