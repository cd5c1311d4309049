"""Which edit of a knob is made where: one setting after another."""

from __future__ import annotations

from collections.abc import Iterable

from gputune.knobs.knob import InsertCall, SetArgument, SetEnvironment, SetOption, SetPolicy
from gputune.knobs.registry import knob_of
from gputune.rewrite.patch.arguments import set_arguments
from gputune.rewrite.patch.declared import set_declared
from gputune.rewrite.patch.pipeline import insert_call
from gputune.rewrite.patch.plan import REFUSED, Plan, Refused, Told
from gputune.rewrite.patch.source import stage_method
from gputune.rewrite.patch.sources import Sources
from gputune.rewrite.patch.statements import set_environment, set_option, set_policy
from gputune.schema.config import Setting


def plan(sources: Sources, settings: Iterable[Setting]) -> Plan:
    """Find what each setting changes. Nothing is changed yet."""
    made = Plan(sources, tuple(settings))
    for setting in made.settings:
        try:
            _of(made, setting)
        except Refused as why:
            place = why.where or (setting.site.label() if setting.site else "")
            made.told.append(Told(knob=setting.knob, how=REFUSED, where=place, what=str(why)))
    return made


def _of(made: Plan, setting: Setting) -> None:
    edits = knob_of(setting).edits
    if not edits:
        raise Refused("no argument sets it: the function has to be written anew, by hand")
    if any(isinstance(edit, SetArgument) and edit.named for edit in edits):
        set_declared(made, setting)
        return
    if any(isinstance(edit, SetEnvironment) for edit in edits):
        set_environment(made, setting)
        return
    of_calls = [edit for edit in edits if isinstance(edit, SetArgument)]
    options = [edit for edit in edits if isinstance(edit, SetOption)]
    if of_calls and options:  # of one call where its line is known, else of the whole pipeline
        own = stage_method(setting.stage)
        of_one = setting.site is not None and (not own or own in [e.method for e in of_calls])
        of_calls, options = (of_calls, []) if of_one else ([], options)
    for edit in edits:
        if isinstance(edit, SetPolicy):
            set_policy(made, setting)
        elif isinstance(edit, InsertCall):
            insert_call(made, setting, edit)
    for option in options:
        set_option(made, setting, option.option)
    if of_calls:
        set_arguments(made, setting, of_calls)
