"""Where a check's report is written: prepared before the run, so that no finding is lost."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gputune.api.check_exporting import write_check_tensorboard
from gputune.api.outputs import (
    DEFAULT_FOLDER,
    OutputFailed,
    prove_free,
    prove_writable,
    rescue,
    write_file,
)
from gputune.report.check_html import render_check_page
from gputune.report.names import report_name
from gputune.schema.check import CheckReport
from gputune.schema.write import to_json


@dataclass(frozen=True)
class CheckWritten:
    """The files that were written; None for what was not asked for."""

    json: Path | None = None
    html: Path | None = None
    tensorboard: Path | None = None


@dataclass(frozen=True)
class CheckOutputs:
    """What is written where, as `Outputs` of a profile has it."""

    folder: Path = DEFAULT_FOLDER
    json: Path | None = None
    html: Path | None = None
    to_stdout: bool = False
    force: bool = False
    tensorboard: Path | None = None
    """The log folder of TensorBoard that gets a run of its own, beside all that."""

    @property
    def uses_folder(self) -> bool:
        """Whether the files go to the folder, under names of their own."""
        return self.json is None and self.html is None and not self.to_stdout

    def prepare(self) -> None:
        """Prove that the files can be written; raises OutputFailed before anything has run."""
        if self.uses_folder:
            prove_writable(self.folder)
        prove_free((self.json, self.html), force=self.force)
        if self.tensorboard is not None:
            prove_writable(self.tensorboard)

    def write(self, report: CheckReport, script: str) -> CheckWritten:
        """Write the files; raises OutputFailed, after the JSON was saved elsewhere, if it can."""
        text = to_json(report)
        json, html = self._paths(script)
        try:
            if json is not None:
                write_file(json, text, force=self.force)
            if html is not None:
                name = json.name if json is not None else "check.json"
                write_file(html, render_check_page(report, json_name=name), force=self.force)
        except OSError as error:
            raise OutputFailed(
                f"the report could not be written: {error.strerror or error}", rescue(text)
            ) from error
        events = None
        if self.tensorboard is not None:
            events = write_check_tensorboard(report, self.tensorboard)
        return CheckWritten(json=json, html=html, tensorboard=events)

    def _paths(self, script: str) -> tuple[Path | None, Path | None]:
        if not self.uses_folder:
            return self.json, self.html
        when = datetime.now(UTC)
        json, html = (
            self.folder / report_name(
                f"{script}-check", when=when, host=socket.gethostname(), pid=os.getpid(),
                suffix=suffix,
            )
            for suffix in (".json", ".html")
        )  # fmt: skip
        return json, html
