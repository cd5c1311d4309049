"""Batches that a script takes in Python: `for batch in dataset`, `next(iterator)`.

The classes of tf.data's and tf.distribute's iterators are not exported; they are found as the
classes below `tf.data.Iterator`, and as the class of what iterating a distributed dataset gives
(tried on TensorFlow 2.21).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.patching import patch

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

Fetch = Callable[[Any, Callable[[], Any]], Any]
"""Given the iterator and the original call: the batch."""


class Iterators:
    """Which dataset an iterator belongs to, and what happens when it is asked for a batch."""

    def __init__(self, tf: ModuleType, watch: Watch, fetch: Fetch) -> None:
        self._tf = tf
        self._watch = watch
        self._fetch = fetch
        self._datasets: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._distributed: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._hooked: set[type] = set()
        self._datasets_hooked: set[type] = set()

    def watch(self) -> None:
        """Hook the making of iterators, and what they give."""
        tf = self._tf
        patch(tf.data.Dataset, "__iter__", self._made)
        for kind in tf.data.Iterator.__subclasses__():
            self._hook(kind)
        patch(tf.distribute.Strategy, "experimental_distribute_dataset", self._distribute)

    def dataset_of(self, iterator: Any) -> int | None:
        """The id of the call that made the iterator's dataset (or the dataset itself), or None."""
        try:
            found = self._datasets.get(iterator, self._distributed.get(iterator))
        except TypeError:
            return None
        if found is None and self._watch.recorder is not None:
            found = self._watch.recorder.id_of(iterator)
        return found

    def is_dataset(self, thing: Any) -> bool:
        """Whether a function that is given it can loop over its batches."""
        return isinstance(thing, (self._tf.data.Dataset, *self._datasets_hooked))

    def is_iterator(self, thing: Any) -> bool:
        """Whether it gives the batches of a dataset."""
        return isinstance(thing, (self._tf.data.Iterator, *self._hooked))

    def _hook(self, kind: type) -> None:
        if kind in self._hooked:
            return
        self._hooked.add(kind)
        patch(kind, "__next__", self._next)
        patch(kind, "get_next", self._next)

    def _next(
        self, original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        if args or kwargs:
            return original(*args, **kwargs)
        return self._fetch(instance, original)

    def _made(
        self, original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        iterator = original(*args, **kwargs)
        self._watch.guard.run("loop:iterator", self._note, iterator, instance)
        return iterator

    def _note(self, iterator: Any, dataset: Any) -> None:
        recorder = self._watch.recorder
        number = recorder.id_of(dataset) if recorder is not None else None
        if number is None:
            number = self._distributed.get(dataset)
        if number is not None:
            self._datasets[iterator] = number

    def _distribute(
        self, original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        made = original(*args, **kwargs)
        self._watch.guard.run("loop:iterator", self._distributed_from, made, args, kwargs)
        return made

    def _distributed_from(self, made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        dataset = args[0] if args else kwargs.get("dataset")
        recorder = self._watch.recorder
        number = recorder.id_of(dataset) if recorder is not None else None
        if number is not None:
            self._distributed[made] = number
        kind = type(made)
        if kind in self._datasets_hooked or isinstance(made, self._tf.data.Dataset):
            return
        self._datasets_hooked.add(kind)

        def made_iterator(
            original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:  # fmt: skip
            iterator = original(*args, **kwargs)
            self._watch.guard.run("loop:iterator", self._hook, _base(type(iterator)))
            self._watch.guard.run("loop:iterator", self._note, iterator, instance)
            return iterator

        patch(kind, "__iter__", made_iterator)


def _base(kind: type) -> type:
    """The class itself where it defines what is hooked, else the one that it inherits it from."""
    return next((c for c in kind.__mro__ if "__next__" in vars(c)), kind)
