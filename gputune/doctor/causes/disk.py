"""The disks of the working directory, and of the folders that were named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gputune.doctor.causes.lines import gibibytes, good, note, warning
from gputune.doctor.machine import Disk, Machine
from gputune.schema.finding import Finding

LEAST_FREE: Final = 2**30
"""A checkpoint of a middling model with its optimizer takes hundreds of MiB (our own threshold)."""
_NETWORK: Final = frozenset(
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "fuse.glusterfs", "lustre",
        "gpfs", "beegfs", "panfs", "wekafs", "afs", "9p", "virtiofs", "drvfs", "fuse.sshfs",
        "fuse.gcsfuse", "fuse.s3fs", "fuse.rclone", "fuse.goofys", "fuse.blobfuse",
        "fuse.blobfuse2", "fuse.mount-s3", "fuse.juicefs", "fuse.ceph",
    }
)  # fmt: skip
"""Kinds of file systems that ask another machine (or the host of a virtual one) for each file."""
_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


def findings(machine: Machine) -> Iterator[Finding]:
    """For each disk: `disk`, `disk-network`, `disk-rotating`, `disk-in-memory`, `disk-full`."""
    for disk in machine.host.disks:
        yield from _of(disk, wsl2=machine.place.wsl2)


def _of(disk: Disk, *, wsl2: bool) -> Iterator[Finding]:
    if disk.error:
        yield warning(
            "disk-unreadable", f"{disk.folder} cannot be looked at: {disk.error}.",
            cure="Give a folder that is there.",
        )  # fmt: skip
        return
    free = "" if disk.free_bytes is None else f", {gibibytes(disk.free_bytes)} free"
    text = f"{disk.folder} is on {disk.kind or 'an unknown file system'}{free}"
    kept = "keep the data on a local disk, or in few large files (TFRecord), or cache() them"
    if disk.kind in _NETWORK:
        windows = wsl2 and disk.kind in ("9p", "drvfs")
        yield warning(
            "disk-network",
            f"{text}: {'a disk of Windows' if windows else 'a network disk'}, where each small "
            "file costs a round trip.",
            cure="Copy the data into Linux' own file system (below ~)."
            if windows
            else f"If `gputune profile` finds the input slow, {kept}.",
        )
    elif disk.rotating:
        yield warning(
            "disk-rotating", f"{text}: a rotating disk, slow at many small files.",
            cure=f"If `gputune profile` finds the input slow, {kept}.",
        )  # fmt: skip
    elif disk.kind in _IN_MEMORY:
        yield note("disk-in-memory", f"{text}: its files take the machine's memory.")
    else:
        yield good("disk", f"{text}.")
    if disk.free_bytes is not None and disk.free_bytes < LEAST_FREE:
        yield warning(
            "disk-full", f"{disk.folder} has {gibibytes(disk.free_bytes)} left.",
            cure="Make room: a checkpoint that finds none ends the training.",
        )  # fmt: skip
