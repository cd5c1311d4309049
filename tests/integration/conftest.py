"""What the integration tests share: two processes at a time, and the workloads' data."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.running import WORKLOADS, python

# `nohup` and a shell's `&` have these ignored by all that they start; the tests send and mean them.
for number, usual in (
    (signal.SIGHUP, signal.SIG_DFL),
    (signal.SIGINT, signal.default_int_handler),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Runs two processes at a time: the import of TensorFlow keeps only one core busy."""
    with ThreadPoolExecutor(2) as executor:
        yield executor
        executor.shutdown(cancel_futures=True)


@pytest.fixture(scope="session")
def workload_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the workloads' data, filled once."""
    folder = tmp_path_factory.mktemp("data")
    code = (
        f"import sys; sys.path.insert(0, {str(WORKLOADS)!r})\n"
        "from photo_files import photo_shards\nfrom table_file import table_files\n"
        "photo_shards('train')\ntable_files()\n"
    )
    made = python("-c", code, cwd=folder, env={"WORKLOAD_DATA": str(folder)})
    assert made.exit_code == 0, made.stderr
    return folder
