"""What `gputune.knob` returns in this process: what a setting says, where there is one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from gputune.inject.edits.orders import Orders
from gputune.inject.sites import call_site
from gputune.knobs.declared import CALL, given, unfit
from gputune.schema.config import Setting, Value
from gputune.schema.declared import DeclaredKnob
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch
    from gputune.knobs.declaring import Answer

HOOK = "edits:knob"


class Declared:
    """Answers declarations by the settings of the process, and tells the session of each.

    `behind` is who answered before: it is asked with this one's value as the script's own, so that
    what gputune asks of the process goes over what the script has applied itself.
    """

    def __init__(
        self, watch: Watch, settings: Sequence[Setting], behind: Answer | None = None
    ) -> None:
        self._watch = watch
        self._behind = behind
        # Those that the process began with: a trial in it may change others, never these.
        self._orders = Orders(watch, settings)
        self._known: dict[tuple[DeclaredKnob, type, CodeType, int], Any] = {}

    def answer(self, declared: DeclaredKnob, frame: FrameType) -> object:
        """The value for a declaration that is made in this frame; its default where all fails.

        The same in a process that is forked off: only the session is not told there.
        """
        key = (declared, type(declared.default), frame.f_code, frame.f_lineno)
        if key not in self._known:
            try:
                self._watch.guard.trip(HOOK)
                self._known[key] = self._value(declared, frame)
            except Exception as error:  # the user's script must not notice any failure of ours
                self._watch.guard.failed(HOOK, error)
                self._known[key] = declared.default
        return self._known[key]

    def _value(self, declared: DeclaredKnob, frame: FrameType) -> object:
        site = call_site(frame)
        value = self._of_settings(declared, site)
        if self._behind is not None:
            return self._behind(dataclasses.replace(declared, default=value), frame)
        fields = {f.name: getattr(declared, f.name) for f in dataclasses.fields(declared)}
        self._watch.guard.run(HOOK, self._tell, {**fields, "value": value, "site": site})
        return value

    def _of_settings(self, declared: DeclaredKnob, site: dict[str, Any] | None) -> Value:
        value = declared.default
        for order, edit in self._orders.arguments(CALL):
            if edit.named != declared.name:
                continue
            if order.setting.site is not None and not self._orders.at(order, site):
                continue
            why = unfit(declared, order.setting.value)
            if why:
                self._orders.missed(order, why)
                continue
            value = given(declared, order.setting.value)
            self._orders.placed(order, "gputune.knob", site)
        return value

    def _tell(self, fields: dict[str, Any]) -> None:
        self._watch.log.write(events.KNOB, **fields)
