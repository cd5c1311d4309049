"""The log keeps every whole event, whoever writes and whenever the writer dies."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gputune.session.log import EventLog, EventTail, read_events

WRITER = """
import sys
from pathlib import Path
from gputune.session.log import EventLog

path, name, count, size = sys.argv[1:]
log = EventLog(Path(path))
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(count)):
    log.write("steps", writer=name, number=number, filling=name * int(size))
log.close()
"""


def start_writer(root: Path, path: Path, name: str, count: int, size: int) -> subprocess.Popen[str]:
    """A process that is ready to append `count` events and waits for a line on its input."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_events_are_read_back_in_the_order_of_writing(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("start", t=1.5, argv=["train.py", "--größe"])
    log.write("steps", rows=[[0.0, 0.5, 1.0, 1, 0, "clean", None]])

    assert list(read_events(tmp_path / "events.jsonl")) == [
        {"event": "start", "t": 1.5, "argv": ["train.py", "--größe"]},
        {"event": "steps", "rows": [[0.0, 0.5, 1.0, 1, 0, "clean", None]]},
    ]


def test_a_log_that_was_never_begun_holds_no_events(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "events.jsonl")) == []
    assert EventTail(tmp_path / "events.jsonl").new() == []


def test_an_event_is_on_disk_once_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    code = (
        "import os, signal; from pathlib import Path; from gputune.session.log import EventLog;"
        f"EventLog(Path({str(path)!r})).write('start', t=1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    root = Path(__file__).parents[3]
    killed = subprocess.run([sys.executable, "-c", code], cwd=root, check=False)

    assert killed.returncode == -9
    assert list(read_events(path)) == [{"event": "start", "t": 1}]


def test_a_cut_off_last_line_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    log.write("start", t=1)
    log.write("steps", rows=[1, 2, 3])
    whole = path.read_bytes()

    first_line = len(whole.splitlines(keepends=True)[0])
    for length in range(first_line, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert list(read_events(path)) == [{"event": "start", "t": 1}]
        assert EventTail(path).new() == [{"event": "start", "t": 1}]


def test_a_damaged_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(
        b'{"event": "start"}\n\xff\xfe\x00\n[1, 2]\n{"no": "event"}\n{"event": 3}\n\n'
        b'{"event": "end"}\n'
    )

    expected = [{"event": "start"}, {"event": "end"}]
    assert list(read_events(path)) == expected
    assert EventTail(path).new() == expected


def test_a_value_that_is_no_json_is_written_as_its_str(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("opened", path=Path("/data/model.keras"), name=b"\xe4".decode("utf-8", "replace"))
    log.write("opened", path=b"\xe4".decode("utf-8", "surrogateescape"))

    first, second = read_events(tmp_path / "events.jsonl")
    assert first["path"] == "/data/model.keras"
    assert os.fsencode(second["path"]) == b"\xe4"


def test_a_line_break_in_a_value_does_not_break_the_line(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("hook_disabled", error="one\ntwo\r\nthree\u2028four")

    assert [event["error"] for event in read_events(tmp_path / "events.jsonl")] == [
        "one\ntwo\r\nthree\u2028four"
    ]


def test_a_closed_log_drops_what_is_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("start")
    log.close()
    log.write("steps")
    log.close()

    assert list(read_events(tmp_path / "events.jsonl")) == [{"event": "start"}]


def test_a_second_log_appends_to_the_first(tmp_path: Path) -> None:
    EventLog(tmp_path / "events.jsonl").write("start")
    EventLog(tmp_path / "events.jsonl").write("end")

    assert [event["event"] for event in read_events(tmp_path / "events.jsonl")] == ["start", "end"]


def test_the_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        EventLog(tmp_path / "events.jsonl")
    finally:
        os.umask(old)

    assert stat.S_IMODE((tmp_path / "events.jsonl").stat().st_mode) == 0o600


def test_a_descriptor_of_the_log_does_not_reach_the_children_of_the_script(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl")
    log.write("start")
    listing = subprocess.run(
        ["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True, check=True
    )

    assert "events.jsonl" not in listing.stdout


def test_two_processes_append_at_once_and_no_event_is_mixed(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writers = [start_writer(root, path, name, count=2_000, size=3_000) for name in "ab"]
    for writer in writers:
        let_go(writer)
    for writer in writers:
        end(writer)

    events = list(read_events(path))
    assert len(path.read_bytes().splitlines()) == len(events) == 4_000
    for name in "ab":
        mine = [event for event in events if event["writer"] == name]
        assert [event["number"] for event in mine] == list(range(2_000))
        assert {event["filling"] for event in mine} == {name * 3_000}


def test_the_tail_yields_each_event_once_while_another_process_writes(
    root: Path, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    writer = start_writer(root, path, "a", count=3_000, size=500)
    assert tail.new() == []

    let_go(writer)
    seen: list[int] = []
    deadline = time.monotonic() + 60
    while len(seen) < 3_000 and time.monotonic() < deadline:
        seen += [event["number"] for event in tail.new()]
    end(writer)
    seen += [event["number"] for event in tail.new()]

    assert seen == list(range(3_000))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(min_value=0, max_value=30), max_size=12))
def test_the_tail_yields_each_event_once_wherever_the_writing_is_cut(
    tmp_path: Path, lengths: list[int]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"")
    whole = b"".join(b'{"event":"steps","n":%d}\n' % number for number in range(8))
    tail = EventTail(path)
    seen: list[int] = []
    written = 0
    for length in [*lengths, len(whole)]:
        with path.open("ab") as file:
            file.write(whole[written : written + length])
        written = min(written + length, len(whole))
        seen += [event["n"] for event in tail.new()]
        assert seen == list(range(whole[:written].count(b"\n")))

    assert seen == list(range(8))
    assert tail.new() == []
