"""Keep what a stage made in the first epoch for all others."""

from __future__ import annotations

from gputune.knobs.knob import NONE, Domain, InsertCall, Knob, Place, Takes
from gputune.knobs.places import has_pipeline, mixes_elements, stage_at
from gputune.schema.config import Setting
from gputune.schema.profile import Profile
from gputune.schema.training import Repetition

MEMORY = "memory"
FILE = "./gputune-cache"
"""A file cache outlives the run: the user finds it beside the script, under this name."""


def first_values(profile: Profile) -> tuple[Setting, ...]:
    """A cache in memory behind the stage that a finding names, which repeats and surely fits."""
    fitting = {r.site: r.label for r in profile.repetitions if r.fits and _stays_mixed(profile, r)}
    return tuple(
        Setting(
            knob="cache",
            value=MEMORY,
            site=finding.site,
            note=finding.remedy,
            stage=fitting[finding.site],
        )
        for finding in profile.findings
        if finding.id == "no-cache" and finding.site is not None and finding.site in fitting
    )


def domain(profile: Profile) -> Domain:
    """None, memory, or a file, behind each stage whose elements were seen to repeat.

    Memory only where all of them fit; a file only where they do not.
    """
    if not has_pipeline(profile):
        return Domain(reason="the training is not fed by a tf.data pipeline")
    was = profile.setting("cache")
    if was is not None:
        return Domain(was=was, reason="the pipeline has a cache already")
    if not profile.repetitions:
        return Domain(reason="no stage was looked at for elements that come again")
    seen = [r for r in profile.repetitions if r.repeats and r.site is not None]
    if not seen:
        return Domain(reason="no stage was seen to give the same elements in every epoch")
    mixed = [r for r in seen if _stays_mixed(profile, r)]
    if not mixed:
        return Domain(
            reason="files come in random order, and no .shuffle mixes what is in them: a cache "
            "would keep one order for all epochs"
        )
    known = [r for r in mixed if r.fits is not None]
    if not known:
        return Domain(reason="how much memory a cache would take is not known")
    fitting = [r for r in known if r.fits]
    values = (NONE, MEMORY) if fitting else (NONE, FILE)
    places = tuple(
        Place(site=r.site, stage=r.label or stage_at(profile, r.site), was=NONE)
        for r in fitting or known
        if r.site is not None
    )
    return Domain(values=values, was=NONE, places=places)


def _stays_mixed(profile: Profile, seen: Repetition) -> bool:
    """Whether the elements come in another order each epoch with the cache, if they do without."""
    return seen.in_order is not False or mixes_elements(profile, seen.label, seen.site)


KNOB = Knob(
    name="cache",
    table="tf_data",
    takes_effect="pipeline",
    changes="order",
    takes=Takes(words=(MEMORY, NONE), path=True),
    addresses=("no-cache", "input-bound"),
    edits=(
        InsertCall(
            method="cache",
            argument="filename",
            place="behind",
            words=((MEMORY, ""),),
            absent=NONE,
            # A shuffle above a cache would be frozen in the first epoch's order, and an endless
            # repeat would fill the cache without end.
            moves=("shuffle", "repeat"),
        ),
    ),
    domain=domain,
    first_values=first_values,
    needs_site=True,
)
