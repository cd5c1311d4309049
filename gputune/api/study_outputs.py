"""Where a study's answer is written."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gputune.api.outputs import (
    DEFAULT_FOLDER,
    OutputFailed,
    prove_free,
    prove_writable,
    rescue,
    write_file,
)
from gputune.report.names import report_name
from gputune.report.study_html import render_study_page
from gputune.rewrite.toml import config_to_toml
from gputune.schema.config import Config
from gputune.schema.study import Study
from gputune.schema.write import to_json

DEFAULT_CONFIG = Path("gputune.toml")


@dataclass(frozen=True)
class StudyWritten:
    """The files that were written; None for what was not."""

    json: Path | None = None
    html: Path | None = None
    toml: Path | None = None


@dataclass(frozen=True)
class StudyOutputs:
    """What is written where; the journal of the trials is always in `folder`.

    The recommended configuration goes to `config`, since `gputune run` looks for it there; one
    that lies there already is kept under another name, unless `force`.
    """

    folder: Path = DEFAULT_FOLDER
    json: Path | None = None
    html: Path | None = None
    config: Path = DEFAULT_CONFIG
    to_stdout: bool = False
    force: bool = False

    def prepare(self) -> None:
        """Prove that the files can be written; raises OutputFailed before anything has run."""
        prove_writable(self.folder)
        prove_writable(self.config.parent)
        prove_free((self.json, self.html), force=self.force)

    def write(self, study: Study, config: Config | None, script: str) -> StudyWritten:
        """Write the files; raises OutputFailed, after the JSON was saved elsewhere, if it can."""
        text = to_json(study)
        try:
            return self._write(study, config, script, text)
        except OSError as error:
            raise OutputFailed(
                f"the study could not be written: {error.strerror or error}", rescue(text)
            ) from error

    def _write(self, study: Study, config: Config | None, script: str, text: str) -> StudyWritten:
        toml = self._write_config(config) if config is not None else None
        when = datetime.now(UTC)

        def path(suffix: str) -> Path:
            return self.folder / report_name(
                script, when=when, host=socket.gethostname(), pid=os.getpid(), suffix=suffix
            )

        named = self.json is not None or self.html is not None or self.to_stdout
        json_path = self.json if named else path(".study.json")
        html_path = self.html if named else path(".study.html")
        if json_path is not None:
            write_file(json_path, text, force=self.force)
        if html_path is not None:
            name = json_path.name if json_path is not None else "study.json"
            write_file(html_path, render_study_page(study, json_name=name), force=self.force)
        return StudyWritten(json=json_path, html=html_path, toml=toml)

    def _write_config(self, config: Config) -> Path:
        text = config_to_toml(config)
        for number in range(1000):
            path = self.config if not number else self.config.with_suffix(f".{number}.toml")
            try:
                write_file(path, text, force=self.force)
            except FileExistsError:
                continue
            return path
        raise OSError(f"there are too many files like {self.config}")
