"""The script's files, read for what else depends on its batch size; see `search/batch_uses`."""

from __future__ import annotations

import tokenize
from collections.abc import Iterable
from pathlib import Path

from gputune.knobs.batch_size import KNOB
from gputune.schema.config import Setting, Value
from gputune.schema.profile import Profile
from gputune.schema.site import Site
from gputune.search.batch_uses import OtherUses, other_uses


def other_uses_in(file: Path, line: int) -> OtherUses | None:
    """What else needs the constant of the batching call on this line; None if it cannot be read."""
    try:
        with tokenize.open(file) as source:
            return other_uses(source.read(), line)
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None


def places(file: Path, uses: OtherUses) -> str:
    """The lines in words: `gan.py:52, gan.py:71`."""
    return ", ".join(f"{file.name}:{line}" for line in uses.lines)


def tied(profile: Profile) -> dict[str, str]:
    """Knob -> why it is left out: more in the script depends on the batch size than one call."""
    site, was = _made_at(profile)
    if site is None:
        return {}
    file = Path(site.file)
    uses = other_uses_in(file, site.line)
    if uses is None:
        return {}
    name = "BATCH_SIZE" if uses.name.isdigit() else uses.name
    how = " and give it to both" if uses.name.isdigit() else ""
    return {
        KNOB.name: f"{uses.name} is also used at {places(file, uses)}, which a trial would leave "
        f'as it is: write {name} = gputune.knob("batch_size", {was}){how} to have it searched'
    }


def _made_at(profile: Profile) -> tuple[Site | None, Value]:
    """The call that makes the batches, and its size: for arrays that is `fit` itself."""
    found = KNOB.domain(profile)
    for place in found.places:
        return place.site, place.was
    if profile.pipeline is None or profile.pipeline.source != "arrays":
        return None, None
    return next((fit.site for fit in profile.fits if fit.analysed), None), found.was


def left_as_it_is(settings: Iterable[Setting], source: Path | None) -> tuple[str, ...]:
    """What to say of batch sizes that are put into their call alone while more depends on them.

    `source` is the script's main file, beside which the files of the settings are looked for.
    """
    said = []
    for setting in settings:
        if setting.knob != KNOB.name or setting.site is None:
            continue
        file = (source.parent if source is not None else Path()) / setting.site.file
        uses = other_uses_in(file, setting.site.line)
        if uses is not None and uses.value != setting.value:
            constant = uses.name.isidentifier()
            how = "changes the constant itself" if constant else "says where it is to be changed"
            said.append(
                f"batch_size: {uses.name} is also used at {places(file, uses)}, which keeps its "
                f"old value: `gputune apply` {how}"
            )
    return tuple(said)
