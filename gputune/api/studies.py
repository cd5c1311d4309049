"""A study's files: the journal of its trials, the profile that it began with, its answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gputune.report.names import clean_name
from gputune.schema.profile import Profile
from gputune.schema.read import UnreadableRecord, read_record
from gputune.schema.study import Identity
from gputune.schema.write import to_json
from gputune.search.confirmation import Run
from gputune.search.storage import Store

CONFIRMATION = "confirmation"


@dataclass(frozen=True)
class StudyFiles:
    """Where a study of one script is kept, in a folder for reports."""

    folder: Path
    name: str

    @property
    def journal(self) -> Path:
        """The trials, an event a line."""
        return self.folder / f"{clean_name(self.name, 'script')}.study.jsonl"

    @property
    def profile(self) -> Path:
        """The profile that the space came from.

        A study that is gone on with needs the same one: another might ask for other knobs.
        """
        return self.journal.with_suffix(".profile.json")

    def read_profile(self, identity: Identity) -> Profile | None:
        """The profile that the study began with; None where there is none of this very script."""
        try:
            found = read_record(self.profile)
        except (UnreadableRecord, OSError):
            return None
        if not isinstance(found, Profile) or found.command.script_sha256 != identity.script_sha256:
            return None
        return found if arguments_of(found) == identity.arguments else None

    def write_profile(self, profile: Profile) -> None:
        """Keep the profile; whole or not at all. Raises OSError."""
        temporary = self.profile.with_suffix(f".{os.getpid()}")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                           encoding="utf-8") as file:  # fmt: skip
                file.write(to_json(profile))
            temporary.replace(self.profile)
        finally:
            with suppress(OSError):
                temporary.unlink()


def newest_profile(
    folder: Path, script_sha256: str | None, arguments: tuple[str, ...]
) -> Profile | None:
    """The newest profile in a folder of this script (its hash) with these arguments, or None."""
    if script_sha256 is None:
        return None
    files = sorted(folder.glob("*.json"), key=_modified, reverse=True)
    for path in files:
        with suppress(UnreadableRecord, OSError):
            found = read_record(path)
            if (
                isinstance(found, Profile)
                and found.command.script_sha256 == script_sha256
                and arguments_of(found) == arguments
                and found.steps is not None
            ):
                return found
    return None


def arguments_of(profile: Profile) -> tuple[str, ...]:
    """The script's own arguments, behind `python SCRIPT` or `python -m MODULE`."""
    argv = profile.command.argv
    return argv[3:] if argv[1:2] == ("-m",) else argv[2:]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def kept_runs(store: Store, arms: Mapping[str, Mapping[str, Any]]) -> tuple[Run, ...]:
    """The confirmation's runs of an earlier session, where it was about these very arms.

    Without those that failed, which are made again: what was wrong may be over.
    """
    kept = store.noted(CONFIRMATION)
    if not kept or kept.get("arms") != _plain(arms):
        return ()
    runs = (Run(**run) for run in kept["runs"])
    return tuple(run for run in runs if run.samples_per_s is not None)


SPENT = "spent_s"


def spent_before(store: Store) -> float:
    """The seconds that earlier sessions of the study took, guard and confirmation included."""
    trials = (t.began_s + t.outcome.duration_s for t in store.tried())
    return max([float(store.noted(SPENT) or 0.0), *trials])


def keep_spent(store: Store, seconds: float) -> None:
    """Write down what the study has taken so far."""
    store.note(SPENT, seconds)


def keep_runs(
    store: Store, arms: Mapping[str, Mapping[str, Any]], runs: tuple[Run, ...]
) -> None:  # fmt: skip
    """Write the confirmation's runs down, as far as they are."""
    body = {"arms": _plain(arms), "runs": [asdict(run) for run in runs]}
    store.note(CONFIRMATION, body)


def _plain(arms: Mapping[str, Mapping[str, Any]]) -> Any:
    return json.loads(json.dumps({name: dict(knobs) for name, knobs in arms.items()}))
