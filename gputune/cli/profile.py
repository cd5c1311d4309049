"""`gputune profile`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gputune.cli.console import Color, say
from gputune.cli.failure import OWN_FAILURE, WRONG_COMMAND, Failure
from gputune.cli.options import (
    ColorOption,
    FolderOption,
    ForceOption,
    HtmlOption,
    JsonOption,
    ModuleOption,
    ScriptArgument,
    ScriptArguments,
    VerboseOption,
)
from gputune.cli.showing import show

if TYPE_CHECKING:
    from gputune.api import Outputs, Result, Target
    from gputune.session.folder import Options

_PHASES = {
    "warmup": "warm-up (tracing, compilation)",
    "clean": "measuring clean steps",
    "held": "measuring steps on a batch held in memory, in turn with real ones",
    "trace": "tracing a few steps",
    "drain": "measuring the input alone",
    "after": "measured; the script runs on to its end",
}


def profile(
    target: ScriptArgument,
    arguments: ScriptArguments = None,
    module: ModuleOption = False,
    full: Annotated[
        bool, typer.Option("--full", help="Let the script run to its end, writing its files.")
    ] = False,
    fit: Annotated[
        int | None,
        typer.Option("--fit", metavar="N", min=1, help="Analyse the Nth fit of the script."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="N", min=1, help="Clean steps to measure.")
    ] = None,
    max_seconds: Annotated[
        float,
        typer.Option(
            "--max-seconds",
            metavar="S",
            min=0.1,
            help="Longest clean phase, and about the longest for the held blocks after it.",
        ),
    ] = 20.0,
    runs: Annotated[
        int,
        typer.Option(
            "--runs",
            metavar="N",
            min=1,
            help="So many fresh processes, a report each, for `gputune compare`.",
        ),
    ] = 1,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Measure under these settings."),
    ] = None,
    folder: FolderOption = None,
    json: JsonOption = None,
    html: HtmlOption = None,
    chrome: Annotated[
        Path | None,
        typer.Option(
            "--chrome", metavar="PATH", help="Write the traced steps there, for Perfetto."
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            "--tensorboard", metavar="LOGDIR", help="Write figures and findings for TensorBoard."
        ),
    ] = None,
    force: ForceOption = False,
    color: ColorOption = Color.AUTO,
    verbose: VerboseOption = False,
) -> int:
    """Measure what a training step costs, and why it waits.

    The script is run as it is, and ended once the measurement is stable; what Keras and
    TensorFlow write meanwhile goes to a scratch folder. With --full it trains to its end.
    Exit code: the script's own, 0 where gputune ended it, 125 for a failure of gputune.
    """
    from gputune import api
    from gputune.session.folder import Options

    to_stdout = json == "-"
    outputs = api.Outputs(
        folder=folder or api.Outputs().folder,
        json=Path(json) if json is not None and not to_stdout else None,
        html=html,
        to_stdout=to_stdout,
        force=force,
        chrome=chrome,
        tensorboard=tensorboard,
    )
    wanted = api.Target.named(target, module=module, arguments=arguments or ())
    options = Options(full=full, fit=fit, steps=steps, max_s=max_seconds)
    if runs > 1:
        return _repeated(wanted, outputs, options, config, runs)
    result = _run(wanted, outputs, options, config)
    _show(result, color, to_stdout=to_stdout)
    return result.exit_code


def _repeated(
    target: Target, outputs: Outputs, options: Options, config: Path | None, runs: int
) -> int:
    """Profile so many times into one folder, which is one side of a comparison."""
    from dataclasses import replace

    if not outputs.uses_folder or outputs.chrome is not None:
        raise Failure("--runs writes a report for each run", "give a folder with -o", WRONG_COMMAND)
    folder = outputs.folder / _folder_name(target)
    results = []
    for number in range(1, runs + 1):
        say(f"gputune: run {number} of {runs}")
        result = _run(target, replace(outputs, folder=folder), options, config)
        steps = result.profile.steps
        if result.exit_code != 0 or steps is None:
            say(f"gputune: run {number} ended with {result.exit_code}; what was measured: {folder}")
            return result.exit_code
        results.append(steps.samples_per_s)
    _say_spread([rate for rate in results if rate is not None])
    say(f"next: gputune compare {_quoted(folder)} AFTER")
    return 0


def _folder_name(target: Target) -> str:
    """A new name for each call: the runs of one command are one side."""
    from datetime import UTC, datetime

    from gputune.report.names import clean_name

    stem = Path(target.name).name.removesuffix(".py")
    return f"{clean_name(stem, 'script')}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-runs"


def _say_spread(rates: list[float]) -> None:
    from gputune.analysis.statistics import ratio_interval
    from gputune.report import figures

    if not rates or min(rates) <= 0:
        return
    # On logarithms, as everywhere: a rate is above zero, and so is its interval.
    found = ratio_interval(rates, [1.0] * len(rates))
    low, high = figures.number(found.low), figures.number(found.high)
    bounds = f", 95 % interval of the mean {low} to {high}" if found.interval else ""
    say(f"gputune: {figures.rate(found.mean, 'samples')} over {len(rates)} processes{bounds}")


def _run(
    target: Target, outputs: Outputs, options: Options, config: Path | None
) -> Result:  # fmt: skip
    from gputune import api

    def on_phase(name: str) -> None:
        if name == "start":
            _announce(full=options.full)
        elif name in _PHASES:
            say(f"gputune: {_PHASES[name]}")

    try:
        settings = None if config is None else api.load_config(config)
        return api.profile(
            target, options=options, outputs=outputs, config=settings, on_phase=on_phase
        )
    except api.BadConfig as error:
        raise Failure(error.what, error.hint, WRONG_COMMAND) from error
    except api.BadTarget as error:
        raise Failure(error.what, error.hint, error.exit_code) from error
    except api.OutputFailed as error:
        raise Failure(error.what, error.hint, OWN_FAILURE) from error


def _announce(*, full: bool) -> None:
    if full:
        say("gputune: the script trains to its end (--full); its files are its own")
    else:
        say(
            "gputune: the script is ended after the measurement, and its checkpoints and logs go "
            "to a scratch folder; --full trains to the end"
        )


def _show(result: Result, color: Color, *, to_stdout: bool) -> None:
    show(result.profile, sys.stderr, color, json_too=to_stdout)
    written = result.written
    if written.toml is not None and result.config is not None:
        proposed = len(result.config.tf_data) + len(result.config.policy)
        what = f"{proposed} settings to try, not yet measured" if proposed else "nothing to set"
        say(f"first configuration ({what}): {written.toml}, {written.snippet}")
    if written.html is not None:
        say(f"page: {written.html}")
    if written.chrome is not None:
        say(f"for Perfetto: {written.chrome}")
    elif written.no_chrome:
        say(f"gputune: no file for Perfetto: {written.no_chrome}")
    if written.tensorboard is not None:
        say(f"for TensorBoard: tensorboard --logdir {_quoted(written.tensorboard.parent.parent)}")
    if written.json is not None:
        say(f"next: gputune report {_quoted(written.json)}")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
