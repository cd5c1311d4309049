"""Where a study's answer is written."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
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
from gputune.schema.read import UnreadableRecord, read_record
from gputune.schema.study import Identity, Study
from gputune.schema.write import to_json
from gputune.search.storage import differences

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
    may_overwrite: bool = False
    """Set by `prepare`: whether the JSON and the page that are there may go."""

    def prepare(self, identity: Identity | None = None) -> StudyOutputs:
        """These outputs, once it is proved that they can be written; raises OutputFailed if not.

        The earlier answer of the same study, by its `identity`, is overwritten: the same command
        goes on with a study.
        """
        prove_writable(self.folder)
        prove_writable(self.config.parent)
        paths = [path for path in (self.json, self.html) if path is not None and path.is_file()]
        ours = identity is not None and all(_is_answer_of(path, identity) for path in paths)
        found = replace(self, may_overwrite=self.force or (bool(paths) and ours))
        prove_free((self.json, self.html), force=found.may_overwrite)
        return found

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
            write_file(json_path, text, force=self.may_overwrite)
        if html_path is not None:
            name = json_path.name if json_path is not None else "study.json"
            write_file(
                html_path, render_study_page(study, json_name=name), force=self.may_overwrite
            )
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


def _is_answer_of(path: Path, identity: Identity) -> bool:
    """Whether the JSON, or the page, is an answer of a study of this very script and command."""
    try:
        found = read_record(path)
    except (UnreadableRecord, OSError):
        return _is_page_of(path, identity)
    if not isinstance(found, Study):
        return False
    return not differences(
        found.identity, replace(identity, space_sha256=found.identity.space_sha256)
    )


def _is_page_of(path: Path, identity: Identity) -> bool:
    """A page has its record in it; of that the script's hash is enough."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return Study.SCHEMA in text and bool(identity.script_sha256) and identity.script_sha256 in text
