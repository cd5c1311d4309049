"""How a notebook shows a record. Records know nothing of HTML: who renders them says so here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_RENDERERS: Final[list[Callable[[Any], str]]] = []


def show_with(render: Callable[[Any], str]) -> None:
    """Have records shown by `render`, which returns a piece of HTML; `gputune.api` calls it."""
    _RENDERERS[:] = [render]


class Shown:
    """A record that Jupyter shows as more than its fields, once `gputune.api` is imported."""

    __slots__ = ()

    def _repr_html_(self) -> str | None:
        """HTML for a notebook; None, which means the plain text, where nothing renders it."""
        return _RENDERERS[0](self) if _RENDERERS else None
