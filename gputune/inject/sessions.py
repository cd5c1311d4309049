"""TensorFlow 1 sessions: recognised, said in one line, and left alone."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.inject.patching import patch
from gputune.session import events

if TYPE_CHECKING:
    from gputune.inject.watch import Watch


def watch(tf: ModuleType, watch: Watch) -> None:
    """Hook `tf.compat.v1.Session.run`, until it was called once."""
    session = tf.compat.v1.Session
    said = False

    def say() -> None:
        watch.log.write(
            events.STYLE,
            style="tensorflow-1-session",
            note="the script runs sessions of TensorFlow 1, which gputune does not measure",
        )

    def run(
        original: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        nonlocal said
        if not said:
            said = True
            watch.guard.run("sessions", say)
        return original(*args, **kwargs)

    patch(session, "run", run)
