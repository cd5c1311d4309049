"""What the machine does while the script trains: the GPUs, the host, the script's processes.

The edge to the operating system: each quantity is optional by itself, with the reason where it
is missing.
"""
