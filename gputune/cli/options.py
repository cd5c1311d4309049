"""The arguments and options that several commands share: one wording, one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gputune.cli.console import Color

ScriptArgument = Annotated[
    str, typer.Argument(metavar="SCRIPT", help="The script, or with -m the module.")
]
ScriptArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="ARGS", help="The script's own arguments, verbatim."),
]
ModuleOption = Annotated[bool, typer.Option("-m", help="SCRIPT is a module, as in python -m.")]
FolderOption = Annotated[
    Path | None, typer.Option("-o", metavar="DIR", help="Folder for the reports.")
]
JsonOption = Annotated[
    str | None, typer.Option("--json", metavar="PATH|-", help="Write the JSON there.")
]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="PATH", help="Write the page there.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
ForceOneOption = Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")]
ColorOption = Annotated[Color, typer.Option("--color", help="Colour on the terminal.")]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", help="Tracebacks of gputune's own errors.")
]
