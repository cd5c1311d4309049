"""The trained model asked for predictions of unusual batches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gputune.checks.script.comparing import Difference, difference, leaves, numbers
from gputune.checks.script.errors import named_site, said
from gputune.checks.script.raised import Raised
from gputune.checks.script.samples import batch_size, cut
from gputune.schema.site import Site

MOST_SAMPLES = 32
LONGEST_S = 60.0
"""After so many seconds no further case is begun: each may trace the model anew."""
LARGE = 1e3
"""Large values: the batch's own, so many times. A sensor's or a parser's outlier, ours."""
WHOLE, ONE, PARTIAL = "the whole batch", "a batch of 1", "a last, partial batch"
ZEROS, BIG = "a batch of zeros", f"values {LARGE:.0f} times as large"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One batch and what came of it.

    `samples` went in; `error` is what was raised, in one line, `site` the user's line that it came
    from. `shapes` are those of the outputs. `apart` is how far the outputs are from those that the
    same samples have in the whole batch; None where it was not compared.
    """

    name: str
    samples: int
    error: str = ""
    site: Site | None = None
    shapes: tuple[tuple[int, ...], ...] = ()
    nan: bool = False
    infinite: bool = False
    apart: Difference | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """All cases. `repeated` is how far two predictions of the whole batch are from each other."""

    cases: tuple[Case, ...]
    repeated: Difference | None = None
    fixed_batch: int | None = None
    """The batch size of the model's own inputs, where they have one: it may bind, or may not."""
    left_out: tuple[str, ...] = ()
    """Cases that were not begun, since the time was used up."""


def ask(model: Any, inputs: Any) -> Asked:
    """Predict the whole batch twice, then one sample, a part, zeros, and large values."""
    began = time.perf_counter()
    size = min(batch_size(inputs) or 0, MOST_SAMPLES)
    fixed = _fixed_batch(model)
    whole = cut(inputs, 0, size) if fixed is None else inputs
    first, outputs = _case(model, WHOLE, whole)
    if first.error:
        return Asked(cases=(first,), fixed_batch=fixed)
    again, repeated = _case(model, WHOLE, whole)
    apart = None if again.error else difference(outputs, repeated)
    cases, left_out = [first], []
    for name, made, compared in _others(whole, size):
        if time.perf_counter() - began > LONGEST_S:
            left_out.append(name)
            continue
        expected = [part[:compared] for part in outputs] if compared else None
        cases.append(_case(model, name, made, expected)[0])
    return Asked(cases=tuple(cases), repeated=apart, fixed_batch=fixed, left_out=tuple(left_out))


def _others(whole: Any, size: int) -> Iterator[tuple[str, Any, int]]:
    """(name, inputs, how many of the whole batch's first samples they are)."""
    if size > 1:
        yield ONE, cut(whole, 0, 1), 1
    if size > 2:
        partial = (size + 1) // 2
        yield PARTIAL, cut(whole, 0, partial), partial
    if any(_is_float(leaf) for leaf in leaves(whole)):
        yield ZEROS, _changed(whole, lambda leaf: leaf * 0), 0
        yield BIG, _changed(whole, lambda leaf: leaf * LARGE), 0


def _changed(inputs: Any, change: Callable[[Any], Any]) -> Any:
    """The inputs with those of floating point changed; numbers of words and classes stay."""
    if isinstance(inputs, dict):
        return {key: _changed(value, change) for key, value in inputs.items()}
    if isinstance(inputs, (list, tuple)):
        return type(inputs)(_changed(value, change) for value in inputs)
    return change(inputs) if _is_float(inputs) else inputs


def _is_float(leaf: Any) -> bool:
    return "float" in str(getattr(leaf, "dtype", ""))


def _case(
    model: Any, name: str, inputs: Any, expected: list[Any] | None = None
) -> tuple[Case, list[Any]]:
    import numpy as np

    samples = batch_size(inputs) or 0
    try:
        outputs = numbers(model.predict_on_batch(inputs))
    except Exception as error:
        site = Raised(error).site or named_site(error)
        return Case(name=name, samples=samples, error=said(error), site=site), []
    case = Case(
        name=name,
        samples=samples,
        shapes=tuple(part.shape for part in outputs),
        nan=any(bool(np.isnan(part).any()) for part in outputs),
        infinite=any(bool(np.isinf(part).any()) for part in outputs),
        apart=difference(expected, outputs) if expected is not None else None,
    )
    return case, outputs


def _fixed_batch(model: Any) -> int | None:
    for tensor in leaves(getattr(model, "inputs", None) or ()):
        shape: Any = getattr(tensor, "shape", ())
        if len(shape) and shape[0] is not None:
            return int(shape[0])
    return None
