"""What is to be put where, and what has been."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gputune.inject.edits.lines import Lines
from gputune.knobs.declared import CALL
from gputune.knobs.knob import InsertCall, Knob, SetArgument, SetOption
from gputune.knobs.registry import knob_named
from gputune.schema.config import Setting, Value
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

MAKERS = (
    "image_dataset_from_directory", "text_dataset_from_directory",
    "audio_dataset_from_directory", "timeseries_dataset_from_array",
)  # fmt: skip
"""Functions of `keras.utils` that make a dataset of batches."""
_NO_PIPELINES = ("compile", "fit", "optimizer", "PyDataset", CALL, *MAKERS)


@dataclass(frozen=True)
class Order:
    """One setting; `number` is its place in the options."""

    number: int
    setting: Setting
    knob: Knob

    @property
    def edits(self) -> tuple[Any, ...]:
        """The edits that put it in."""
        return self.knob.edits


class Orders:
    """The settings of the process; says in the session what became of each."""

    def __init__(self, watch: Watch, settings: Sequence[Setting] | None = None) -> None:
        self.log = watch.log
        self.lines = Lines()
        self.all = tuple(
            Order(number, setting, knob)
            for number, setting in enumerate(
                watch.options.settings if settings is None else settings
            )
            if (knob := knob_named(setting.knob)) is not None
        )
        self._said: set[tuple[int, str, str]] = set()

    @property
    def of_pipelines(self) -> tuple[Order, ...]:
        """Those that change `tf.data` calls."""
        return tuple(order for order in self.all if any(map(_of_pipelines, order.edits)))

    def arguments(self, method: str) -> list[tuple[Order, SetArgument]]:
        """What is to be an argument of this method."""
        return [
            (order, edit)
            for order in self.all
            for edit in order.edits
            if isinstance(edit, SetArgument) and edit.method == method
        ]

    def at(self, order: Order, site: dict[str, Any] | None) -> bool:
        """Whether the setting's line is this one; says so where its line cannot be told."""
        if order.setting.site is None or site is None:
            return False
        found = self.lines.same_call(order.setting.site, site)
        if isinstance(found, str):
            self.missed(order, found)
            return False
        return found

    def placed(self, order: Order, note: str = "", site: dict[str, Any] | None = None) -> None:
        """The setting is in force at a place."""
        self._say(order, "placed", note, site)

    def missed(self, order: Order, reason: str) -> None:
        """A place that was looked at does not take the setting."""
        self._say(order, "missed", reason, None)

    def undone(self, order: Order, reason: str) -> None:
        """The script has put something else in its place."""
        self._say(order, "undone", reason, None)

    def noted(self, order: Order, note: str) -> None:
        """What the user should know of a setting that is in force."""
        self._say(order, "noted", note, None)

    def _say(self, order: Order, how: str, note: str, site: dict[str, Any] | None) -> None:
        if (order.number, how, note) in self._said or len(self._said) > 1000:
            return
        self._said.add((order.number, how, note))
        self.log.write(events.EDIT, setting=order.number, how=how, note=note, site=site)


def spelled(value: Value, words: tuple[tuple[Value, Value], ...]) -> Value:
    """The value as the argument takes it: `AUTOTUNE` is -1."""
    return next((argument for word, argument in words if word == value), value)


def _of_pipelines(edit: Any) -> bool:
    if isinstance(edit, SetArgument):
        return edit.method not in _NO_PIPELINES
    return isinstance(edit, InsertCall | SetOption)
