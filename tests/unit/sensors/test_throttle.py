from __future__ import annotations

import pynvml
import pytest

from gputune.schema.gpu import Throttle
from gputune.sensors.throttle import throttles


@pytest.mark.parametrize(
    ("constant", "name"),
    [
        ("nvmlClocksEventReasonSwPowerCap", "sw power cap"),
        ("nvmlClocksEventReasonHwSlowdown", "hw slowdown"),
        ("nvmlClocksEventReasonSyncBoost", "sync boost"),
        ("nvmlClocksEventReasonSwThermalSlowdown", "sw thermal slowdown"),
        ("nvmlClocksEventReasonHwThermalSlowdown", "hw thermal slowdown"),
        ("nvmlClocksEventReasonHwPowerBrakeSlowdown", "hw power brake slowdown"),
        ("nvmlClocksEventReasonDisplayClockSetting", "display clock setting"),
        ("nvmlClocksThrottleReasonBoardLimit", "board limit"),
        ("nvmlClocksThrottleReasonReliability", "reliability"),
    ],
)
def test_a_reason_has_the_driver_s_name(constant: str, name: str) -> None:
    assert throttles([getattr(pynvml, constant)]) == (Throttle(name=name, fraction=1.0),)


def test_each_reason_has_its_own_share_of_the_samples() -> None:
    power, heat = pynvml.nvmlClocksEventReasonSwPowerCap, pynvml.nvmlClocksEventReasonHwSlowdown
    assert throttles([heat, power | heat, 0, power | heat]) == (
        Throttle(name="hw slowdown", fraction=0.75),
        Throttle(name="sw power cap", fraction=0.5),
    )


def test_idling_and_clocks_that_were_set_on_purpose_are_no_throttling() -> None:
    idle = pynvml.nvmlClocksEventReasonGpuIdle
    assert throttles([idle, pynvml.nvmlClocksEventReasonApplicationsClocksSetting | idle]) == ()
    assert throttles([]) == ()


def test_a_reason_of_a_later_driver_is_shown_by_its_bit() -> None:
    assert throttles([0x8000]) == (Throttle(name="reason 0x8000", fraction=1.0),)
