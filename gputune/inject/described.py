"""What a fit was given and what it runs on, as plain data."""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from gputune.knobs.registry import variables_of_knobs

if TYPE_CHECKING:
    from gputune.inject.datasets import Recorder


def fit(
    tf: ModuleType, keras: ModuleType, model: Any, arguments: dict[str, Any],
    parameters: dict[str, Any], recorder: Recorder | None,
) -> dict[str, Any]:  # fmt: skip
    """The fields of a `fit_begin` event."""
    x = arguments.get("x")
    kind = input_kind(tf, keras, x)
    batch_size = arguments.get("batch_size")
    if batch_size is None and kind == "arrays":
        batch_size = 32  # Keras' default for arrays
    if kind == "PyDataset":
        batch_size = getattr(x, "batch_size", None)
    return {
        "input_kind": kind,
        "input_code": _input_code(kind, x),
        "dataset": recorder.id_of(x) if recorder is not None and x is not None else None,
        "batch_size": batch_size if isinstance(batch_size, int) else None,
        "steps_per_execution": int(getattr(model, "steps_per_execution", 1) or 1),
        "jit_compile": bool(getattr(model, "jit_compile", False)),
        "run_eagerly": bool(getattr(model, "run_eagerly", False)),
        "own_train_step": _own_train_step(keras, model),
        "precision": keras.config.dtype_policy().name,
        **_optimizer(keras, getattr(model, "optimizer", None)),
        **strategy(getattr(model, "distribute_strategy", None)),
        "epochs": parameters.get("epochs"),
        "steps_per_epoch": parameters.get("steps"),
    }


def _own_train_step(keras: ModuleType, model: Any) -> bool:
    """Whether the step that `fit` makes is written by the model's class, not by Keras."""
    if "train_step" in vars(model):
        return True
    return getattr(type(model), "train_step", None) is not getattr(keras.Model, "train_step", None)


def loop(
    dataset: int | None, from_dataset: bool, steps_per_call: int, eager: bool, distributed: Any
) -> dict[str, Any]:
    """The fields of a `fit_begin` event of a loop written by hand."""
    keras = sys.modules.get("keras")
    return {
        "input_kind": "tf.data" if from_dataset else "Python",
        "input_code": None,
        "dataset": dataset,
        "batch_size": None,
        "steps_per_execution": steps_per_call,
        "jit_compile": None,
        "run_eagerly": eager,
        "precision": keras.config.dtype_policy().name if keras is not None else None,
        "epochs": None,
        "steps_per_epoch": None,
        **strategy(distributed),
    }


def _optimizer(keras: ModuleType, optimizer: Any) -> dict[str, Any]:
    """The optimizer's class, and its learning rate; None where a schedule sets that."""
    while type(optimizer).__name__ == "LossScaleOptimizer":
        optimizer = optimizer.inner_optimizer
    if optimizer is None:
        return {"optimizer": None, "learning_rate": None}
    rate = getattr(optimizer, "learning_rate", None)
    plain = _plain(keras, rate) if isinstance(rate, keras.Variable) else None
    return {"optimizer": type(optimizer).__name__, "learning_rate": plain}


def _plain(keras: ModuleType, rate: Any) -> float | None:
    """A variable's value; one of several replicas is no number to Python, but an array to Keras."""
    try:
        value = float(keras.ops.convert_to_numpy(rate))
    except Exception:  # whatever a strategy's variables raise outside of their replicas
        return None
    # A float32: its seven digits, not those of the double that Python makes of it.
    return float(f"{value:.7g}")


def strategy(used: Any) -> dict[str, Any]:
    """The strategy of tf.distribute that trains: its class and how many replicas it has."""
    if used is None or not hasattr(used, "num_replicas_in_sync"):
        return {"strategy": None, "replicas": None}
    name = type(used).__name__
    if name == "_DefaultDistributionStrategy":
        return {"strategy": None, "replicas": 1}
    return {"strategy": name, "replicas": int(used.num_replicas_in_sync)}


def input_kind(tf: ModuleType, keras: ModuleType, x: Any) -> str:
    """What feeds the fit: `tf.data`, `arrays`, `PyDataset`, `generator` or a type's name."""
    if isinstance(x, tf.data.Dataset):
        return "tf.data"
    if isinstance(x, tf.distribute.DistributedDataset):
        return "distributed tf.data"
    if isinstance(x, keras.utils.PyDataset):
        return "PyDataset"
    if hasattr(x, "__next__") or type(x).__name__ == "generator":
        return "generator"
    if type(x).__module__.split(".")[0] == "torch":
        return "torch DataLoader"
    return "arrays"


def _input_code(kind: str, x: Any) -> dict[str, Any] | None:
    """Where the user's Python that makes the batches stands: a generator's or a PyDataset's."""
    if kind == "generator":
        code = getattr(x, "gi_code", None)
    elif kind == "PyDataset":
        code = getattr(type(x).__getitem__, "__code__", None)
    else:
        return None
    if code is None:
        return None
    return {
        "file": code.co_filename,
        "line": code.co_firstlineno,
        "function": code.co_name,
        "code": linecache.getline(code.co_filename, code.co_firstlineno).strip(),
    }


def environment(tf: ModuleType) -> dict[str, Any]:
    """The devices and the build, asked for once training begins: TensorFlow has started then."""
    build = tf.sysconfig.get_build_info()
    gpus = tf.config.list_physical_devices("GPU")
    used = tf.config.get_visible_devices("GPU")
    return {
        "devices": [f"{d.device_type}:{i}" for i, d in enumerate(tf.config.list_logical_devices())],
        "cuda": build.get("cuda_version") if build.get("is_cuda_build") else None,
        "visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "device_order": os.environ.get("CUDA_DEVICE_ORDER"),
        "variables": {n: os.environ[n] for n in variables_of_knobs() if n in os.environ},
        "gpu_numbers": [gpus.index(gpu) for gpu in used] if used != gpus else [],
    }


def synchronise(tf: ModuleType) -> Callable[[], Any] | None:
    """What waits for the devices; None without a GPU, where the host's clock is the device's."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.test.experimental.sync_devices if gpus else None


def iterations(model: Any) -> int | None:
    """The optimizer's own count of steps, or None where it keeps none."""
    counter = getattr(getattr(model, "optimizer", None), "iterations", None)
    try:
        return int(counter) if counter is not None else None
    except (TypeError, ValueError):
        return None


def own_profiler(keras: ModuleType, callbacks: list[Any]) -> str | None:
    """Why TensorFlow's profiler belongs to the script, or None where it does not."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.TensorBoard) and _profiles(callback):
            return "the script's own TensorBoard callback profiles (profile_batch)"
    return None


def _profiles(callback: Any) -> bool:
    return bool(getattr(callback, "_should_trace", False)) or bool(
        getattr(callback, "profile_batch", 0)
    )


def loss(model: Any) -> float | None:
    """The loss as `fit` shows it: the mean over this epoch so far; None where there is none.

    `get_metrics_result` is Keras' public list of what the progress bar shows.
    """
    value = model.get_metrics_result().get("loss")
    return None if value is None else float(value)
