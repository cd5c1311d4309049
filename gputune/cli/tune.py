"""`gputune tune`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gputune.cli.console import Color, needs_ascii, say, wants_color
from gputune.cli.failure import OWN_FAILURE, WRONG_COMMAND, Failure
from gputune.cli.options import (
    ColorOption,
    ForceOption,
    HtmlOption,
    JsonOption,
    ModuleOption,
    ScriptArgument,
    ScriptArguments,
    VerboseOption,
)
from gputune.cli.showing import show
from gputune.cli.stopping import Stopping

if TYPE_CHECKING:
    from gputune.api import StudyOutputs, Target, Tuned, TuneOptions
    from gputune.schema.profile import Profile

_INTERRUPTED = 130
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def tune(
    target: ScriptArgument,
    arguments: ScriptArguments = None,
    module: ModuleOption = False,
    knobs: Annotated[
        str | None,
        typer.Option("--knobs", metavar="A,B,C", help="Search these knobs and no others."),
    ] = None,
    exclude: Annotated[
        str | None, typer.Option("--exclude", metavar="A,B", help="Never touch these knobs.")
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option("--fix", metavar="KNOB=VALUE", help="Hold a knob; may be repeated."),
    ] = None,
    max_batch_size: Annotated[
        int | None, typer.Option("--max-batch-size", metavar="N", min=1, help="No larger batch.")
    ] = None,
    same_batch: Annotated[
        bool, typer.Option("--same-batch", help="Leave the batch size as the script has it.")
    ] = False,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", min=1, help="At most so many (25).")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="10m", help="Time for everything: 90s, 10m, 2h (15m)."),
    ] = None,
    objective: Annotated[
        Literal["throughput", "energy", "memory"],
        typer.Option("--objective", help="Samples/s, joules a sample, or peak memory."),
    ] = "throughput",
    head_room: Annotated[
        float,
        typer.Option(
            "--head-room",
            metavar="F",
            min=0.0,
            max=0.9,
            help="The fraction of memory that stays free.",
        ),
    ] = 0.10,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of the search alone.")] = 0,
    fit: Annotated[
        int | None, typer.Option("--fit", metavar="N", min=1, help="Tune the Nth training.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would be done, and run nothing.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew; an earlier study is kept beside it.")
    ] = False,
    profile: Annotated[
        Path | None,
        typer.Option("--profile", metavar="JSON", help="A profile of this script, to begin with."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings that are tried first."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("-o", metavar="DIR", help="Folder for the study and reports.")
    ] = None,
    toml: Annotated[
        Path | None,
        typer.Option(
            "--toml", metavar="PATH", help="Write the settings there, not to gputune.toml."
        ),
    ] = None,
    json: JsonOption = None,
    html: HtmlOption = None,
    force: ForceOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Search for faster settings, and confirm them in fresh processes.

    The script is started many times for a few seconds, in dry mode: what Keras and TensorFlow
    write goes to a scratch folder. One Ctrl-C lets the running trial end and keeps everything;
    the same command goes on. Exit code: 0 for an answer («no gain worth having» is one), 130 after
    Ctrl-C, 2 for a wrong command, 1 for a script that fails as it is, 125 for a failure of gputune.
    """
    from gputune import api

    to_stdout = json == "-"
    outputs = api.StudyOutputs(
        folder=folder or api.StudyOutputs().folder,
        json=Path(json) if json is not None and not to_stdout else None,
        html=html,
        config=toml or api.StudyOutputs().config,
        to_stdout=to_stdout,
        force=force,
    )
    wanted = api.Target.named(target, module=module, arguments=arguments or ())
    try:
        options = api.TuneOptions(
            choice=api.Choice(
                knobs=None if knobs is None else _names(knobs),
                exclude=() if exclude is None else _names(exclude),
                fix=_fixed(fix or []),
                max_batch_size=max_batch_size,
                same_batch=same_batch,
            ),
            trials=trials,
            budget_s=None if budget is None else seconds(budget),
            objective=objective,
            seed=seed,
            fresh=fresh,
            head_room_fraction=head_room,
            fit=fit,
            start=None if config is None else api.load_config(config),
        )
        known = _profile(profile)
        if plan:
            return _plan(wanted, known, options, outputs)
        tuned = _tune(wanted, options, outputs, known, color)
    except (api.BadConfig, api.BadChoice) as error:
        what = getattr(error, "what", str(error))
        raise Failure(what, error.hint, WRONG_COMMAND) from error
    except api.UnreadableRecord as error:
        raise Failure(str(error), getattr(error, "hint", ""), WRONG_COMMAND) from error
    except api.BadTarget as error:
        raise Failure(error.what, error.hint, error.exit_code) from error
    except api.BaselineFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    except api.StudyUnusable as error:
        raise Failure(str(error), error.hint, WRONG_COMMAND) from error
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, OWN_FAILURE) from error
    _show(tuned, color, to_stdout=to_stdout)
    return _INTERRUPTED if tuned.interrupted else 1 if tuned.failed else 0


def _tune(
    wanted: Target, options: TuneOptions, outputs: StudyOutputs, profile: Profile | None,
    color: Color,
) -> Tuned:  # fmt: skip
    from gputune import api
    from gputune.report.live import LiveStudy

    stream = sys.stderr
    with ExitStack() as stack:
        budget = options.budget
        live = stack.enter_context(
            LiveStudy(
                stream, color=wants_color(color, stream), ascii_only=needs_ascii(stream),
                total_trials=budget.trials, budget_s=budget.total_s,
            )
        )  # fmt: skip
        stopping = stack.enter_context(Stopping(live.on_note))
        return api.tune(
            wanted, options=options, outputs=outputs, profile=profile,
            progress=api.Progress(
                on_note=live.on_note, on_space=live.on_space, on_kept=live.on_kept,
                on_begin=live.on_begin, on_trial=live.on_trial,
                should_stop=lambda: stopping.asked,
            ),
        )  # fmt: skip


def _plan(
    wanted: Target, profile: Profile | None, options: TuneOptions, outputs: StudyOutputs
) -> int:
    from gputune import api

    found = profile or api.known_profile(wanted, outputs.folder)
    if found is None:
        raise Failure(
            f"there is no profile of {wanted.name} yet, and a plan runs nothing",
            "make one with gputune profile, or give one with --profile",
            WRONG_COMMAND,
        )
    for line in api.plan_study(found, options).lines:
        print(line)
    return 0


def _show(tuned: Tuned, color: Color, *, to_stdout: bool) -> None:
    show(
        tuned.study, sys.stderr, color, json_too=to_stdout,
        config=str(tuned.written.toml or "gputune.toml"),
    )  # fmt: skip
    written = tuned.written
    if written.toml is not None:
        say(f"configuration: {written.toml}")
    if written.html is not None:
        say(f"page: {written.html}")
    if written.json is not None:
        say(f"study: {written.json}")


def seconds(text: str) -> float:
    """`90`, `90s`, `10m`, `1.5h` in seconds; raises Failure for anything else."""
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "s")
    try:
        found = float(number) * _UNITS[unit]
    except (KeyError, ValueError):
        found = 0.0
    if not 1 <= found < float("inf"):
        raise Failure(
            f"--budget {text!r} is no time", "write it as 90s, 10m or 2h", WRONG_COMMAND
        )  # fmt: skip
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _fixed(given: list[str]) -> dict[str, str | int | float | bool | None]:
    from gputune import api

    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise Failure(
                f"--fix {one!r} is no knob with a value", "write it as --fix batch_size=64",
                WRONG_COMMAND,
            )  # fmt: skip
        found[name.strip()] = api.parse_value(value.strip())
    return found


def _profile(path: Path | None) -> Profile | None:
    from gputune import api
    from gputune.schema.profile import Profile

    if path is None:
        return None
    found = api.load(path)
    if not isinstance(found, Profile):
        raise Failure(
            f"{path} is no profile", "give the JSON that gputune profile wrote", WRONG_COMMAND
        )  # fmt: skip
    return found
