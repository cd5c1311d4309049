"""`gputune apply`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gputune.cli.console import say
from gputune.cli.failure import WRONG_COMMAND, Failure
from gputune.cli.options import ModuleOption, ScriptArgument, VerboseOption

if TYPE_CHECKING:
    from gputune import api


def apply(
    target: ScriptArgument,
    module: ModuleOption = False,
    config: Annotated[
        Path, typer.Option("--config", metavar="FILE", help="The settings to write.")
    ] = Path("gputune.toml"),
    write: Annotated[
        bool, typer.Option("--write", help="Change the files, without asking.")
    ] = False,
    revert: Annotated[
        bool, typer.Option("--revert", help="Restore the files as they were before.")
    ] = False,
    verbose: VerboseOption = False,
) -> int:
    """Write a configuration into the script's source, where the settings belong.

    On a terminal it shows the changes and asks. Elsewhere it prints a patch that `git apply` takes.
    What cannot be changed safely is listed with its line and the reason. Nothing is run.
    Exit code: 0, 1 where nothing could be changed that had to be, 2 for a wrong command.
    """
    from gputune import api

    if write and revert:
        raise Failure("--write and --revert together", "give one of them", WRONG_COMMAND)
    wanted = api.Target.named(target, module=module)
    try:
        if revert:
            return _revert(api.revert(wanted))
        patch = api.plan_patch(wanted, api.load_config(config))
        _tell(patch)
        if not patch.files:
            return int(any(one.how == "refused" for one in patch.told))
        asks = not write and sys.stdin.isatty() and sys.stdout.isatty()
        if not write:
            sys.stdout.flush()
            sys.stdout.buffer.write(api.diff(patch))
            sys.stdout.flush()
        if write or (asks and _agrees()):
            api.write_patch(wanted, patch)
            names = ", ".join(_shown(file.path) for file in patch.files)
            say(f"changed: {names}")
            say(f"undo: gputune apply --revert {'-m ' if module else ''}{target}")
    except (api.BadConfig, api.BadTarget) as error:
        raise Failure(error.what, error.hint, WRONG_COMMAND) from error
    except api.ApplyFailed as error:
        raise Failure(error.what, error.hint, 1) from error
    return 0


def _agrees() -> bool:
    """Ask on the terminal until there is an answer; no more input is a no. Ctrl-C passes."""
    while True:
        print("Change these files? [y/N]: ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        answer = line.strip().lower()
        if answer in ("y", "yes"):
            return True
        if answer in ("n", "no", ""):
            if not line:
                print(file=sys.stderr)
            say("nothing was changed")
            return False


def _tell(patch: api.Patch) -> None:
    """Say what became of each setting, on standard error: standard output is the patch's."""
    for one in dict.fromkeys(patch.told):
        where = f"{one.where}: " if one.where else ""
        knob = f"{one.knob}: " if one.knob else ""
        kind = {"refused": "not changed: ", "already": "already so: ", "noted": "note: "}
        say(f"{where}{knob}{kind.get(one.how, '')}{one.what}")


def _shown(path: Path) -> str:
    """A path as the user would write it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _revert(reverted: api.Reverted) -> int:
    for path in reverted.restored:
        as_when = "as it was before the last apply" if reverted.more else "as it was before apply"
        say(f"restored: {_shown(path)} ({as_when})")
    for path, reason in reverted.kept:
        say(f"not restored: {_shown(path)}: {reason}")
    if reverted.more and not reverted.kept:
        say("an earlier apply is still in, and what was edited after it: revert again to undo it")
    return int(bool(reverted.kept))
