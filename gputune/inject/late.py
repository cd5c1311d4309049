"""Whether a setting comes too late in a process that has begun already."""

from __future__ import annotations

import gc
import sys
from typing import Any

from gputune.knobs import declaring
from gputune.knobs.knob import SetEnvironment, SetPolicy
from gputune.knobs.registry import knob_of
from gputune.schema.config import DECLARED, Setting

_ABOVE = "call apply() above it"


def too_late(setting: Setting) -> str:
    """Why the setting cannot come into force any more, or nothing.

    Calls that the script is yet to make are not too late; one that it has made shows at the end,
    as a setting that found no place.
    """
    if setting.knob.startswith(DECLARED):
        name = setting.knob.removeprefix(DECLARED)
        if name in declaring.asked():
            return f'too late: the script has called gputune.knob("{name}", …): {_ABOVE}'
        return ""
    edits = knob_of(setting).edits
    if any(isinstance(edit, SetPolicy) for edit in edits) and _layers_are_built():
        return f"too late: the script has built layers with another policy: {_ABOVE}"
    if any(isinstance(edit, SetEnvironment) for edit in edits) and _gpu_is_taken():
        return f"too late: TensorFlow has started on the GPU: {_ABOVE}"
    return ""


def _layers_are_built() -> bool:
    """Whether any layer of Keras' lives in this process."""
    keras = sys.modules.get("keras")
    layer = getattr(getattr(keras, "layers", None), "Layer", None)
    # By the type: `isinstance` would ask the objects themselves, and wake lazy modules.
    return layer is not None and any(issubclass(type(one), layer) for one in gc.get_objects())


def _gpu_is_taken() -> bool:
    """Whether TensorFlow has taken a GPU: its memory growth cannot be changed any more then."""
    tf: Any = sys.modules.get("tensorflow")
    if tf is None:
        return False
    try:
        for gpu in tf.config.list_physical_devices("GPU")[:1]:
            grows = tf.config.experimental.get_memory_growth(gpu)
            tf.config.experimental.set_memory_growth(gpu, not grows)
            tf.config.experimental.set_memory_growth(gpu, grows)
    except (RuntimeError, ValueError):
        return True
    return False
