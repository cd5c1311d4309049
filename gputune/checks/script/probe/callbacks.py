"""What a callback of the script is likely to change."""

from __future__ import annotations

from typing import Any

_SCHEDULES = ("LearningRateScheduler", "ReduceLROnPlateau")


def changes_rate(callback: Any) -> bool:
    """Whether it changes the learning rate, as far as its class shows."""
    return type(callback).__name__ in _SCHEDULES or _speaks_of(callback, "learning_rate")


def stops(callback: Any) -> bool:
    """Whether it may end the training, as far as its class shows."""
    return type(callback).__name__ == "EarlyStopping" or _speaks_of(callback, "stop_training")


def inner_optimizer(optimizer: Any) -> Any:
    """The optimizer itself, where one for float16 is around it."""
    while type(optimizer).__name__ == "LossScaleOptimizer":
        optimizer = optimizer.inner_optimizer
    return optimizer


def _speaks_of(callback: Any, attribute: str) -> bool:
    """Whether a method of the callback's own class names the attribute."""
    methods = [getattr(one, "__code__", None) for one in vars(type(callback)).values()]
    return any(code is not None and attribute in code.co_names for code in methods)
