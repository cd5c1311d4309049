"""The names of what the sensors read of a GPU; where they are fields of `schema.gpu.Gpu`, theirs.

Units are in the names. `buffered_…` are means over the driver's own sample periods.
"""

from __future__ import annotations

from typing import Final

UTILIZATION: Final = "utilization_percent"
BUFFERED_UTILIZATION: Final = "buffered_utilization_percent"
MEMORY_USED: Final = "memory_used_bytes"
MEMORY_TOTAL: Final = "memory_total_bytes"
POWER: Final = "power_w"
BUFFERED_POWER: Final = "buffered_power_w"
POWER_LIMIT: Final = "power_limit_w"
ENERGY: Final = "energy_mj"
"""A counter, since the driver was loaded."""
TEMPERATURE: Final = "temperature_c"
SM_CLOCK: Final = "sm_clock_mhz"
MEMORY_CLOCK: Final = "memory_clock_mhz"
EVENT_REASONS: Final = "event_reasons"
"""Bits; `throttle` names them."""
PCIE_GENERATION: Final = "pcie_generation"
PCIE_WIDTH: Final = "pcie_width"
PCIE_RX: Final = "pcie_rx_bytes_per_s"
PCIE_TX: Final = "pcie_tx_bytes_per_s"
OTHER_PROCESSES: Final = "other_processes"
OTHER_BYTES: Final = "other_processes_bytes"
SM_ACTIVE: Final = "sm_active_percent"
SM_OCCUPANCY: Final = "sm_occupancy_percent"
TENSOR_ACTIVE: Final = "tensor_active_percent"
DRAM_ACTIVE: Final = "dram_active_percent"
