"""The program: its commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

import gputune
from gputune.cli.apply import apply
from gputune.cli.check import check
from gputune.cli.compare import compare
from gputune.cli.doctor import doctor
from gputune.cli.failure import OWN_FAILURE, Failure, report_crash
from gputune.cli.profile import profile
from gputune.cli.report import report
from gputune.cli.run import run
from gputune.cli.snippet import snippet
from gputune.cli.trace import trace
from gputune.cli.tune import tune

_P = ParamSpec("_P")
_INTERRUPTED = 130


def _exits(command: Callable[_P, int]) -> Callable[_P, None]:
    """Make the command's return value the exit code, and its errors words; see `failure`."""

    @functools.wraps(command)
    def ended(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except KeyboardInterrupt:
            code = _INTERRUPTED
        except Failure as failure:
            failure.show()
            code = failure.exit_code
        except BrokenPipeError:
            # Somebody closed the pipe that was written to (`| head`): nothing more to say.
            sys.stderr.close()
            code = OWN_FAILURE
        except Exception as error:  # the one error boundary: what is left is gputune's own failure
            code = report_crash(error, verbose=bool(kwargs.get("verbose")))
        raise typer.Exit(code)

    return ended


app = typer.Typer(
    name="gputune",
    help="Find out why a TensorFlow/Keras training waits, and end the waiting.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_HELP = ["-h", "--help"]
# gputune's options end at the script's path: everything behind it is the script's, verbatim.
_SCRIPT = {"allow_interspersed_args": False, "help_option_names": _HELP}
app.command(context_settings=_SCRIPT)(_exits(profile))
app.command(context_settings=_SCRIPT)(_exits(tune))
app.command(context_settings=_SCRIPT)(_exits(run))
app.command(context_settings=_SCRIPT)(_exits(check))
app.command(context_settings={"help_option_names": _HELP})(_exits(apply))
app.command(context_settings={"help_option_names": _HELP})(_exits(snippet))
app.command(context_settings={"help_option_names": _HELP})(_exits(trace))
app.command(context_settings={"help_option_names": _HELP})(_exits(report))
app.command(context_settings={"help_option_names": _HELP})(_exits(compare))
app.command(context_settings={"help_option_names": _HELP})(_exits(doctor))


def _version(value: bool) -> None:
    if value:
        typer.echo(f"gputune {gputune.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    2 is a wrong command line, 125 gputune's own failure; the commands say what else they return.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        # Typer's own errors (a wrong option, a command that does not exist) end here, with 2.
        app(given, prog_name="gputune")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OWN_FAILURE
    return 0
