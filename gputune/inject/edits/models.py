"""Settings of the model: what `compile`, `fit` and optimizers are given, and the dtype policy."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.described import input_kind
from gputune.inject.edits.calls import Calls
from gputune.inject.edits.orders import MAKERS, Order, Orders, spelled
from gputune.inject.edits.passing import Call, argument, with_argument
from gputune.inject.patching import caller, patch
from gputune.inject.sites import call_site
from gputune.knobs.knob import SetArgument, SetPolicy

if TYPE_CHECKING:
    from gputune.inject.watch import Watch

_OPTIMIZER = "optimizer"


class Models:
    """Hooks of Keras, each set only where a setting asks for it."""

    def __init__(
        self, keras: ModuleType, tf: ModuleType, watch: Watch, orders: Orders, calls: Calls
    ) -> None:
        self._keras = keras
        self._tf = tf
        self._watch = watch
        self._guard = watch.guard
        self._orders = orders
        self._calls = calls
        self._fit_signature = inspect.signature(keras.Model.fit)
        self._compile_signature = inspect.signature(keras.Model.compile)
        self._policies = [
            order for order in orders.all if any(isinstance(e, SetPolicy) for e in order.edits)
        ]

    def watch(self) -> None:
        """Set the policy and the hooks."""
        keras, orders = self._keras, self._orders
        self._guard.run("edits:policy", self._set_policies)
        if orders.arguments("fit") or orders.of_pipelines or self._policies:
            patch(keras.Model, "fit", self._hook("edits:fit", self._fit))
        if orders.arguments("compile"):
            patch(keras.Model, "compile", self._hook("edits:compile", self._compile))
        if orders.arguments(_OPTIMIZER):
            optimizer = keras.optimizers.Optimizer
            patch(optimizer, "__init__", self._hook("edits:optimizer", self._optimizer))
        for module in (keras.utils, keras.preprocessing):
            self.watch_makers(module, self._watch, orders)

    def put(self, orders: Orders) -> None:
        """From now on carry out these orders; what is given to `fit` is asked for by `of_fit`."""
        self._orders = orders

    def of_fit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """The arguments of the script's `fit` with the orders put in."""
        return self._fit(None, args, kwargs)

    def of_compile(self) -> dict[str, Any]:
        """What `compile` would be given: attributes of the model under the same names."""
        found = {}
        for order in self._orders.all:
            for edit in order.edits:
                if isinstance(edit, SetArgument) and edit.method == "compile":
                    found[edit.argument] = spelled(order.setting.value, edit.words)
                    self._orders.placed(order, "compile")
        return found

    def _hook(self, name: str, change: Callable[..., Call | None]) -> Callable[..., Any]:
        """A hook that makes the call with what `change` gives, or as the script made it."""

        def hook(
            original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
            kwargs: dict[str, Any],
        ) -> Any:  # fmt: skip
            changed = self._guard.run(name, change, instance, args, kwargs)
            if changed is not None:
                args, kwargs = changed
            return original(*args, **kwargs)

        return hook

    def _set_policies(self) -> None:
        for order in self._policies:
            self._keras.config.set_dtype_policy(order.setting.value)
            self._orders.placed(order, "the global dtype policy")

    def _wanted(self, method: str) -> list[tuple[Order, SetArgument]]:
        """What this call is to be given: settings of its line, and those without one."""
        # Frames: _wanted <- the change <- Guard.run <- the hook <- the caller.
        site = call_site(caller())
        return [
            (order, edit)
            for order, edit in self._orders.arguments(method)
            if order.setting.site is None or self._orders.at(order, site)
        ]

    def _compile(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        for order, edit in self._wanted("compile"):
            value = spelled(order.setting.value, edit.words)
            args, kwargs = with_argument(
                self._compile_signature, args, kwargs, edit.argument, value
            )
            self._orders.placed(order, "compile")
        return args, kwargs

    def _optimizer(
        self, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Call | None:
        if type(instance).__name__ == "LossScaleOptimizer":
            return None  # it stands around the one that has the rate
        now = args[0] if args else kwargs.get("learning_rate")
        for order, edit in self._wanted(_OPTIMIZER):
            if not isinstance(now, int | float):
                self._orders.missed(order, "the script's learning rate is a schedule")
                continue
            if args:
                args = (order.setting.value, *args[1:])
            else:
                kwargs = {**kwargs, edit.argument: order.setting.value}
            self._orders.placed(order, type(instance).__name__)
        return args, kwargs

    # What `fit` is given.

    def _fit(self, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        signature = self._fit_signature
        self._look_at_policy()
        x = argument(signature, args, kwargs, "x")
        kind = input_kind(self._tf, self._keras, x)
        if kind == "tf.data":
            finished = self._calls.finished(x)
            if finished is not x:
                self._note_counted(argument(signature, args, kwargs, "steps_per_epoch"))
                args, kwargs = with_argument(signature, args, kwargs, "x", finished)
            return args, kwargs
        for order, edit in self._wanted("fit"):
            if kind == "arrays":
                args, kwargs = with_argument(
                    signature, args, kwargs, edit.argument, order.setting.value
                )
                self._orders.placed(order, "fit")
            elif kind == "PyDataset":
                self._set_attribute(x, order, edit)
            else:
                self._orders.missed(order, f"the training is fed by a {kind}")
        for order in self._orders.of_pipelines:
            if order.setting.site is None and not self._takes_fit(order):
                self._orders.missed(order, f"the training is fed by {kind}, not by tf.data")
        return args, kwargs

    def _takes_fit(self, order: Order) -> bool:
        return any(isinstance(edit, SetArgument) and edit.method == "fit" for edit in order.edits)

    def _set_attribute(self, x: Any, order: Order, edit: SetArgument) -> None:
        """A PyDataset makes its own batches: the size is an attribute of it, where it has one."""
        if not isinstance(getattr(x, edit.argument, None), int):
            self._orders.missed(order, f"the PyDataset has no attribute {edit.argument}")
            return
        setattr(x, edit.argument, order.setting.value)
        self._orders.placed(order, f"the PyDataset's {edit.argument}")

    def _note_counted(self, steps_per_epoch: Any) -> None:
        for order in self._orders.of_pipelines:
            changes_batch = any(isinstance(e, SetArgument) and e.last for e in order.edits)
            if steps_per_epoch is not None and changes_batch:
                self._orders.noted(
                    order,
                    f"steps_per_epoch={steps_per_epoch} counts batches of another size now",
                )

    def _look_at_policy(self) -> None:
        for order in self._policies:
            now = self._keras.config.dtype_policy().name
            if now != order.setting.value:
                self._orders.undone(order, f"the script itself sets the dtype policy {now}")

    @staticmethod
    def watch_makers(module: Any, watch: Watch, orders: Orders) -> None:
        """Hook the functions of a module that make a dataset of batches, for a setting's line."""
        guard = watch.guard

        def changed(
            name: str, signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Call:
            # Frames: changed <- Guard.run <- the hook <- the caller.
            site = call_site(caller())
            for order, edit in orders.arguments(name):
                if orders.at(order, site):
                    value = spelled(order.setting.value, edit.words)
                    args, kwargs = with_argument(signature, args, kwargs, edit.argument, value)
                    orders.placed(order, name, site)
            return args, kwargs

        def hook_of(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
            signature = inspect.signature(function)

            def hook(
                original: Callable[..., Any], instance: Any, args: tuple[Any, ...],
                kwargs: dict[str, Any],
            ) -> Any:  # fmt: skip
                new = guard.run("edits:maker", changed, name, signature, args, kwargs)
                if new is not None:
                    args, kwargs = new
                return original(*args, **kwargs)

            return hook

        for name in MAKERS:
            function = getattr(module, name, None)
            # With no line `fit` finds the batch by itself, and only that of the training.
            if function is not None and any(o.setting.site for o, _ in orders.arguments(name)):
                patch(module, name, hook_of(name, function))
