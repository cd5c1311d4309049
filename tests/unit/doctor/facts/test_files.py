"""What is read below /proc, /sys and /dev, from files that lie in a folder of the test."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gputune.doctor.facts.disks import disk, shm_bytes
from gputune.doctor.facts.hardware import hardware, module_version
from gputune.doctor.facts.keras_config import with_config
from gputune.doctor.facts.loaded import path_of
from gputune.doctor.facts.packages import packages
from gputune.doctor.facts.place import place
from gputune.doctor.machine import Hardware, Keras, PciCard, Place


def write(root: Path, name: str, text: str = "") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def card(root: Path, address: str, vendor: str, kind: str, driver: str = "") -> None:
    device = f"sys/bus/pci/devices/{address}"
    write(root, f"{device}/vendor", vendor + "\n")
    write(root, f"{device}/class", kind + "\n")
    if driver:
        target = root / "sys" / "bus" / "pci" / "drivers" / driver
        target.mkdir(parents=True)
        (root / device / "driver").symlink_to(target)


def test_without_anything_there_is_nothing(tmp_path: Path) -> None:
    assert hardware(tmp_path) == Hardware()
    assert place({}, tmp_path) == Place()


def test_cards_are_display_controllers_of_nvidia(tmp_path: Path) -> None:
    card(tmp_path, "0000:01:00.0", "0x10de", "0x030000", "nouveau")
    card(tmp_path, "0000:01:00.1", "0x10de", "0x040300", "snd_hda_intel")
    card(tmp_path, "0000:02:00.0", "0x10de", "0x030200")
    card(tmp_path, "0000:00:02.0", "0x8086", "0x030000", "i915")
    assert hardware(tmp_path).cards == (
        PciCard(address="0000:01:00.0", driver="nouveau"),
        PciCard(address="0000:02:00.0"),
    )


def test_device_files_and_why_they_cannot_be_opened(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia10", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "tty0"):
        write(tmp_path, f"dev/{name}")
    (tmp_path / "dev" / "nvidia-modeset").mkdir()
    found = hardware(tmp_path).files
    assert [one.path for one in found] == [
        "/dev/nvidia0", "/dev/nvidia10", "/dev/nvidiactl", "/dev/nvidia-uvm",
    ]  # fmt: skip
    assert [one.error for one in found] == [""] * 4
    (tmp_path / "dev" / "nvidia0").unlink()
    (tmp_path / "dev" / "nvidia0").symlink_to("gone")
    assert hardware(tmp_path).files[0].error == "No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every file")
def test_a_device_file_without_permission(tmp_path: Path) -> None:
    write(tmp_path, "dev/nvidia0").chmod(0)
    assert hardware(tmp_path).files[0].error == "Permission denied"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n"
         "GCC version:  gcc version 12.3.0", "550.54.15"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release", "570.86"),
        ("", "of an unknown version"),
        (None, None),
    ],
)  # fmt: skip
def test_the_module_s_version(text: str | None, version: str | None) -> None:
    assert module_version(text) == version


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("x", None)])
def test_who_may_use_the_counters(tmp_path: Path, value: str, expected: bool | None) -> None:
    text = f"ResmanDebugLevel: 4294967295\nRmProfilingAdminOnly: {value}\nPreserve: 0\n"
    write(tmp_path, "proc/driver/nvidia/params", text)
    assert hardware(tmp_path).counters_for_administrators is expected


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ({".dockerenv": ""}, {}, "docker"),
        ({"run/.containerenv": ""}, {}, "podman"),
        ({".dockerenv": ""}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "kubernetes"),
        ({}, {"APPTAINER_NAME": "x.sif"}, "apptainer"),
        ({"proc/self/cgroup": "0::/kubepods/besteffort/pod1\n"}, {}, "kubernetes"),
        ({"proc/self/cgroup": "4:cpu:/lxc/box\n"}, {}, "lxc"),
        ({"run/systemd/container": "systemd-nspawn\n"}, {}, "systemd-nspawn"),
        ({"proc/self/cgroup": "0::/user.slice\n"}, {}, ""),
    ],
)
def test_the_container_is_recognised(
    tmp_path: Path, files: dict[str, str], environ: dict[str, str], expected: str
) -> None:
    for name, text in files.items():
        write(tmp_path, name, text)
    assert place(environ, tmp_path).container == expected


def test_windows_privileges_and_the_processor(tmp_path: Path) -> None:
    write(tmp_path, "proc/version", "Linux version 5.15.153.1-microsoft-standard-WSL2")
    write(tmp_path, "usr/lib/wsl/lib/libcuda.so.1")
    write(tmp_path, "proc/self/status", "Name:\tx\nCapEff:\t0000000000200000\n")
    write(tmp_path, "proc/cpuinfo", "model name\t: x\nflags\t\t: fpu sse avx2 avx\n")
    assert place({}, tmp_path) == Place(
        wsl2=True, wsl_driver=True, administrator=True, cpu_has_avx=True
    )
    write(tmp_path, "proc/self/status", "CapEff:\t00000000001fffff\n")
    write(tmp_path, "proc/cpuinfo", "flags\t\t: fpu sse avx2\n")
    found = place({}, tmp_path)
    assert (found.administrator, found.cpu_has_avx) == (False, False)


def mounts(tmp_path: Path, *lines: str) -> Path:
    return write(tmp_path, "mountinfo", "\n".join(lines) + "\n")


def test_the_disk_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    near, far = tmp_path / "a b", tmp_path / "a bc"
    near.mkdir(), far.mkdir()
    escaped = str(near).replace(" ", "\\040")
    table = mounts(
        tmp_path,
        "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw",
        f"23 22 0:40 / {escaped} rw - nfs4 server:/data rw,vers=4.2",
        "damaged line",
    )
    assert disk(near, mounts=table).kind == "nfs4"
    assert disk(far, mounts=table).kind == "ext4"
    assert disk(near, mounts=tmp_path / "none").kind == ""
    free = disk(near, mounts=table).free_bytes
    assert free is not None and free > 0


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert disk(tmp_path / "none").error == "No such file or directory"


def test_whether_a_disk_rotates_is_told_by_the_disk_alone(tmp_path: Path) -> None:
    # /dev/null, 1:3, stands in for the disk.
    table = mounts(tmp_path, "22 1 1:3 / / rw - ext4 /dev/null rw")
    plain = write(tmp_path, "cpuinfo", "flags : fpu avx\n")
    virtual = write(tmp_path, "virtual", "flags : fpu hypervisor avx\n")
    (tmp_path / "dev" / "block").mkdir(parents=True)
    part = tmp_path / "devices" / "disk" / "part1"
    part.mkdir(parents=True)
    (tmp_path / "dev" / "block" / "1:3").symlink_to(part)

    def rotating(cpuinfo: Path) -> bool | None:
        return disk(tmp_path, mounts=table, sys=tmp_path, cpuinfo=cpuinfo).rotating

    assert rotating(plain) is None
    for flag, expected in (("1\n", True), ("0\n", False)):
        write(tmp_path, "devices/disk/queue/rotational", flag)
        assert rotating(plain) is expected
        assert rotating(virtual) is None


def test_shared_memory_that_is_not_there(tmp_path: Path) -> None:
    assert shm_bytes(tmp_path / "none") is None
    assert shm_bytes(tmp_path)


def test_keras_file_is_read_where_keras_reads_it(tmp_path: Path) -> None:
    home = {"KERAS_HOME": str(tmp_path)}
    assert with_config(Keras(), home) == Keras()
    file = write(tmp_path, "keras.json", json.dumps({"backend": "jax"}))
    found = with_config(Keras(version="3"), home)
    assert (found.version, found.config_backend, found.config_file) == ("3", "jax", str(file))
    for text in ("{", "[]", '{"backend": 3}'):
        write(tmp_path, "keras.json", text)
        found = with_config(Keras(), home)
        assert found.config_backend is None
        assert bool(found.config_error) is (text != '{"backend": 3}')


def test_a_library_in_memory_is_found_under_its_whole_name(tmp_path: Path) -> None:
    maps = write(
        tmp_path, "maps",
        "7f00-7f10 r-xp 00000000 fe:00 12 /usr/lib/libcudnn.so.9.3.0\n"
        "7f10-7f20 r-xp 00000000 fe:00 13 /a b/libcudnn_ops.so.9\n"
        "7f20-7f30 rw-p 00000000 00:00 0\n",
    )  # fmt: skip
    assert path_of("libcudnn.so.9", maps) == "/usr/lib/libcudnn.so.9.3.0"
    assert path_of("libcudnn_ops.so.9", maps) == "/a b/libcudnn_ops.so.9"
    assert path_of("libcudart.so.12", maps) == path_of("libcudnn.so.9", tmp_path / "no") == ""


def test_the_packages_of_this_environment_are_there_by_their_names() -> None:
    found = packages()
    assert found.installed["pytest"] == pytest.__version__
    assert "typing-extensions" in found.installed
    if found.tensorflow:
        assert any(one.startswith("numpy") for one in found.requirements)
