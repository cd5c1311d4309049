"""A launched script cannot tell itself from one started with `python`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.launching import ROOT, Case

pytestmark = pytest.mark.integration

PROBE = """
import json, os, signal, sys, threading
print(json.dumps({
    "name": __name__, "file": __file__, "package": __package__, "argv": sys.argv,
    "orig_argv": sys.orig_argv, "path": sys.path, "cwd": os.getcwd(), "environ": dict(os.environ),
    "flags": str(sys.flags), "isatty": [sys.stdin.isatty(), sys.stdout.isatty()],
    "stdin": sys.stdin.read(), "executable": sys.executable, "pgrp": os.getpgrp(),
    "sitecustomize": str(sys.modules.get("sitecustomize")),
    "usercustomize": str(sys.modules.get("usercustomize")),
    "threads": [str(t.name) for t in threading.enumerate()], "main": sorted(globals()),
    "path_hooks": len(sys.path_hooks),
    "importers": [name for name in sys.path_importer_cache if "launch" in name],
    "excepthook": sys.excepthook is sys.__excepthook__,
    "signals": [str(signal.getsignal(n)) for n in range(1, 32)], "umask": os.umask(0o22),
}, indent=1))
"""

Make = Callable[..., Case]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make_case(files: dict[str, str], **how: Any) -> Case:
        folder = tmp_path / "work"
        for name, source in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
        return Case(folder=folder, **how)

    return make_case


def same(case: Case, **how: Any) -> str:
    """Run both ways; the hooks ran, and nothing that the user sees differs. Standard output."""
    bare = case.bare(**how)
    launched = case.launched(**how)
    assert [event["event"] for event in case.events()][:1] == ["start"], case.events()
    differs_only_here(bare, launched, case)
    return bare.stdout


def differs_only_here(
    bare: subprocess.CompletedProcess[str], launched: subprocess.CompletedProcess[str], case: Case
) -> None:
    assert launched.stderr == bare.stderr
    assert launched.stdout == bare.stdout
    code = bare.returncode
    assert case.ended()["exit_code"] == (code if code >= 0 else 128 - code)
    assert case.ended()["signal"] == (None if code >= 0 else -code)


@pytest.mark.parametrize(
    ("files", "target"),
    [
        (["train.py"], {"script": "train.py"}),
        (["train.py"], {"script": "./../work/train.py"}),
        (["my jobs/the train.py"], {"script": "my jobs/the train.py"}),
        (["app/__main__.py"], {"script": "app"}),
        (["shop/__init__.py", "shop/train.py"], {"module": "shop.train"}),
        (["shop/__init__.py", "shop/__main__.py"], {"module": "shop"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize(
    "environ",
    [{}, {"PYTHONPATH": ""}, {"PYTHONPATH": "lib::/usr/lib/x"}, {"PYTHONSAFEPATH": "1"}],
    ids=["no path", "empty path", "a path", "safe path"],
)
def test_all_that_a_script_can_ask_about_itself_is_as_in_a_bare_run(
    make: Make, files: list[str], target: dict[str, str], environ: dict[str, str]
) -> None:
    if "module" in target and "PYTHONSAFEPATH" in environ:
        environ = {**environ, "PYTHONPATH": "."}
    sources = {name: "" if name.endswith("__init__.py") else PROBE for name in files}
    case = make(sources, **target, environ=environ, arguments=["--lr", "1e-3", "-m", "ä b", ""])
    said = json.loads(same(case, input="some\ninput"))
    assert said["stdin"] == "some\ninput"
    assert said["environ"].get("PYTHONPATH") == environ.get("PYTHONPATH")


def test_additions_to_the_environment_are_seen_and_nothing_else(make: Make) -> None:
    case = make({"train.py": PROBE}, script="train.py", extra={"WANDB_MODE": "disabled"})
    assert json.loads(same(case, input=""))["environ"]["WANDB_MODE"] == "disabled"


SCRIPTS = {
    "neighbours": "import helper, pkg.part\nprint(helper.__file__, pkg.part.__file__)",
    "chdir": "import os, helper\nos.chdir('/')\nimport pkg.part\nprint(os.getcwd(), pkg.__path__)",
    "exit code": "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)",
    "exit message": "raise SystemExit('no data')",
    "traceback": "def f(x):\n    return 1 / x\n\nf(0)\n",
    "chained traceback": "import helper\ntry:\n    {}['a']\nexcept KeyError:\n    import nowhere\n",
    "import that fails": "import faulty\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "aborted": "import os\nos.abort()",
    "warning": "import warnings\nwarnings.warn('old')\n",
    "atexit": "import atexit\natexit.register(print, 'bye')\nprint('hello')",
    "interpreter started": """
        import subprocess, sys
        code = "import os, sys; print(sys.path, dict(os.environ), 'gputune' in sys.modules)"
        print(subprocess.check_output([sys.executable, "-c", code], text=True))
    """,
    "pickle by name": """
        import pickle
        class Point: pass
        print(pickle.dumps(Point), Point.__module__)
    """,
    "source": "import inspect, sys\nprint(inspect.getsource(sys.modules['__main__']))",
    "stdlib neighbour": "import token, helper\nprint(token.__file__)",
    "json neighbour": "import json, inspect\nprint(json.__file__, inspect.__file__)",
    "wrapt neighbour": "import wrapt\nprint(wrapt.__file__)",
    "runs itself again": """
        import os, sys
        if len(sys.argv) == 1:
            os.execv(sys.executable, [sys.executable, __file__, "again"])
        print(dict(os.environ), sys.path, "gputune" in sys.modules)
    """,
}
NEIGHBOURS = {
    "helper.py": "import sys\n",
    "faulty.py": "import helper\nhelper.missing()\n",
    "pkg/__init__.py": "",
    "pkg/part.py": "",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_behaves_as_in_a_bare_run(make: Make, name: str) -> None:
    files = {"train.py": SCRIPTS[name], **NEIGHBOURS}
    word = name.partition(" ")[0]
    if name.endswith("neighbour"):
        files[f"{'token' if word == 'stdlib' else word}.py"] = ""
    same(make(files, script="train.py"))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_are_as_in_a_bare_run(make: Make, method: str) -> None:
    source = """
        import multiprocessing, os, sys
        class Point:
            def __init__(self, x): self.x = x
        def work(point):
            ours = method != "fork" and any(name.startswith("gputune") for name in sys.modules)
            return Point(point.x + 1), dict(os.environ), sys.path, __name__, ours
        method = sys.argv[1]
        if __name__ == "__main__":
            with multiprocessing.get_context(method).Pool(2) as pool:
                for point, environ, path, name, ours in pool.map(work, map(Point, range(3))):
                    print(type(point), point.x, sorted(environ.items()), path, name, ours)
    """
    case = make({"train.py": source}, script="train.py", arguments=[method])
    said = same(case, input="")
    assert said.count("Point") == 3
    assert "GPUTUNE" not in said


@pytest.mark.parametrize(
    "source",
    [
        "import sys; print('theirs', __file__, __name__, sys.path)",
        "raise ValueError('broken by its owner')",
        "import nowhere",
    ],
)
def test_another_sitecustomize_runs_as_if_it_were_the_first(make: Make, source: str) -> None:
    case = make({"train.py": PROBE, "lib/sitecustomize.py": source}, script="train.py")
    case.environ = {"PYTHONPATH": "lib"}
    same(case, input="")


def test_usercustomize_runs_too(make: Make) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    user = f"user/lib/{version}/site-packages/usercustomize.py"
    case = make({"train.py": PROBE, user: "print('usercustomize ran')"}, script="train.py")
    # A virtual environment has no user site.
    case.python = str(Path(sys.base_prefix, "bin", version))
    case.environ = {"PYTHONUSERBASE": str(case.folder / "user")}
    assert "usercustomize ran" in same(case, input="")


def test_a_gputune_of_the_scripts_own_is_what_it_imports(make: Make) -> None:
    files = {
        "train.py": "import gputune\nprint(gputune.__file__, gputune.x)",
        "gputune.py": "x = 1",
    }
    case = make(files, script="train.py")
    differs_only_here(case.bare(), case.launched(), case)
    [event] = case.events()
    assert (event["event"], event["hook"]) == ("hook_disabled", "bootstrap")
    assert "gputune.py" in event["error"]


def test_a_folder_that_is_only_called_gputune_is_no_hindrance(make: Make) -> None:
    case = make({"train.py": "print(1)", "gputune/report.txt": ""}, script="train.py")
    same(case)


@pytest.mark.parametrize(
    "package",
    [
        {},
        {"gputune/__init__.py": "", "gputune/inject/__init__.py": ""},
        {"gputune/__init__.py": "raise SystemExit('no')"},
        {"gputune/__init__.py": "", "gputune/inject/__init__.py": "def start(s): 1 / 0"},
    ],
    ids=["missing", "no start", "exits", "start fails"],
)
def test_a_failure_of_ours_is_one_line_in_the_session_and_the_script_runs_on(
    make: Make, package: dict[str, str]
) -> None:
    case = make({"train.py": PROBE, "lib/sitecustomize.py": "print('theirs')"}, script="train.py")
    case.environ = {"PYTHONPATH": "lib"}
    case.home = case.folder.parent / "home"
    for name, source in package.items():
        path = case.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    differs_only_here(case.bare(input=""), case.launched(input=""), case)
    [event] = case.events()
    assert (event["event"], event["hook"]) == ("hook_disabled", "bootstrap")


def test_a_session_that_cannot_be_written_does_not_stop_the_script(make: Make) -> None:
    case = make({"train.py": PROBE}, script="train.py")
    case.session.events.mkdir(parents=True)
    differs_only_here(case.bare(input=""), case.launched(input=""), case)


def test_the_package_is_found_where_the_parent_has_it_and_its_folder_stays_off_the_path(
    make: Make,
) -> None:
    case = make({"train.py": "import sys\nprint(sys.path)"}, script="train.py")
    case.python = str(Path(sys.base_prefix, "bin", "python3"))  # has no gputune installed
    assert str(ROOT) not in same(case)


@pytest.mark.parametrize(
    "environ", [{"PYTHONDEVMODE": "1"}, {"PYTHONWARNINGS": "error"}, {"PYTHONOPTIMIZE": "2"}]
)
def test_a_stricter_interpreter_says_nothing_about_us(make: Make, environ: dict[str, str]) -> None:
    same(make({"train.py": PROBE}, script="train.py", environ=environ), input="")


def test_the_sessions_log_is_all_that_is_open_besides(make: Make) -> None:
    source = """
        import os
        for name in sorted(os.listdir("/proc/self/fd")):
            try:
                print(os.readlink("/proc/self/fd/" + name).split(":")[0])
            except OSError:  # the folder that was listed, closed again
                pass
    """
    case = make({"train.py": source}, script="train.py")
    bare, launched = (run(input="").stdout.split() for run in (case.bare, case.launched))
    assert sorted([*bare, str(case.session.events)]) == sorted(launched)


def test_an_interpreter_that_cannot_be_started_is_an_error_of_the_call(make: Make) -> None:
    case = make({"train.py": ""}, script="train.py", python="/nowhere/python")
    assert "FileNotFoundError: [Errno 2]" in case.launched().stderr
    assert not case.result.exists()


def test_an_open_file_of_the_shell_reaches_the_script(make: Make) -> None:
    case = make({"train.py": "import os, sys\nprint(os.read(int(sys.argv[1]), 9))"})
    case.script = "train.py"
    for run in (case.bare, case.launched):
        reader, writer = os.pipe()
        case.arguments = [str(reader)]
        os.write(writer, b"from fd")
        os.close(writer)
        assert run(pass_fds=[reader]).stdout == "b'from fd'\n"
        os.close(reader)


def test_standard_output_can_go_to_standard_error(make: Make) -> None:
    case = make({"train.py": "print('hello')"}, script="train.py")
    case.options = {"script_stdout_to_stderr": True}
    run = case.launched()
    assert (run.stdout, run.stderr) == ("", "hello\n")


def test_ticks_come_four_times_a_second_and_usage_is_measured(make: Make) -> None:
    source = (
        "import time\nx = bytearray(64 << 20)\nx[::4096] = b'1' * len(x[::4096])\ntime.sleep(1)"
    )
    case = make({"train.py": source}, script="train.py")
    case.launched()
    ended = case.ended()
    assert 3 <= ended["ticks"] <= 4 * ended["duration_s"] + 2
    assert 1.0 <= ended["duration_s"] < 10
    assert ended["max_rss_bytes"] > 64 << 20
    assert 0 < ended["cpu_s"] < ended["duration_s"] + 1
    assert ended["handlers_restored"]
    assert not ended["interrupted"]


def test_a_failing_tick_is_reported_and_the_script_runs_on(make: Make) -> None:
    case = make({"train.py": "import time\ntime.sleep(0.7)\nprint('done')"}, script="train.py")
    case.tick = "raise OSError('sensor gone')"
    assert case.launched().stdout == "done\n"
    assert case.ended()["tick_error"] == "OSError: sensor gone"
    assert case.ended()["ticks"] == 1
