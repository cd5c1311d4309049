from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from gputune.launch.signals import Canary, Signals


def test_signals_are_read_as_numbers_and_the_old_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with Signals() as signals:
        assert signals.wait(0) == []
        os.kill(os.getpid(), signal.SIGUSR1)
        assert signals.wait(5) == [signal.SIGUSR1]
    assert signal.getsignal(signal.SIGUSR1) is before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_wait_ends_when_its_time_is_up() -> None:
    with Signals() as signals:
        began = time.monotonic()
        assert signals.wait(0.1) == []
        assert 0.1 <= time.monotonic() - began < 2


def test_outside_the_main_thread_nothing_is_received() -> None:
    receiving: list[bool] = []

    def enter() -> None:
        with Signals() as signals:
            receiving.append(signals.receiving)
            signals.wait(0)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert receiving == [False]


def test_without_a_canary_a_signal_other_than_ctrl_c_went_to_gputune_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    canary = Canary()
    assert not canary.heard(signal.SIGTERM)
    canary.close()


def test_a_closed_canary_is_a_process_that_has_ended() -> None:
    canary = Canary()
    assert canary._process is not None
    canary.close()
    assert canary._process.returncode is not None
