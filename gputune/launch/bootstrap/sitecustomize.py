"""The first thing that runs in the user's process; gone again before the script begins.

The parent puts this folder first on PYTHONPATH. `site` imports this file as `sitecustomize`
before the interpreter puts the script's folder on `sys.path`, so nothing of the user's can shadow
what is imported here. It puts the environment and `sys.path` back as they would be without
gputune, starts the hooks, and hands over to the `sitecustomize` that would have run instead.

Nothing here may raise: a failure of ours is one line in the session, and the script runs on.
Only KeyboardInterrupt passes, as it would from any import at the start of a bare interpreter.
"""

import os
import sys

_SESSION = "GPUTUNE_SESSION"
_HOME = "GPUTUNE_HOME"
_PYTHONPATH = "GPUTUNE_PYTHONPATH"


def _put_back(folder: str) -> tuple[str | None, str | None]:
    """Undo what the parent did to the environment and the path; the session and gputune's home."""
    session = os.environ.pop(_SESSION, None)
    home = os.environ.pop(_HOME, None)
    original = os.environ.pop(_PYTHONPATH, None)
    if session is not None:
        if original is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = original
    sys.path[:] = [entry for entry in sys.path if entry != folder]
    sys.path_importer_cache.pop(folder, None)
    return session, home


def _script_folder() -> str | None:
    """What the interpreter will put first on `sys.path` once `site` is done, or None."""
    first = sys.argv[0]
    if sys.flags.safe_path or not first:
        return None
    try:
        if first == "-m":
            return os.getcwd()
        script = os.path.realpath(first)
    except OSError:
        return None
    return script if os.path.isdir(script) else os.path.dirname(script)


def _begin(session: str, home: str | None, folder: str | None) -> None:
    """Import gputune from its home, wherever `sys.path` points, and start the hooks."""
    import importlib.util
    from importlib.machinery import PathFinder

    path = ([folder] if folder else []) + sys.path
    theirs = PathFinder.find_spec("gputune", path)
    if theirs is not None and theirs.loader is not None and not _is_gputune(theirs):
        # The script's own `import gputune` must get its own; both do not fit into sys.modules.
        raise ImportError(f"the script has a gputune of its own ({theirs.origin})")
    spec = theirs if home is None else PathFinder.find_spec("gputune", [home])
    if spec is None or spec.loader is None:
        raise ImportError(f"no gputune in {home}")
    if "gputune" not in sys.modules:
        module = importlib.util.module_from_spec(spec)
        sys.modules["gputune"] = module
        spec.loader.exec_module(module)
    from pathlib import Path

    from gputune.inject import start

    start(Path(session))


def _is_gputune(spec) -> bool:  # type: ignore[no-untyped-def]
    return any(
        os.path.isfile(os.path.join(location, "inject", "__init__.py"))
        for location in spec.submodule_search_locations or ()
    )


def _give_way(known: set[str], folder: str | None) -> None:
    """Forget modules that we loaded and that the script's own folder has too.

    A bare run imports the script's `token.py` or `wrapt.py`, not the one that happens to be
    loaded already; ours keep working, since they hold on to what they imported.
    """
    from importlib.machinery import PathFinder

    if folder is None:
        return
    for name in {name.partition(".")[0] for name in set(sys.modules) - known}:
        ours = getattr(sys.modules.get(name), "__spec__", None)
        # Built-in and frozen modules come before any folder, in a bare run too.
        if name in known or name == "gputune" or ours is None or not ours.has_location:
            continue
        theirs = PathFinder.find_spec(name, [folder])
        if theirs is None or theirs.loader is None or theirs.origin == ours.origin:
            continue
        for loaded in [key for key in sys.modules if key.partition(".")[0] == name]:
            del sys.modules[loaded]


def _say(session: str, error: BaseException) -> None:
    """One line in the session's log, written without gputune, which may be what is missing."""
    import json

    event = {
        "event": "hook_disabled",
        "hook": "bootstrap",
        "error": f"{type(error).__name__}: {error}"[:500],
    }
    log = os.path.join(session, "events.jsonl")
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, json.dumps(event).encode() + b"\n")
    finally:
        os.close(descriptor)


def _watch(session: str, home: str | None) -> None:
    try:
        known = set(sys.modules)
        cached = set(sys.path_importer_cache)
        folder = _script_folder()
        try:
            _begin(session, home, folder)
        except (Exception, SystemExit) as error:
            _say(session, error)
        _give_way(known, folder)
        for entry in (folder, home):
            if entry and entry not in cached:
                sys.path_importer_cache.pop(entry, None)
    except (Exception, SystemExit):
        pass


_session, _home = _put_back(os.path.dirname(__file__))
if _session is not None:
    _watch(_session, _home)
# The import system takes whatever stands in sys.modules afterwards for the result of its import:
# the other sitecustomize, or, where there is none, the same error that `site` expects.
sys.modules.pop("sitecustomize", None)
__import__("sitecustomize")
