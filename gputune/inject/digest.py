"""What an element of a dataset is, as a hash."""

from __future__ import annotations

import hashlib
from types import ModuleType
from typing import Any

_TSTRING_BYTES = 24
"""What TensorFlow keeps for a string beside its characters."""


def digest(tf: ModuleType, element: Any) -> tuple[bytes, int]:
    """A hash over the bytes of all tensors of an element, and how many bytes those are.

    Ragged and sparse tensors count by their parts. A string counts as TensorFlow keeps it.
    """
    found = hashlib.blake2b(digest_size=16)
    size = 0
    for tensor in tf.nest.flatten(element, expand_composites=True):
        value = tensor.numpy()
        found.update(f"{getattr(value, 'dtype', 'S')}{getattr(value, 'shape', ())}".encode())
        if isinstance(value, bytes) or value.dtype == object:
            for text in [value] if isinstance(value, bytes) else value.ravel().tolist():
                found.update(len(text).to_bytes(8, "little") + text)
                size += len(text) + _TSTRING_BYTES
        else:
            found.update(value.tobytes())
            size += value.nbytes
    return found.digest(), size
