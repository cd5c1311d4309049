"""What the machine does while the script trains: the GPUs, the host, the script's processes.

The edge to the operating system: each quantity is optional by itself, with the reason where it
is missing. `nvml` opens the driver's library and is the only file that imports pynvml; what asks
it takes the module as an argument (`nvml_devices`, `nvml_metrics`, `gpm`, `buffered`,
`pcie_watch`, `gpu_processes`), and `nvml_sensor` puts the answers together. `sampler` keeps what
the sensors say, `gpu_averages`, `energy` and `averages` turn it into figures and are pure.

NVIDIA's DCGM is not asked, even where its host engine runs: before Hopper, where the driver has
no GPM, how full a GPU is stays unknown.
"""
