"""Which line of the user's code compiled a model."""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any

from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.inject.watch import Watch
from gputune.schema.site import Site, site_of

_ATTRIBUTE = "gputune_compiled_by"


def watch(keras: ModuleType, watch: Watch) -> None:
    """Hook `compile`, once for all checks."""
    if hasattr(keras.Model.compile, _ATTRIBUTE):
        return
    sites: weakref.WeakKeyDictionary[Any, Site | None] = weakref.WeakKeyDictionary()

    def compiled(original: Any, model: Any, args: Any, kwargs: Any) -> Any:
        watch.guard.run("checks:compile", note, model)
        return original(*args, **kwargs)

    def note(model: Any) -> None:
        # Frames: note <- Guard.run <- the hook <- patch's wrapper <- the user's line.
        sites[model] = site_of(call_site(caller()))

    patch(keras.Model, "compile", compiled)
    setattr(keras.Model.compile, _ATTRIBUTE, sites)


def site(keras: ModuleType, model: Any) -> Site | None:
    """The line; None where it is not known."""
    known = getattr(keras.Model.compile, _ATTRIBUTE, None)
    return known.get(model) if known is not None else None
