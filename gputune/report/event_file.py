"""TensorBoard's event file, written without TensorFlow and without TensorBoard.

The messages are declared here as far as they are used, with the field numbers of TensorFlow's
`event.proto`, `summary.proto` and `tensor.proto`, and serialised by protobuf. Around each stands
the frame of a TFRecord: its length and its bytes, each with a masked CRC-32C (Castagnoli).
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_VERSION: Final = "brain.Event:2"
_DT_STRING: Final = 7
_MASK: Final = 0xA282EAD8
_CASTAGNOLI: Final = 0x82F63B78  # 0x1EDC6F41, its bits reversed


@dataclass(frozen=True)
class Scalar:
    """A value under a tag."""

    tag: str
    value: float


@dataclass(frozen=True)
class Text:
    """A Markdown text under a tag."""

    tag: str
    markdown: str


@dataclass(frozen=True)
class Event:
    """A scalar or a text, `after_s` seconds after the run began."""

    after_s: float
    step: int
    what: Scalar | Text


def event_file(events: Iterable[Event], began: float) -> bytes:
    """Return the content of an event file; `began` is in seconds since 1970."""
    version = _event_class()(wall_time=began, file_version=_VERSION)
    messages = [version, *(_message(event, began) for event in events)]
    return b"".join(_record(message.SerializeToString()) for message in messages)


def _message(event: Event, began: float) -> Any:
    message = _event_class()(wall_time=began + event.after_s, step=event.step)
    value = message.summary.value.add()
    value.tag = event.what.tag
    if isinstance(event.what, Scalar):
        value.simple_value = event.what.value
        return message
    value.metadata.plugin_data.plugin_name = "text"
    value.tensor.dtype = _DT_STRING
    value.tensor.tensor_shape.dim.add().size = 1
    # A lone surrogate (a file name that is no UTF-8) is no text for a browser.
    value.tensor.string_val.append(event.what.markdown.encode("utf-8", "backslashreplace"))
    return message


@functools.cache
def _event_class() -> Any:
    """The message `Event`; protobuf is loaded here, since only this command needs it."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    kinds = {
        "double": field.TYPE_DOUBLE, "float": field.TYPE_FLOAT, "int64": field.TYPE_INT64,
        "int32": field.TYPE_INT32, "string": field.TYPE_STRING, "bytes": field.TYPE_BYTES,
    }  # fmt: skip
    file = descriptor_pb2.FileDescriptorProto(name="gputune_event.proto", package=_PACKAGE)
    file.syntax = "proto3"
    for name, declared in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (label, kind, repeated) in declared.items():
            added = message.field.add(name=label, number=number)
            added.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if kind in kinds:
                added.type = kinds[kind]
            else:
                added.type, added.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Event"))


_PACKAGE: Final = "gputune.tensorboard"
# Of each message: field number -> (name, type, whether repeated).
_MESSAGES: Final[dict[str, dict[int, tuple[str, str, bool]]]] = {
    "Event": {
        1: ("wall_time", "double", False),
        2: ("step", "int64", False),
        3: ("file_version", "string", False),
        5: ("summary", "Summary", False),
    },
    "Summary": {1: ("value", "Value", True)},
    "Value": {
        1: ("tag", "string", False),
        2: ("simple_value", "float", False),
        8: ("tensor", "Tensor", False),
        9: ("metadata", "Metadata", False),
    },
    "Metadata": {1: ("plugin_data", "PluginData", False)},
    "PluginData": {1: ("plugin_name", "string", False)},
    "Tensor": {
        1: ("dtype", "int32", False),
        2: ("tensor_shape", "Shape", False),
        8: ("string_val", "bytes", True),
    },
    "Shape": {2: ("dim", "Dim", True)},
    "Dim": {1: ("size", "int64", False)},
}


def _record(content: bytes) -> bytes:
    length = struct.pack("<Q", len(content))
    return b"".join(
        (length, struct.pack("<I", _masked(length)), content, struct.pack("<I", _masked(content)))
    )


def _masked(content: bytes) -> int:
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def crc32c(content: bytes) -> int:
    """The CRC-32C of these bytes (RFC 3720, appendix B.4)."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _table() -> tuple[int, ...]:
    found = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)
        found.append(value)
    return tuple(found)


_TABLE: Final = _table()
