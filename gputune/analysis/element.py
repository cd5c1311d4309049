"""What a step must move to the device, by the element that the dataset gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gputune.schema.gpu import ElementTransfer

DTYPE_BYTES = {
    "bool": 1, "int8": 1, "uint8": 1, "qint8": 1, "quint8": 1,
    "float8_e4m3fn": 1, "float8_e5m2": 1,
    "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2,
    "int32": 4, "uint32": 4, "float32": 4, "qint32": 4,
    "int64": 8, "uint64": 8, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip
"""TensorFlow's types and their sizes (`tf.DType.size`)."""
HOST_ONLY = {"string", "variant", "resource"}
"""Types that no GPU has: such tensors stay where they are."""
_DEEPER = {"batch", "padded_batch", "ragged_batch"}
_FLATTER = {"unbatch"}


@dataclass(frozen=True)
class Component:
    """A part of an element: a dimension that is not known is None, as is a shape's rank."""

    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def bytes(self) -> float | None:
        """Its size on the device; None where that is not known."""
        if self.dtype in HOST_ONLY:
            return 0.0
        each = DTYPE_BYTES.get(self.dtype)
        if each is None or self.shape is None or None in self.shape:
            return None
        return float(each * math.prod(size for size in self.shape if size is not None))

    def __str__(self) -> str:
        sizes = ("?" if size is None else str(size) for size in self.shape or ())
        return f"{self.dtype}[{','.join(sizes)}]" if self.shape is not None else f"{self.dtype}[…]"


def element_record(
    event: Mapping[str, Any] | None, held: Mapping[str, Any] | None, *, batch_size: int | None,
    policy: str | None,
) -> ElementTransfer | None:  # fmt: skip
    """The ElementTransfer of an `element` event and of the held batch, where there was one.

    Without a held batch an unknown first dimension is `batch_size`. `policy` is Keras' precision
    policy. None where no element was described.
    """
    if event is None:
        return None
    spec = _components(event.get("components") or ())
    sent = _components((held or {}).get("components") or ())
    if not sent:
        sent = [_sized(part, batch_size) for part in spec]
    replicas = len(sent) // len(spec) if spec and len(sent) % len(spec) == 0 else 0
    narrower = narrowed(spec, event.get("stages") or (), policy)
    whole: list[float] = []
    less: list[float] = []
    casts: list[str] = []
    for place, part in enumerate(sent):
        size = part.bytes
        if size is None:
            return ElementTransfer(components=tuple(map(str, sent)))
        before = narrower.get(place % len(spec)) if replicas else None
        whole.append(size)
        less.append(
            size if before is None else size * DTYPE_BYTES[before] / DTYPE_BYTES[part.dtype]
        )
        if before is not None:
            casts.append(f"{before} -> {part}")
    return ElementTransfer(
        components=tuple(map(str, sent)),
        expected_h2d_bytes_per_step=sum(whole),
        narrower_bytes_per_step=sum(less) if casts else None,
        casts=tuple(dict.fromkeys(casts)),
    )


def narrowed(
    spec: Sequence[Component], stages: Sequence[Mapping[str, Any]], policy: str | None
) -> dict[int, str]:
    """The narrower type that would do, by the component's place.

    That is a type which the component had in an earlier stage of the pipeline, with the same
    shape (but for its batch dimensions and such as are not known): where it stands at the same
    place of as many components, or where no other part of either element has that shape. And what
    the model computes in, for float64.
    """
    found: dict[int, str] = {}
    deeper = 0
    for stage in reversed(stages):
        parts = _components(stage.get("components") or ())
        for place, part in enumerate(spec):
            before = _before(place, spec, parts, deeper)
            known = found.get(place, part.dtype)
            if before is not None and _bytes(before.dtype) < _bytes(known):
                found[place] = before.dtype
        method = stage.get("method")
        deeper += (method in _DEEPER) - (method in _FLATTER)
    for place, part in enumerate(spec):
        if part.dtype == "float64" and policy is not None and "float64" not in policy:
            found.setdefault(place, "float32")
    return found


def _before(
    place: int, spec: Sequence[Component], parts: Sequence[Component], deeper: int
) -> Component | None:
    """The part of an earlier stage's element that this component was."""
    alike = [i for i, part in enumerate(parts) if _fits(part, spec[place], deeper)]
    if len(parts) == len(spec):
        return parts[place] if place in alike else None
    rivals = (
        [i for i in range(len(spec)) if _fits(parts[alike[0]], spec[i], deeper)] if alike else []
    )
    return parts[alike[0]] if len(alike) == 1 and rivals == [place] else None


def _fits(part: Component, component: Component, deeper: int) -> bool:
    """Whether an earlier part can have become the component by a cast, `deeper` batches later."""
    if part.dtype not in DTYPE_BYTES or component.dtype not in DTYPE_BYTES:
        return False
    if part.shape is None or component.shape is None or deeper < 0:
        return False
    inner = component.shape[deeper:]
    return len(component.shape) >= deeper and len(inner) == len(part.shape) and all(
        a is None or b is None or a == b for a, b in zip(part.shape, inner, strict=True)
    )  # fmt: skip


def _bytes(dtype: str) -> int:
    return DTYPE_BYTES.get(dtype, 0)


def _components(raw: Sequence[Any]) -> list[Component]:
    return [Component(str(dtype), None if shape is None else tuple(shape)) for dtype, shape in raw]


def _sized(part: Component, batch_size: int | None) -> Component:
    if part.shape and part.shape[0] is None:
        return Component(part.dtype, (batch_size, *part.shape[1:]))
    return part
