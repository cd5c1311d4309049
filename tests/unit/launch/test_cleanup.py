from __future__ import annotations

import os
import time
from pathlib import Path

from gputune.launch.cleanup import remove_leftovers

STATE = ".data-00000-of-00001.tempstate15084619842666032650"  # as TensorFlow 2.21 names it


def made(path: Path, *, age_s: float = 0.0) -> Path:
    path.write_text("Created at: 1795454244")
    written = time.time() - age_s
    os.utime(path, (written, written))
    return path


def start() -> dict[str, object]:
    return {
        "event": "start",
        "t": time.perf_counter() - 60,
        "epoch_ns": time.time_ns() - 60 * 10**9,
    }


def cleanup(path: Path) -> dict[str, object]:
    return {"event": "cleanup", "path": str(path)}


def test_lock_and_state_of_a_cache_prefix_are_removed_and_nothing_beside_them(
    tmp_path: Path,
) -> None:
    leftovers = [made(tmp_path / "my cache_0.lockfile"), made(tmp_path / f"my cache_0{STATE}")]
    kept = [
        made(tmp_path / name)
        for name in (
            "my cache",
            "my cache_0.index",
            "my cache_0.data-00000-of-00001",
            f"my cache2_0{STATE}",
            "my cache_other_0.lockfile",
            "my cache_x.lockfile",
            "my cache.tempstate",
            "notes.txt",
        )
    ]
    removed = remove_leftovers([start(), cleanup(tmp_path / "my cache")])
    assert sorted(removed) == sorted(leftovers)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_a_leftover_named_by_itself_is_removed(tmp_path: Path) -> None:
    lock = made(tmp_path / "c_3.lockfile")
    assert remove_leftovers([start(), cleanup(lock), cleanup(lock)]) == [lock]
    assert not lock.exists()


def test_a_path_that_is_no_leftover_is_never_removed(tmp_path: Path) -> None:
    paths = [made(tmp_path / "model.keras"), made(tmp_path / "x.lockfile")]
    assert remove_leftovers([start(), *map(cleanup, paths)]) == []
    assert all(path.exists() for path in paths)


def test_files_older_than_the_session_are_another_runs(tmp_path: Path) -> None:
    made(tmp_path / "c_0.lockfile", age_s=120)
    assert remove_leftovers([start(), cleanup(tmp_path / "c")]) == []
    since = time.time() - 600
    assert remove_leftovers([cleanup(tmp_path / "c")], since_epoch_s=since) != []


def test_the_session_begins_at_the_start_events_clock_where_it_has_no_date(tmp_path: Path) -> None:
    old = made(tmp_path / "old_0.lockfile", age_s=120)
    new = made(tmp_path / "new_0.lockfile")
    events = [{"event": "start", "t": time.perf_counter() - 60}, cleanup(old), cleanup(new)]
    assert remove_leftovers(events) == [new]


def test_without_a_beginning_nothing_is_removed(tmp_path: Path) -> None:
    made(tmp_path / "c_0.lockfile")
    assert remove_leftovers([cleanup(tmp_path / "c")]) == []


def test_links_and_folders_are_left(tmp_path: Path) -> None:
    target = made(tmp_path / "precious")
    (tmp_path / "c_0.lockfile").symlink_to(target)
    (tmp_path / "c_1.lockfile").mkdir()
    assert remove_leftovers([start(), cleanup(tmp_path / "c")]) == []


def test_a_folder_that_is_gone_and_damaged_events_are_no_failure(tmp_path: Path) -> None:
    events = [start(), cleanup(tmp_path / "gone" / "c"), {"event": "cleanup", "path": 3}]
    assert remove_leftovers(events) == []
