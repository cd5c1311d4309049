"""The pipeline that reaches `fit`, ended as the settings without a line say.

Only this one: a validation pipeline made by the same functions stays as it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from gputune.inject.edits.inserting import NoPlace, insert, rank, set_option
from gputune.inject.edits.kept import Keeping, Kept, made_again
from gputune.inject.edits.orders import Order, Orders, spelled
from gputune.inject.edits.passing import argument, with_argument
from gputune.knobs.knob import InsertCall, SetArgument, SetOption

_TRANSPARENT = ("with_options", "repeat")
"""Behind these a call is still the last that makes batches ready."""
_BATCH_BY_BATCH = ("map", "prefetch", "with_options", "repeat", "cache", "shuffle", "filter")
"""What may be made again behind another batch size: it does not count batches."""


class Finishing:
    """Ends pipelines; makes anew what stands behind the first call that changes."""

    def __init__(
        self, tf: ModuleType, orders: Orders, keeping: Keeping,
        signatures: Mapping[str, inspect.Signature],
    ) -> None:  # fmt: skip
        self._tf = tf
        self._orders = orders
        self._keeping = keeping
        self._signatures = signatures

    def put(self, orders: Orders) -> None:
        """From now on carry out these orders."""
        self._orders = orders

    def finished(self, dataset: Any) -> Any:
        """The dataset with each setting put in that has no line."""
        wanted = [order for order in self._orders.of_pipelines if order.setting.site is None]
        for order in wanted:
            if any(isinstance(edit, SetArgument) and edit.last for edit in order.edits):
                dataset = self._try(order, self._with_last, dataset, order)
        ends = [
            (order, edit)
            for order in wanted
            for edit in order.edits
            if isinstance(edit, SetOption)
            or (isinstance(edit, InsertCall) and edit.place == "last")
        ]
        for order, edit in sorted(ends, key=lambda pair: rank(pair[1])):
            dataset = self._try(order, self._with_end, dataset, order, edit)
        return dataset

    def _try(self, order: Order, put: Any, dataset: Any, *more: Any) -> Any:
        try:
            return put(dataset, *more)
        except NoPlace as why:
            self._orders.missed(order, str(why))
            return dataset

    def _with_last(self, dataset: Any, order: Order) -> Any:
        """The dataset with another argument of the last call before the model that takes it."""
        edits = {e.method: e for e in order.edits if isinstance(e, SetArgument) and e.last}
        chain = self._keeping.chain(dataset)
        places = [number for number, call in enumerate(chain) if call.method in edits]
        if not places:
            names = " or ".join(f".{method}" for method in edits)
            raise NoPlace(f"no {names} was seen in the pipeline that fit is given")
        call, tail = chain[places[-1]], chain[places[-1] + 1 :]
        edit = edits[call.method]
        signature = self._signatures[call.method]
        value = spelled(order.setting.value, edit.words)
        now = argument(signature, call.args, call.kwargs, edit.argument)
        if type(now) is type(value) and now == value:
            self._orders.placed(order, f".{call.method} has it already")
            return dataset
        counting = next((c.method for c in tail if c.method not in _BATCH_BY_BATCH), None)
        if counting is not None:
            raise NoPlace(
                f".{counting} stands behind .{call.method}, and may count batches: "
                "name the line of the batch where it does not"
            )
        args, kwargs = with_argument(signature, call.args, call.kwargs, edit.argument, value)
        changed = Kept(call.method, call.instance, args, kwargs)
        dataset = made_again(call.instance, [changed, *tail])
        self._orders.placed(order, f".{call.method} of the pipeline that fit is given")
        return dataset

    def _with_end(self, dataset: Any, order: Order, edit: InsertCall | SetOption) -> Any:
        """The dataset with an option, or with the call at its end, in place of one of its kind."""
        value = order.setting.value
        if isinstance(edit, SetOption):
            dataset = set_option(self._tf, dataset, edit, value)
            self._orders.placed(order, f"options.{edit.option} of the pipeline that fit is given")
            return dataset
        chain = self._keeping.chain(dataset)
        tail: list[Kept] = []
        while chain and chain[-1].method in _TRANSPARENT:
            tail.insert(0, chain.pop())
        if chain and chain[-1].method == edit.method:
            dataset = chain.pop().instance
        else:
            tail = []
        if value != edit.absent:
            dataset = insert(self._tf, dataset, edit, value, (), self._orders.log)
        self._orders.placed(order, f".{edit.method} of the pipeline that fit is given")
        return made_again(dataset, tail)
