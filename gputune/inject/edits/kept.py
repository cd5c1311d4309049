"""The calls that made the datasets of this process, so that some can be made again.

A pipeline is not changed but made anew from the first call that is to be another: the source and
what stands above that call stay what they are, random streams included.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """A call on a dataset. TensorFlow keeps the instance and the functions alive anyway."""

    method: str
    instance: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    site: dict[str, Any] | None = None
    """The user's line, where that made the call itself."""

    def again(self, dataset: Any) -> Any:
        """The same call on another dataset."""
        return getattr(dataset, self.method)(*self.args, **self.kwargs)


class Keeping:
    """The last call of each living dataset."""

    def __init__(self) -> None:
        self._made_by: weakref.WeakKeyDictionary[Any, Kept] = weakref.WeakKeyDictionary()

    def keep(self, made: Any, call: Kept) -> None:
        """Remember what made a dataset; a source has no dataset that it was made of."""
        if made is call.instance or not all(
            hasattr(thing, "element_spec") for thing in (made, call.instance)
        ):
            return  # `save` gives none, and a source was made of none
        if isinstance(made, Hashable):
            self._made_by[made] = call

    def chain(self, dataset: Any) -> list[Kept]:
        """The calls on datasets that led to this one, from the source towards the model."""
        found: list[Kept] = []
        while len(found) < _LONGEST:
            call = self._made_by.get(dataset)
            if call is None:
                break
            found.append(call)
            dataset = call.instance
        return found[::-1]


def made_again(dataset: Any, calls: Sequence[Kept]) -> Any:
    """The dataset that the calls make of another one."""
    for call in calls:
        dataset = call.again(dataset)
    return dataset
