"""Keras' own file, in which a backend may be chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gputune.doctor.machine import Keras


def with_config(keras: Keras, environ: Mapping[str, str]) -> Keras:
    """Add what the file says: `keras.json` in KERAS_HOME, or in ~/.keras."""
    home = environ.get("KERAS_HOME")
    file = (Path(home) if home else Path("~/.keras").expanduser()) / "keras.json"
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return keras
    except (OSError, ValueError) as error:
        return replace(keras, config_file=str(file), config_error=str(error))
    if not isinstance(body, dict):
        return replace(keras, config_file=str(file), config_error="it holds no object")
    backend = body.get("backend")
    return replace(
        keras, config_file=str(file), config_backend=backend if isinstance(backend, str) else None
    )
