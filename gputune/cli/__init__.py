"""One file a command: it parses, calls `api`, prints. Loads nothing heavy before it must."""

from __future__ import annotations

from gputune.cli.main import main

__all__ = ["main"]
