"""`trace`: what a trace that somebody already has shows, without TensorFlow."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from gputune.api.exporting import write_operations
from gputune.api.files import prove_new, write_text
from gputune.api.outputs import OutputFailed
from gputune.api.pages import write_page
from gputune.schema.trace import TraceReport
from gputune.schema.write import to_json
from gputune.trace.find import choose
from gputune.trace.summary import trace_report
from gputune.trace.xplane import read


@dataclass(frozen=True)
class TraceOutputs:
    """What is written where; nothing by default.

    `chrome` is the Trace Event file for Perfetto, packed where its name ends in `.gz`, without the
    host's threads where `chrome_host` is False. `force` allows files that exist to be overwritten.
    """

    json: Path | None = None
    html: Path | None = None
    chrome: Path | None = None
    chrome_host: bool = True
    force: bool = False

    def prepare(self) -> None:
        """Prove that the files can be written; raises OutputFailed."""
        given = {"--json": self.json, "--html": self.html, "--chrome": self.chrome}
        seen: dict[Path, str] = {}
        for option, path in given.items():
            if path is None:
                continue
            if path in seen:
                raise OutputFailed(
                    f"{seen[path]} and {option} name the same file", "give each a path of its own"
                )
            seen[path] = option
            prove_new(path, force=self.force)


def trace_file(path: str | os.PathLike[str], *, outputs: TraceOutputs | None = None) -> TraceReport:
    """Analyse a trace: an `.xplane.pb` file, or the newest run under a logdir.

    Raises UnreadableTrace where there is none, or it cannot be read, and OutputFailed where a
    file cannot be written (before the analysis, if that can be known then).
    """
    outputs = outputs or TraceOutputs()
    outputs.prepare()
    chosen = choose(Path(path))
    trace = read(chosen.file)
    report = trace_report(
        trace,
        file=str(chosen.file),
        file_bytes=chosen.file.stat().st_size,
        notes=chosen.notes,
    )
    if outputs.json is not None:
        write_text(outputs.json, to_json(report), option="--json", force=outputs.force)
    if outputs.html is not None:
        name = outputs.json.name if outputs.json is not None else "trace.json"
        write_page(report, outputs.html, json_name=name, force=outputs.force)
    if outputs.chrome is not None:
        write_operations(trace, outputs.chrome, host=outputs.chrome_host, force=outputs.force)
    return report
