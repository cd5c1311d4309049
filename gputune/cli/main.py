"""The program: its commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated

import click
import typer

import gputune
from gputune.cli.failure import OWN_FAILURE, Failure, report_crash
from gputune.cli.profile import profile
from gputune.cli.report import report

app = typer.Typer(
    name="gputune",
    help="Find out why a TensorFlow/Keras training waits, and end the waiting.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

# gputune's options end at the script's path: everything behind it is the script's, verbatim.
_SCRIPT = {"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]}
app.command(context_settings=_SCRIPT)(profile)
app.command(context_settings={"help_option_names": ["-h", "--help"]})(report)


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
        code = app(given, standalone_mode=False, prog_name="gputune")
        return int(code or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Failure as failure:
        failure.show()
        return failure.exit_code
    except BrokenPipeError:
        # Somebody closed the pipe that was written to (`| head`): nothing more to say.
        sys.stderr.close()
        return OWN_FAILURE
    except Exception as error:  # the one error boundary: whatever is left is gputune's own failure
        return report_crash(error, verbose="--verbose" in given)
