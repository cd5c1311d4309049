"""A Config as Python to paste into the user's script."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from gputune.knobs.prefetch import DEVICE
from gputune.knobs.registry import environment_of
from gputune.rewrite.call import ARGUMENT, METHODS, has_argument, rewritten_call
from gputune.rewrite.comment import comment, header, history, plain
from gputune.rewrite.expressions import AUTOTUNE, expression, is_count, literal_of
from gputune.schema.config import DECLARED, Config, Setting, Value
from gputune.schema.site import Site

_BEFORE_THE_GPU: Final = "# Before anything runs on the GPU."
_POLICIES: Final = ("float32", "mixed_float16", "mixed_bfloat16")
# Settings that are an argument of a call in the user's code. By what the call is where no line is
# known, they are shown with the dots that stand for the arguments that are there already.
_ARGUMENTS: Final = {
    "num_parallel_calls": "every .map(...) and .interleave(...)",
    "deterministic": "every .map(...) and .interleave(...)",
    "batch_size": "the last .batch(...) before the model, or model.fit(...)",
    "prefetch": "the end of the pipeline",
    "interleave": "every .interleave(...)",
    "steps_per_execution": "model.compile(...)",
    "jit_compile": "model.compile(...)",
}
_TO_DEVICE: Final = (
    'dataset = dataset.apply(tf.data.experimental.prefetch_to_device("GPU:0"))'
)  # fmt: skip
_FINISH: Final = '''def finish(dataset):
    """End an input pipeline as gputune recommends; call it last, after `.batch`."""'''


def config_to_snippet(config: Config) -> str:
    """Return Python source that puts a config into force, as far as code alone can.

    Policy comes as statements to run before the model is built, what ends a pipeline as a
    function `finish(dataset)`, and what belongs into a call of the user's as a comment that shows
    the call. The source is valid Python for every config, and runs as it is.
    """
    settings = config.settings
    statements = [lines for setting in settings for lines in _statement(setting)]
    ending = _ending(settings)
    # Python looks for an encoding in the comments of the first two lines: nobody else's text there.
    blocks = ["\n".join(["# Python to paste into your script.", "#", *header(config)])]
    imports = list(_imports("\n".join([*statements, *ending])))
    if imports:
        blocks.append("\n".join(imports))
    blocks += statements
    if ending:
        blocks.append("\n" + "\n".join([_FINISH, *ending, "    return dataset\n"]))
    calls = list(_calls(settings))
    if calls:
        blocks.append("\n".join(calls))
    return "\n\n".join(blocks).rstrip("\n") + "\n"


def _imports(text: str) -> Iterator[str]:
    code = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    if any("os.environ" in line for line in code):
        yield "import os\n"
    if any("keras." in line for line in code):
        yield "import keras"
    if any("tf." in line for line in code):
        yield "import tensorflow as tf"


def _statement(setting: Setting) -> Iterator[str]:
    """Yield the statement that sets a policy, where a statement can."""
    write = _STATEMENTS.get(setting.knob)
    code = write(setting.value) if write else None
    if code is not None:
        yield f"{comment(f'{setting.knob}: {history(setting)}')}\n{code}"


def _memory_growth(value: Value) -> str | None:
    if value not in ("growth", "default"):
        return _environment("memory_growth", value)
    return (
        f"{_BEFORE_THE_GPU}\n"
        'for gpu in tf.config.list_physical_devices("GPU"):\n'
        f"    tf.config.experimental.set_memory_growth(gpu, {value == 'growth'})"
    )


def _environment(knob: str, value: Value) -> str | None:
    """Set the variables that the knob asks for: TensorFlow reads them when it takes the GPU."""
    variables = environment_of([Setting(knob=knob, value=value)])
    lines = [f'os.environ["{name}"] = "{text}"' for name, text in variables.items()]
    return "\n".join([_BEFORE_THE_GPU, *lines]) if lines else None


def _gpu_thread_mode(value: Value) -> str | None:
    return _environment("gpu_thread_mode", value)


def _mixed_precision(value: Value) -> str | None:
    if value not in _POLICIES:
        return None
    return f'# Before the model is built.\nkeras.config.set_dtype_policy("{value}")'


_STATEMENTS: Final[dict[str, Callable[[Value], str | None]]] = {
    "memory_growth": _memory_growth,
    "gpu_thread_mode": _gpu_thread_mode,
    "mixed_precision": _mixed_precision,
}


def _ending(chosen: Iterable[Setting]) -> list[str]:
    """Return the body of `finish`: options first, prefetch last."""
    options: list[str] = []
    prefetch: list[str] = []
    for setting in chosen:
        said = comment(f"{setting.knob}: {history(setting)}", indent="    ")
        option = _option(setting)
        if option is not None:
            options += [said, f"    options.{option}"]
        elif _is_to_device(setting):
            prefetch = [said, f"    {_TO_DEVICE}"]
        elif _is_prefetch_at_the_end(setting):
            depth = expression("prefetch", setting.value)
            prefetch = [said, f"    dataset = dataset.prefetch({depth})"]
    if options:
        options = ["    options = tf.data.Options()", *options]
        options.append("    dataset = dataset.with_options(options)")
    return options + prefetch


def _option(setting: Setting) -> str | None:
    """Return the assignment to a `tf.data.Options` that makes a setting, where one does."""
    value = setting.value
    if setting.knob == "deterministic" and isinstance(value, bool) and not _is_of_a_call(setting):
        return f"deterministic = {value}"
    if setting.knob == "private_threadpool" and is_count(value):
        return f"threading.private_threadpool_size = {value}"
    return None


def _is_of_a_call(setting: Setting) -> bool:
    """Whether the setting is an argument of the call at its line; else it is the pipeline's."""
    method = setting.stage.partition("(")[0]
    return setting.site is not None and method in ("", ".map", ".interleave")


def _is_to_device(setting: Setting) -> bool:
    """Whether the elements are to be brought to the GPU; a prefetch of the code has to go first."""
    there = setting.site is not None and _call_at(setting.site, {"prefetch": "1"}) is not None
    return setting.knob == "prefetch" and setting.value == DEVICE and not there


def _is_prefetch_at_the_end(setting: Setting) -> bool:
    """Whether a prefetch is to be added; one that is in the code already is changed there."""
    depth = expression("prefetch", setting.value) if setting.knob == "prefetch" else None
    if depth is None or depth == "0":
        return False
    return setting.site is None or _call_at(setting.site, {"prefetch": depth}) is None


def _calls(chosen: Iterable[Setting]) -> Iterator[str]:
    """Yield comments for what the user changes in calls, and for what has no code at all."""
    placed: list[tuple[tuple[Site | str, str], dict[str, str], list[Setting]]] = []
    others: list[Setting] = []
    for setting in chosen:
        if _has_code(setting):
            continue
        value = _argument(setting)
        if value is None:
            others.append(setting)
            continue
        # One line may hold several calls that take an argument: which is meant, the stage says.
        where = (setting.site or _ARGUMENTS[setting.knob], _method(setting))
        for known, arguments, settings in placed:
            if known == where and setting.knob not in arguments:
                arguments[setting.knob] = value
                settings.append(setting)
                break
        else:
            placed.append((where, {setting.knob: value}, [setting]))
    if placed or others:
        yield "# In your own calls:"
    for (place, method), arguments, settings in placed:
        code = "" if isinstance(place, str) else place.code
        if "interleave" in arguments and not has_argument(
            code, "num_parallel_calls", "interleave"
        ):  # without it the files of a cycle are read one after another
            arguments.setdefault("num_parallel_calls", AUTOTUNE)
        yield from _call(place, method, arguments, settings)
    for setting in others:
        yield comment(_advice(setting))


def _has_code(setting: Setting) -> bool:
    write = _STATEMENTS.get(setting.knob)
    return (
        (write is not None and write(setting.value) is not None)
        or _option(setting) is not None
        or _is_prefetch_at_the_end(setting)
        or _is_to_device(setting)
    )


def _call(
    place: Site | str, method: str, arguments: dict[str, str], settings: list[Setting]
) -> Iterator[str]:
    listed = ", ".join(f"{ARGUMENT.get(name, name)}={value}" for name, value in arguments.items())
    if isinstance(place, str):
        yield comment(f"{place}: add {listed}")
    else:
        call = _call_at(place, arguments, method)
        yield comment(f"{place.label()}: {call or f'set {listed} in: {place.code}'}")
    for setting in settings:
        yield comment(f"  {setting.knob}: {history(setting, place_known=True)}")


def _method(setting: Setting) -> str:
    """`map` of a setting of `.map(decode)`; nothing where its stage is another knob's call."""
    method = setting.stage.partition("(")[0].removeprefix(".")
    return method if method in METHODS.get(setting.knob, {}) else ""


def _call_at(site: Site, arguments: dict[str, str], method: str = "") -> str | None:
    return rewritten_call(site.code, arguments, method)


def _advice(setting: Setting) -> str:
    """Say in words what no argument and no statement can."""
    place = f"{setting.site.label()}: " if setting.site else ""
    if setting.knob.startswith(DECLARED):
        name, value = setting.knob.removeprefix(DECLARED), literal_of(setting.value)
        call = f'gputune.knob("{name}", {value})'
        return f"{place}{call} ({history(setting, place_known=True)})"
    if setting.knob == "prefetch" and setting.value == DEVICE:
        advice = f"prefetch: take .prefetch out, and end the pipeline with {_TO_DEVICE}"
    elif setting.value == "none":
        advice = f"{setting.knob}: take .{setting.knob} out"
    elif setting.knob == "cache" and setting.value:
        target = repr(setting.value) if isinstance(setting.value, str) else ""
        target = "" if setting.value in ("memory", True) else target
        behind = f" behind {setting.stage}:" if setting.stage else ""
        advice = (
            f"cache: .cache({target}){behind} after the last step that gives the same elements "
            "every time, before .shuffle and random augmentation"
        )
    elif setting.knob == "cache" and setting.value is not None:
        advice = "cache: take .cache out"
    elif setting.value is None:
        advice = f"{setting.knob}: leave it unset"
    else:
        advice = f"{setting.knob} = {plain(setting.value)}"
    return f"{place}{advice} ({history(setting, place_known=True)})"


def _argument(setting: Setting) -> str | None:
    return expression(setting.knob, setting.value) if setting.knob in _ARGUMENTS else None
