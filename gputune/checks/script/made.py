"""Where in the user's source layers and callbacks were made."""

from __future__ import annotations

import sys
from types import FrameType, ModuleType
from typing import Any

from gputune.inject.guard import Guard
from gputune.inject.patching import patch
from gputune.inject.sites import call_site
from gputune.schema.site import Site, site_of

_MOST = 5000
HOOK = "checking:made"


class Made:
    """Remembers the user's line that made each layer and each callback."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._sites: dict[int, tuple[Any, dict[str, Any]]] = {}

    def watch(self, keras: ModuleType) -> None:
        """Hook the making of layers (models are layers too) and of callbacks."""
        patch(keras.Layer, "__new__", self._new)
        patch(keras.callbacks.Callback, "__init__", self._init)

    def site_of(self, thing: Any) -> Site | None:
        """The user's line that made it; None where that was not seen."""
        kept = self._sites.get(id(thing))
        return site_of(kept[1]) if kept is not None and kept[0] is thing else None

    def _new(self, original: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        made = original(*args, **kwargs)
        self._guard.run(HOOK, self._note, made)
        return made

    def _init(self, original: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        self._guard.run(HOOK, self._note, instance)
        return original(*args, **kwargs)

    def _note(self, thing: Any) -> None:
        if len(self._sites) >= _MOST:
            return
        found = call_site(_maker(sys._getframe(1), thing))
        if found is not None:
            # The thing is kept too: its number would be another's once it is gone.
            self._sites[id(thing)] = (thing, found)


def _maker(frame: FrameType | None, thing: Any) -> FrameType | None:
    """The frame that makes it: outside of its own `__init__`, which calls `super().__init__`."""
    outermost = frame
    while frame is not None:
        if frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is thing:
            outermost = frame.f_back
        frame = frame.f_back
    return outermost
