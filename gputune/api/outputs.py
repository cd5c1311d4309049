"""Where a profile is written: prepared before the run, so that no measurement is lost."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gputune.report.html import render_html
from gputune.report.names import report_name
from gputune.rewrite.snippet import config_to_snippet
from gputune.rewrite.toml import config_to_toml
from gputune.schema.config import Config
from gputune.schema.profile import Profile
from gputune.schema.write import to_json

DEFAULT_FOLDER = Path("gputune-reports")


class OutputFailed(Exception):
    """A report that cannot be written; `hint` says what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class Written:
    """The files that were written; None for what was not asked for."""

    json: Path | None = None
    html: Path | None = None
    toml: Path | None = None
    snippet: Path | None = None
    chrome: Path | None = None
    no_chrome: str = ""
    """Why no trace was written, where one was asked for."""
    tensorboard: Path | None = None


@dataclass(frozen=True)
class Outputs:
    """What is written where.

    Without `json`, `html` and `to_stdout` everything goes to `folder`, under names that carry
    script, time, host and process, so that the ranks of one job do not meet. `force` allows
    files that exist to be overwritten.
    """

    folder: Path = DEFAULT_FOLDER
    json: Path | None = None
    html: Path | None = None
    to_stdout: bool = False
    force: bool = False
    chrome: Path | None = None
    """Where the traced steps go for Perfetto, beside all that."""
    tensorboard: Path | None = None
    """The log folder of TensorBoard that gets a run of its own."""

    @property
    def uses_folder(self) -> bool:
        """Whether the files go to the folder, under names of their own."""
        return self.json is None and self.html is None and not self.to_stdout

    def prepare(self) -> None:
        """Prove that the files can be written; raises OutputFailed before anything has run."""
        if self.uses_folder:
            prove_writable(self.folder)
        prove_free((self.json, self.html, self.chrome), force=self.force)
        if self.tensorboard is not None:
            prove_writable(self.tensorboard)

    def write(self, profile: Profile, config: Config | None, script: str) -> Written:
        """Write the files; raises OutputFailed, after the JSON was saved elsewhere, if it can."""
        text = to_json(profile)
        try:
            return self._write(profile, config, script, text)
        except OSError as error:
            raise OutputFailed(
                f"the report could not be written: {error.strerror or error}", rescue(text)
            ) from error

    def _write(self, profile: Profile, config: Config | None, script: str, text: str) -> Written:
        if not self.uses_folder:
            if self.json is not None:
                write_file(self.json, text, force=self.force)
            if self.html is not None:
                name = self.json.name if self.json is not None else "profile.json"
                write_file(self.html, render_html(profile, json_name=name), force=self.force)
            return Written(json=self.json, html=self.html)
        when = datetime.now(UTC)

        def path(suffix: str) -> Path:
            return self.folder / report_name(
                script, when=when, host=socket.gethostname(), pid=os.getpid(), suffix=suffix
            )

        json_path, html_path = path(".json"), path(".html")
        write_file(json_path, text, force=self.force)
        write_file(html_path, render_html(profile, json_name=json_path.name), force=self.force)
        if config is None:
            return Written(json=json_path, html=html_path)
        toml_path, snippet_path = path(".gputune.toml"), path(".snippet.py")
        write_file(toml_path, config_to_toml(config), force=self.force)
        write_file(snippet_path, config_to_snippet(config), force=self.force)
        return Written(json=json_path, html=html_path, toml=toml_path, snippet=snippet_path)


def prove_free(paths: Sequence[Path | None], *, force: bool) -> None:
    """Prove that the JSON and the page can be written there; raises OutputFailed."""
    wanted = [path for path in paths if path is not None]
    if len(set(wanted)) < len(wanted):
        raise OutputFailed("two options name the same file", "give each a path of its own")
    for path in wanted:
        if path.is_dir():
            raise OutputFailed(f"{path} is a folder", "give the path of a file")
        if path.exists() and not force:
            raise OutputFailed(
                f"{path} exists already", "give another path, or --force to overwrite it"
            )
        prove_writable(path.parent)


def prove_writable(folder: Path) -> None:
    """Prove that a file can be written there, the folder made if need be; or OutputFailed."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            # A full disk takes an empty file and refuses the first block.
            file.write(b"\0" * 65536)
            file.flush()
    except OSError as error:
        raise OutputFailed(
            f"cannot write to {folder}: {error.strerror or error}",
            "give another folder with -o, or another path with --json",
        ) from error


def write_file(path: Path, text: str, *, force: bool) -> None:
    """Write a file for its owner alone; raises FileExistsError unless `force`."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    # For the owner alone: a report names paths, arguments and source lines.
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), 0o600)  # also of a file that is overwritten
        file.write(text)


def rescue(text: str) -> str:
    """Save a record that could not be written where it should be; what to tell the user."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="gputune-", suffix=".json", delete=False
        ) as file:
            file.write(text)
        return f"what was measured is in {file.name}"
    except OSError:
        return "make room on the disk and run it again"
