"""`tf.data` calls with other arguments, and calls that the script does not have.

At a setting's line the call itself is changed, or one is put behind it, as the script makes its
pipeline; `finishing` does what has no line of its own once the pipeline reaches `fit`. What is
put in goes through the public methods, so that gputune's own hooks see it like the script's.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.datasets import NO_DATASETS
from gputune.inject.edits.finishing import Finishing
from gputune.inject.edits.inserting import NoPlace, insert, rank, set_option
from gputune.inject.edits.kept import Keeping, Kept
from gputune.inject.edits.lines import fits_stage, last_method
from gputune.inject.edits.orders import Order, Orders, spelled
from gputune.inject.edits.passing import argument, with_argument
from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.knobs.knob import InsertCall, SetArgument, SetOption

if TYPE_CHECKING:
    from gputune.inject.watch import Watch


@dataclass(slots=True)
class Call:
    """A call of the script's that is about to be made."""

    method: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    site: dict[str, Any]
    left_out: bool = False


class Calls:
    """Hooks every public method of `tf.data.Dataset` that makes a dataset."""

    def __init__(self, tf: ModuleType, watch: Watch, orders: Orders) -> None:
        self._tf = tf
        self._guard = watch.guard
        self._log = watch.log
        self._orders = orders
        self._thread = threading.local()
        self.keeping = Keeping()
        self._methods: dict[str, inspect.Signature] = {}
        self.finishing = Finishing(tf, orders, self.keeping, self._methods)

    def watch(self) -> None:
        """Set the hooks."""
        dataset = self._tf.data.Dataset
        for name in dir(dataset):
            function = getattr(dataset, name)
            if name.startswith("_") or name in NO_DATASETS or not callable(function):
                continue
            try:
                self._methods[name] = inspect.signature(function)
            except (TypeError, ValueError):
                continue
            patch(dataset, name, self._hook(name))

    def put(self, orders: Orders) -> None:
        """From now on carry out these orders."""
        self._orders = orders
        self.finishing.put(orders)

    def made_again(self, dataset: Any) -> Any:
        """The same pipeline, from its source on, with the orders at the lines of its calls."""
        chain = self.keeping.chain(dataset)
        made = chain[0].instance if chain else dataset
        for kept in chain:
            self._thread.site = kept.site
            try:
                made = kept.again(made) if kept.site else self._ours(kept.again, made)
            finally:
                self._thread.site = None
        return made

    def finished(self, dataset: Any) -> Any:
        """The pipeline that `fit` is given, ended as the settings without a line say."""
        return self._ours(self.finishing.finished, dataset)

    def _hook(self, method: str) -> Callable[..., Any]:
        def hook(
            original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:  # fmt: skip
            return self._call(method, original, instance, args, kwargs)

        return hook

    def _call(
        self, method: str, original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:  # fmt: skip
        guard = self._guard
        call = None
        if not getattr(self._thread, "inside", False):
            # What a function of the script calls while a call runs is part of that call.
            call = guard.run("edits:call", self._about_to, method, args, kwargs)
        if call is not None:
            args, kwargs = call.args, call.kwargs
        if call is not None and call.left_out and instance is not None:
            made = instance
        else:
            made = self._inside(original, args, kwargs)
            site = call.site if call is not None else None
            kept = Kept(method, instance, args, kwargs, site)
            guard.run("edits:keep", self.keeping.keep, made, kept)
        if call is None:
            return made
        with_more = guard.run("edits:behind", self._ours, self._behind, made, call)
        return made if with_more is None else with_more

    def _inside(
        self, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        before = getattr(self._thread, "inside", False)
        self._thread.inside = True
        try:
            return original(*args, **kwargs)
        finally:
            self._thread.inside = before

    def _ours(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call it; the `tf.data` calls that it makes are gputune's own."""
        return self._inside(function, args, {})

    # At the script's own lines.

    def _about_to(self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        """The call with its arguments as the settings have them; None for a library's call."""
        # Frames: _about_to <- Guard.run <- _call <- the hook <- the caller.
        site = getattr(self._thread, "site", None) or call_site(caller())
        if site is None or not site["direct"]:
            return None
        call = Call(method, args, kwargs, site)
        for order in self._orders.of_pipelines:
            for edit in order.edits:
                if getattr(edit, "method", None) == method and self._concerns(order, edit, call):
                    self._change(order, edit, call)
        return call

    def _concerns(self, order: Order, edit: Any, call: Call) -> bool:
        setting = order.setting
        if setting.site is not None:
            fits = not setting.stage or fits_stage(
                setting.stage, call.method, call.args, call.kwargs
            )
            return fits and self._orders.at(order, call.site)
        has_option = any(isinstance(other, SetOption) for other in order.edits)
        return isinstance(edit, SetArgument) and not edit.last and not has_option

    def _change(self, order: Order, edit: SetArgument | InsertCall, call: Call) -> None:
        value = order.setting.value
        if isinstance(edit, InsertCall):
            if value == edit.absent:
                call.left_out = True
                self._orders.placed(order, f".{call.method} left out", call.site)
                return
            if value == edit.to_device:
                call.left_out = True  # and `_behind` puts its like there
                return
        elif edit.fixed is not None:
            value = edit.fixed
            present = argument(self._methods[call.method], call.args, call.kwargs, edit.argument)
            if present is not None:
                return  # the script has a value of its own for what only goes with the knob
        call.args, call.kwargs = with_argument(
            self._methods[call.method], call.args, call.kwargs, edit.argument,
            spelled(value, edit.words),
        )  # fmt: skip
        self._orders.placed(order, f".{call.method}", call.site)

    def _behind(self, made: Any, call: Call) -> Any:
        """What the script gets in place of what it has made; None where nothing is behind it."""
        inserts = [
            (order, edit)
            for order in self._orders.of_pipelines
            if order.setting.site is not None
            for edit in order.edits
            if isinstance(edit, InsertCall | SetOption) and self._is_behind(order, edit, call)
        ]
        result = None
        for order, edit in sorted(inserts, key=lambda pair: rank(pair[1])):
            onto = made if result is None else result
            try:
                if isinstance(edit, SetOption):
                    result = set_option(self._tf, onto, edit, order.setting.value)
                else:
                    result = insert(
                        self._tf, onto, edit, order.setting.value, self.keeping.chain(onto),
                        self._log,
                    )  # fmt: skip
            except NoPlace as why:
                self._orders.missed(order, str(why))
                continue
            self._orders.placed(order, f"behind .{call.method}", call.site)
        return result

    def _is_behind(self, order: Order, edit: InsertCall | SetOption, call: Call) -> bool:
        setting = order.setting
        if any(
            getattr(other, "method", None) == call.method
            and getattr(other, "to_device", None) != setting.value
            for other in order.edits
        ):
            return False  # it has changed that call itself
        if isinstance(edit, InsertCall) and setting.value == edit.absent:
            return False
        if setting.stage:
            if not fits_stage(setting.stage, call.method, call.args, call.kwargs):
                return False
        else:
            last = last_method(call.site["code"])
            if last in self._methods and last != call.method:
                return False
        return self._orders.at(order, call.site)
