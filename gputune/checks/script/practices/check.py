"""The hooks of the check `practices`: gathers its facts when the training is over."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gputune.checks.script.check import Check, Findings, NotRun
from gputune.checks.script.comparing import leaves
from gputune.checks.script.own_files import own_sources
from gputune.checks.script.practices.judging import Seen, findings
from gputune.checks.script.reading import is_kind
from gputune.checks.script.saving import ways
from gputune.inject.layers import policy

if TYPE_CHECKING:
    from gputune.checks.script.training import Training

_SEEDS = frozenset({"set_random_seed", "set_seed", "seed"})
_SAVES = frozenset({"save", "save_weights", "save_model", "export", "write"})
_SAVERS = ("ModelCheckpoint", "BackupAndRestore", "SwapEMAWeights")


class Practices(Check):
    """Advice, each once."""

    def finish(self, training: Training) -> Findings:
        """Gather and judge."""
        model = training.model
        if model is None:
            raise NotRun("a loop written by hand does not show its model")
        tf, sources = self.context.tf, own_sources(training)
        batches = training.batches()
        yield from findings(
            Seen(
                inputs=len(list(leaves(batches[0].x))) if batches else 1,
                is_subclass=not is_kind(model, "Functional") and not is_kind(model, "Sequential"),
                policy=policy(model),
                parameters=int(model.count_params()) if model.built else 0,
                capabilities=tuple(_capabilities(tf)),
                seeded=_has_global_seed(tf) or any(_calls(text, _SEEDS) for text in sources),
                saves=_saves(training.callbacks, sources),
                epochs=training.epochs,
                site=training.site,
            )
        )


def _capabilities(tf: Any) -> Iterable[float]:
    for device in tf.config.list_physical_devices("GPU"):
        found = tf.config.experimental.get_device_details(device).get("compute_capability")
        if found is not None:
            yield float(f"{found[0]}.{found[1]}")


def _has_global_seed(tf: Any) -> bool:
    """Whether TensorFlow's global seed is set: else `get_seed` gives a constant of its own.

    With a seed of the operation's own, `get_seed` draws nothing.
    """
    first = tf.compat.v1.get_seed(1)[0]
    return first is not None and first != _DEFAULT_GRAPH_SEED


_DEFAULT_GRAPH_SEED = 87654321
"""Named so in the documentation of `tf.random.set_seed`'s rules; tried on TensorFlow 2.21."""


def _saves(callbacks: Iterable[Any], sources: Iterable[str]) -> bool:
    for callback in callbacks:
        if any(is_kind(callback, name) for name in _SAVERS) or _names_saving(type(callback)):
            return True
    return any(ways.of_source(text) or _calls(text, _SAVES) for text in sources)


def _names_saving(kind: type) -> bool:
    codes = (getattr(method, "__code__", None) for method in vars(kind).values())
    return any(code is not None and _SAVES & set(code.co_names) for code in codes)


def _calls(text: str, names: frozenset[str]) -> bool:
    """Whether a source calls a function or method of one of these names."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return True  # not known: nothing is said
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            func = node.func
            name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            if name in names:
                return True
    return False
