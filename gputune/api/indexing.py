"""Lists of reports: what a folder holds, and a page that leads to each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from gputune.api.files import write_text
from gputune.api.outputs import OutputFailed
from gputune.api.pages import write_page
from gputune.report.index import Entry, Listed, entries
from gputune.report.index_html import render_index
from gputune.schema.read import UnreadableRecord, read_record


@dataclass(frozen=True)
class Reports:
    """The reports that were found, and the files that are none, each with its reason."""

    listed: tuple[Listed, ...]
    left_out: tuple[str, ...] = ()

    @property
    def entries(self) -> list[Entry]:
        """The list, newest first."""
        return entries(self.listed)


def find_reports(paths: Sequence[str | os.PathLike[str]]) -> Reports:
    """Read reports from files, and from folders with all that lies below them.

    Raises UnreadableRecord for a file that was named and is no report, and where no report is
    found at all; a file in a folder that is none is left out.
    """
    listed: list[Listed] = []
    left_out: list[str] = []
    for path in map(Path, paths):
        if not path.is_dir():
            listed.append(_listed(path))
            continue
        for file in sorted(path.rglob("*.json")):
            try:
                listed.append(_listed(file))
            except UnreadableRecord as error:
                left_out.append(str(error))
    if not listed:
        raise UnreadableRecord(
            f"there is no report in {', '.join(map(str, paths))}",
            "give reports, or a folder that `gputune profile` or `tune` wrote into",
        )
    return Reports(tuple(listed), tuple(left_out))


def write_index(found: Reports, path: Path, *, title: str, force: bool) -> tuple[Path, ...]:
    """Write the index page, and beside each report that has no page the page of it.

    Returns the pages that were made. A page that cannot be made is left out, and its report is
    named without a link. Raises OutputFailed where the index itself cannot be written.
    """
    linked, made = [], []
    for one in found.listed:
        page = Path(one.file).with_suffix(".html")
        if page.absolute() == path.absolute():  # a report named index.json
            linked.append(one)
            continue
        if not page.exists():
            try:
                write_page(one.record, page, json_name=Path(one.file).name, force=False)
                made.append(page)
            except OutputFailed:
                linked.append(one)
                continue
        linked.append(replace(one, link=_address(page, path)))
    text = render_index(entries(linked), title=title, left_out=found.left_out)
    write_text(path, text, option="--html", force=force)
    return tuple(made)


def _listed(file: Path) -> Listed:
    record = read_record(file)
    try:
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        written = datetime.fromtimestamp(0, UTC)
    return Listed(file=str(file), record=record, written=written)


def _address(page: Path, index: Path) -> str:
    """From the index to a page, so that both can be moved together; `./` keeps a colon a name."""
    return "./" + quote(
        os.path.relpath(page, index.parent or "."), safe="/", errors="surrogateescape"
    )
