"""The names of report files. Pure: the clock, the host and the process number are given."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_MOST_BYTES = 80  # of a name of 255: room for the time, the host, the process and the suffix


def report_name(script: str, *, when: datetime, host: str, pid: int, suffix: str) -> str:
    """Return the file name of a report: `train-20260729T101112Z-node7-4711.json`.

    Host and process number keep the ranks of one job apart when they write into one folder.

    Args:
        script: path of the script, or the name of a module (`package.train`).
        when: start of the run; must know its time zone. Written in UTC.
        host: name of the machine.
        pid: number of the process.
        suffix: `.json` or `.html`.

    Raises:
        ValueError: where `when` has no time zone.
    """
    if when.tzinfo is None:
        raise ValueError("the time of a report needs a time zone")
    stamp = when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    stem = re.split(r"[/\\]", script)[-1].removesuffix(".py")
    return f"{clean_name(stem, 'script')}-{stamp}-{clean_name(host, 'host')}-{pid}{suffix}"


def clean_name(name: str, otherwise: str) -> str:
    """Keep letters and digits of any language, `_`, `-` and inner dots; the rest becomes `_`."""
    kept = re.sub(r"[^\w.-]+", "_", name)
    # A leading dot hides the file, a leading hyphen is an option to every command.
    kept = kept.encode()[:_MOST_BYTES].decode(errors="ignore").strip(".-")
    return kept if kept.strip("_") else otherwise
