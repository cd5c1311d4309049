"""Runs a command bare, and through `launch` in a process of its own; compares nothing itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gputune.session.folder import Options, SessionFolder
from gputune.session.log import read_events

ROOT = Path(__file__).resolve().parents[2]

# Gets the child's environment as an argument: PYTHONPATH and its like must not bear on the parent.
DRIVER = """
import json, sys
from pathlib import Path
job = json.loads(sys.argv[1])
sys.path[:] = [p for p in sys.path if p] + [job["root"]]
from dataclasses import asdict
from gputune.launch.child import launch
from gputune.launch.command import Target
from gputune.session.folder import SessionFolder
import signal
def state():
    return [str(signal.getsignal(n)) for n in (1, 2, 10, 15, 17)]
before = state()
target = Target(script=job["script"], module=job["module"], arguments=tuple(job["arguments"]))
ticks = []
def tick():
    ticks.append(1)
    exec(job["tick"])
if job["home"]:
    job["options"]["home"] = Path(job["home"])
ended = launch(
    target, SessionFolder(Path(job["session"])), extra_environment=job["extra"], on_tick=tick,
    python=job["python"], environ=job["environ"], **job["options"],
)
Path(job["result"]).write_text(json.dumps(
    {**asdict(ended), "ticks": len(ticks), "handlers_restored": before == state()}
))
"""


@dataclass(kw_only=True)
class Case:
    """A command to run in a folder, and how."""

    folder: Path
    script: str | None = None
    module: str | None = None
    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    home: Path | None = None
    tick: str = ""
    full: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def session(self) -> SessionFolder:
        return SessionFolder(self.folder.parent / "session")

    @property
    def result(self) -> Path:
        return self.folder.parent / "result.json"

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **self.environ}

    def bare_command(self) -> list[str]:
        target = ["-m", self.module] if self.module else [str(self.script)]
        return [self.python, *target, *self.arguments]

    def launched_command(self) -> list[str]:
        self.session.create(Options(full=self.full))
        self.result.unlink(missing_ok=True)
        job = {
            "script": self.script,
            "module": self.module,
            "arguments": list(self.arguments),
            "session": str(self.session.root),
            "result": str(self.result),
            "extra": dict(self.extra),
            "python": self.python,
            "home": str(self.home) if self.home else None,
            "tick": self.tick,
            "root": str(ROOT),
            "environ": self.environment(),
            "options": dict(self.options),
        }
        return [sys.executable, "-P", "-c", DRIVER, json.dumps(job)]

    def bare(self, **how: Any) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment(), **self.extra}
        return self._run(self.bare_command(), environment, how)

    def launched(self, **how: Any) -> subprocess.CompletedProcess[str]:
        return self._run(self.launched_command(), None, how)

    def start(self, **how: Any) -> subprocess.Popen[str]:
        """The launched run, not waited for; its standard output is a pipe."""
        return subprocess.Popen(
            self.launched_command(),
            cwd=self.folder,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how},
        )

    def ended(self) -> dict[str, Any]:
        """What `launch` returned, with how often it ticked."""
        result: dict[str, Any] = json.loads(self.result.read_text())
        return result

    def events(self) -> list[dict[str, Any]]:
        return list(read_events(self.session.events))

    def _run(
        self, command: list[str], environment: dict[str, str] | None, how: dict[str, Any]
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **how,
        )
