"""What a copy or a memset tells of itself: its size, and the memory that it touches.

`size:112 dest:4 async:0` in files until TensorFlow 2.4, `kind_src:pageable kind_dst:device
size:112 dest:0 async:1` since, and `kind:device num_bytes:1024 async:1` for a memset.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

_SIZE = re.compile(r"(?:^|\s)(?:size|num_bytes):(\d+)")
_KINDS = re.compile(r"(?:^|\s)kind_(src|dst):(\w+)")


class HostMemory(IntEnum):
    """The host's side of a copy. Pageable memory is copied twice: once into a pinned buffer."""

    UNKNOWN = 0
    PAGEABLE = 1
    PINNED = 2
    OTHER = 3


_MEMORY = {"pageable": HostMemory.PAGEABLE, "pinned": HostMemory.PINNED}


@dataclass(frozen=True, slots=True)
class Details:
    """The bytes of a copy, None where it does not tell, and the memory of the host's side."""

    size: int | None = None
    memory: HostMemory = HostMemory.UNKNOWN


UNTOLD = Details()


def details(text: str | bytes) -> Details:
    """Read the stat `memcpy_details` or `memset_details`."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    size = _SIZE.search(text)
    kinds = [kind for _, kind in _KINDS.findall(text)]
    if not kinds or "unknown" in kinds:
        memory = HostMemory.UNKNOWN
    else:
        # One side is the device; the other is what matters. Between devices there is none.
        sides = [kind for kind in kinds if not kind.startswith("device")]
        memory = _MEMORY.get(sides[0], HostMemory.OTHER) if sides else HostMemory.OTHER
    return Details(int(size.group(1)) if size else None, memory)
