"""What a container cannot do, also with an image made to be hostile."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from boxship.model.errors import BoxshipError, Invalid, System
from boxship.runtime.create import create
from boxship.runtime.spec import apparmor_enabled
from boxship.runtime.state import load
from system.runtime_bundle import Box, spec

pytestmark = pytest.mark.root


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    box = Box(str(tmp_path))
    yield box
    box.remove()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What no container of these tests may touch."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    return outside


def test_only_the_streams_are_inherited(box: Box) -> None:
    leaks = [os.open(path, os.O_PATH) for path in ("/", "/etc/hostname")]
    for fd in leaks:
        os.set_inheritable(fd, True)
    try:
        assert box.run(spec("ls", "/proc/self/fd"))[1].split() == ["0", "1", "2", "3"]
    finally:
        for fd in leaks:
            os.close(fd)


@pytest.mark.parametrize("number", range(3, 16))
def test_no_descriptor_leads_out(box: Box, number: int) -> None:
    """CVE-2024-21626: cwd in /proc/self/fd, while the runtime still holds host directories."""
    box.create(spec("sleep", "100"))
    box.start()
    try:
        _, said = box.exec("sh", "-c", "cd ..; pwd -P", cwd=f"/proc/self/fd/{number}")
    except BoxshipError:
        return
    assert said.startswith(("/\n", "/proc/"))  # what is outside has no path


@pytest.mark.parametrize("number", range(3, 16))
def test_no_working_directory_of_init_leads_out(box: Box, number: int) -> None:
    document = spec("ls", "..")
    document["process"]["cwd"] = f"/proc/self/fd/{number}"
    try:
        _, said = box.run(document)
    except BoxshipError:
        return
    assert "home" not in said.split()


def test_a_program_cannot_be_taken_through_a_descriptor(box: Box) -> None:
    box.create(spec("sleep", "100"))
    box.start()
    for number in range(3, 16):
        with pytest.raises(BoxshipError):
            box.exec(f"/proc/self/fd/{number}/bin/sh", "-c", "true")


@pytest.mark.parametrize("name", ["proc", "sys"])
def test_a_linked_proc_or_sys_is_refused(box: Box, outside: Path, name: str) -> None:
    """CVE-2019-16884, CVE-2023-27561."""
    os.symlink(outside, f"{box.rootfs}/{name}")
    with pytest.raises((Invalid, System)):
        box.create(spec("true"))
    assert os.listdir(outside) == ["secret"]


def test_a_proc_linked_inside_the_image_is_refused(box: Box) -> None:
    os.mkdir(f"{box.rootfs}/fake")
    os.symlink("/fake", f"{box.rootfs}/proc")
    with pytest.raises(Invalid, match="proc must be mounted on an ordinary directory"):
        box.create(spec("true"))


@pytest.mark.parametrize("target", ["{outside}", "../../../../../../..{outside}"])
def test_a_linked_dev_stays_inside(box: Box, outside: Path, target: str) -> None:
    os.symlink(target.format(outside=outside), f"{box.rootfs}/dev")
    _, said = box.sh("ls /dev/; echo x > /dev/null")
    assert "null" in said.split()
    assert os.listdir(outside) == ["secret"]


def test_a_bind_onto_a_link_lands_inside(box: Box, outside: Path) -> None:
    """Docker binds /etc/resolv.conf and the like over whatever the image has there."""
    os.symlink(outside / "secret", f"{box.rootfs}/etc/resolv.conf")
    document = spec("cat", "/etc/resolv.conf")
    source = {"source": "/etc/hostname", "options": ["rbind", "rprivate"], "type": "bind"}
    document["mounts"].append({"destination": "/etc/resolv.conf", **source})
    assert box.run(document) == (0, Path("/etc/hostname").read_text())
    assert (outside / "secret").read_text() == "secret"
    assert os.path.exists(f"{box.rootfs}{outside}/secret")


def test_a_bind_below_a_linked_directory_lands_inside(box: Box, outside: Path) -> None:
    os.symlink(outside, f"{box.rootfs}/data")
    document = spec("ls", "/data/new")
    mount = {"destination": "/data/new", "source": "/etc", "options": ["rbind", "ro"]}
    document["mounts"].append(mount)
    assert "hostname" in box.run(document)[1].split()
    assert os.listdir(outside) == ["secret"]


@pytest.mark.parametrize("destination", ["/proc/self/attr", "/proc/sys", "/link/sys", "/proc"])
def test_nothing_is_mounted_over_proc(box: Box, destination: str) -> None:
    os.symlink("/proc", f"{box.rootfs}/link")
    document = spec("true")
    mount = {"destination": destination, "source": "/etc", "options": ["bind"]}
    document["mounts"].append(mount)
    with pytest.raises(Invalid, match="cannot be mounted because it is inside /proc"):
        box.create(document)


def test_what_lxcfs_replaces_may_be_mounted(box: Box) -> None:
    document = spec("cat", "/proc/uptime")
    mount = {"destination": "/proc/uptime", "source": "/etc/hostname", "options": ["bind"]}
    document["mounts"].append(mount)
    assert box.run(document)[1] == Path("/etc/hostname").read_text()


def without_dev(*args: str) -> dict[str, object]:
    document = spec(*args)
    document["mounts"] = [m for m in document["mounts"] if not m["destination"].startswith("/dev")]
    return document


def test_a_false_null_device_is_no_mask(box: Box, outside: Path) -> None:
    """CVE-2025-31133: /dev/null of the image is a link to what is to be read."""
    os.mkdir(f"{box.rootfs}/dev")
    os.symlink("/proc/sys/kernel/core_pattern", f"{box.rootfs}/dev/null")
    with pytest.raises((Invalid, System)):
        box.create(without_dev("true"))


def test_masked_paths_cannot_be_read(box: Box) -> None:
    document = spec("sh", "-c", "cat /proc/interrupts; ls /sys/firmware /proc/acpi")
    document["linux"]["maskedPaths"] = ["/proc/interrupts", "/proc/acpi", "/sys/firmware", "/no"]
    assert box.run(document)[1].split() == ["/proc/acpi:", "/sys/firmware:"]


def test_read_only_paths_cannot_be_written(box: Box) -> None:
    _, said = box.sh("echo x > /proc/sys/kernel/core_pattern; echo 1 > /sys/kernel/x")
    assert said.count("Read-only file system") == 2


def test_a_read_only_root_is_read_only(box: Box) -> None:
    document = spec("sh", "-c", "echo x > /file; echo y > /tmp/file; echo z > /dev/x && echo ok")
    document["root"]["readonly"] = True
    mount = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]}
    document["mounts"].append(mount)
    _, said = box.run(document)
    assert said.count("Read-only file system") == 2
    assert said.endswith("ok\n")


def test_capabilities_are_those_of_the_spec(box: Box) -> None:
    document = spec("grep", "Cap", "/proc/self/status")
    document["process"]["capabilities"] = {
        "bounding": ["CAP_KILL", "CAP_CHOWN"],
        "permitted": ["CAP_KILL"],
        "effective": ["CAP_KILL"],
        "inheritable": ["CAP_KILL"],
        "ambient": ["CAP_KILL"],
        "nonsense": ["CAP_X"],
    }
    document["process"]["user"] = {"uid": 1000, "gid": 1000}
    sets = dict(line.split(":\t") for line in box.run(document)[1].splitlines())
    kill = f"{1 << 5:016x}"
    assert sets == {
        "CapInh": kill, "CapPrm": kill, "CapEff": kill, "CapBnd": f"{1 << 5 | 1:016x}",
        "CapAmb": kill,
    }  # fmt: skip


def test_a_user_without_capabilities_in_the_spec_has_none(box: Box) -> None:
    document = spec("grep", "Cap", "/proc/self/status")
    del document["process"]["capabilities"]
    assert set(box.run(document)[1].split()[1::2]) == {"0" * 16}


def test_no_new_privileges(box: Box) -> None:
    document = spec("grep", "NoNewPrivs", "/proc/self/status")
    document["process"]["noNewPrivileges"] = True
    assert box.run(document)[1].split() == ["NoNewPrivs:", "1"]


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_seccomp_answers_as_the_profile_says(box: Box, no_new_privileges: bool) -> None:
    document = spec(
        "sh",
        "-c",
        "busybox mkdir /tmp/x; busybox chmod 700 /tmp; grep -w Seccomp /proc/self/status",
    )
    document["process"]["noNewPrivileges"] = no_new_privileges
    document["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
            {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO"},
        ],
    }
    _, said = box.run(document)
    assert "can't create directory '/tmp/x': No space left on device" in said
    assert "chmod: /tmp: Operation not permitted" in said
    assert said.endswith("Seccomp:\t2\n")


def test_seccomp_holds_for_exec_too(box: Box) -> None:
    document = spec("sleep", "100")
    document["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
    }
    box.create(document)
    box.start()
    assert "Operation not permitted" in box.exec("busybox", "mkdir", "/tmp/x")[1]


@pytest.mark.parametrize("no_new_privileges", [False, True])
def test_an_agent_answers_system_calls(box: Box, tmp_path: Path, no_new_privileges: bool) -> None:
    document = spec("sleep", "100")
    document["process"]["noNewPrivileges"] = no_new_privileges
    document["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": str(tmp_path / "agent"),
        "listenerMetadata": "hello",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}],
    }
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        box.create(document)
        box.start()
        with agent.accept()[0] as connection:
            message, fds, _, _ = socket.recv_fds(connection, 1 << 20, 1)
    told = json.loads(message)
    assert (told["fds"], told["metadata"], told["state"]["id"]) == (["seccompFd"], "hello", box.id)
    assert os.readlink(f"/proc/self/fd/{fds[0]}") == "anon_inode:seccomp notify"
    os.close(fds[0])


def test_exec_has_no_more_than_init_unless_it_is_said(box: Box) -> None:
    document = spec("sleep", "100")
    document["process"]["noNewPrivileges"] = True
    document["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 99}]
    box.create(document)
    script = "grep -E 'CapEff|NoNew' /proc/self/status; ulimit -n"
    _, said = box.exec("sh", "-c", script)
    assert said.split() == ["CapEff:", "00000000a80425fb", "NoNewPrivs:", "1", "99"]


def test_scheduling(box: Box) -> None:
    document = spec("sleep", "100")
    document["process"]["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    document["process"]["ioPriority"] = {"class": "IOPRIO_CLASS_IDLE", "priority": 4}
    box.create(document)
    assert os.sched_getscheduler(box.pid) == os.SCHED_BATCH
    assert os.getpriority(os.PRIO_PROCESS, box.pid) == 5
    affinity = {"initial": "0", "final": "1"}
    words = ("grep", "Cpus_allowed_list", "/proc/self/status")
    assert box.exec(*words, execCPUAffinity=affinity)[1].split() == ["Cpus_allowed_list:", "1"]


def test_the_hostname_is_the_container_s_own(box: Box) -> None:
    before = os.uname().nodename
    document = spec("sh", "-c", "busybox hostname; busybox cat /proc/sys/kernel/domainname")
    document["domainname"] = "example.org"
    assert box.run(document)[1].split() == ["box", "example.org"]
    assert os.uname().nodename == before


def test_sysctls_are_of_the_container_s_namespaces_only(box: Box) -> None:
    document = spec("cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")
    document["linux"]["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "81"}
    assert box.run(document)[1] == "81\n"
    for key in ("vm.swappiness", "kernel.core_pattern"):
        document["linux"]["sysctl"] = {key: "1"}
        with pytest.raises(Invalid, match="is not in a separate kernel namespace"):
            box.create(document)
    document["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
    document["linux"]["namespaces"].remove({"type": "network"})
    with pytest.raises(Invalid, match="not allowed in host"):
        box.create(document)


def test_loopback_is_up_in_a_new_network_namespace(box: Box) -> None:
    assert "UP,LOWER_UP" in box.sh("busybox ip link show lo")[1]


def test_limits_and_umask_and_oom_score(box: Box) -> None:
    document = spec("sh", "-c", "ulimit -n; ulimit -Hn; umask; cat /proc/self/oom_score_adj")
    document["process"]["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]
    document["process"]["user"]["umask"] = 0o27
    document["process"]["oomScoreAdj"] = 300
    assert box.run(document)[1].split() == ["100", "200", "0027", "300"]


def test_default_devices_and_links(box: Box) -> None:
    _, said = box.sh("cd /dev; for n in *; do echo $n; done")
    assert set(said.split()) >= {
        "null", "zero", "full", "random", "urandom", "tty", "ptmx", "fd", "stdin", "stdout",
        "stderr", "pts",
    }  # fmt: skip


def test_a_device_of_the_spec_has_its_mode_and_owner(box: Box) -> None:
    document = spec("busybox", "stat", "-c", "%a %u:%g %t:%T", "/dev/fuse", "/deep/er/null")
    document["linux"]["devices"] = [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o640, "gid": 5},
        {"path": "/deep/er/null", "type": "c", "major": 1, "minor": 3, "uid": 9},
    ]
    assert box.run(document)[1].splitlines() == ["640 0:5 a:e5", "666 9:0 1:3"]


def test_devices_that_are_not_allowed_cannot_be_opened(box: Box) -> None:
    _, said = box.sh(
        "busybox mknod /tmp/vda b 254 0; busybox head -c 1 /tmp/vda; echo x > /dev/null"
    )
    assert said == "head: /tmp/vda: Operation not permitted\n"


def test_tmpcopyup_keeps_what_was_there(box: Box) -> None:
    os.makedirs(f"{box.rootfs}/var/lib")
    box.write("var/lib/file", "old", 0o640)
    os.symlink("file", f"{box.rootfs}/var/lib/link")
    document = spec("sh", "-c", "cat /var/lib/link; echo new > /var/lib/file")
    options = ["tmpcopyup", "mode=700"]
    mount = {"destination": "/var", "type": "tmpfs", "source": "tmpfs", "options": options}
    document["mounts"].append(mount)
    assert box.run(document)[1] == "old"
    assert Path(box.rootfs, "var/lib/file").read_text() == "old"


def test_read_only_and_recursive_read_only_binds(box: Box, outside: Path) -> None:
    document = spec("sh", "-c", "echo x > /ro/f; echo x > /rro/f; echo y > /rw/f && cat /rw/f")
    document["mounts"] += [
        {"destination": "/ro", "source": str(outside), "options": ["rbind", "ro"]},
        {"destination": "/rro", "source": str(outside), "options": ["rbind", "rro"]},
        {"destination": "/rw", "source": str(outside), "options": ["rbind", "rw", "rshared"]},
    ]
    _, said = box.run(document)
    assert said.count("Read-only file system") == 2
    assert said.endswith("y\n")
    assert (outside / "f").read_text() == "y\n"


@pytest.mark.parametrize("propagation", ["private", "rslave", "shared", "unbindable"])
def test_rootfs_propagation(box: Box, propagation: str) -> None:
    document = spec("cat", "/proc/self/mountinfo")
    document["linux"]["rootfsPropagation"] = propagation
    first = box.run(document)[1].splitlines()[0]
    assert ("shared:" in first) == (propagation == "shared")
    assert ("unbindable" in first) == (propagation == "unbindable")


def test_a_namespace_is_joined_by_its_path(box: Box, tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        from boxship.kernel.namespaces import CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWUTS, unshare

        unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
        (tmp_path / "ready").touch()
        while True:
            os.read(os.pipe()[0], 1)
    while not (tmp_path / "ready").exists():
        os.sched_yield()
    paths = {kind: f"/proc/{pid}/ns/{name}" for kind, name in (("network", "net"), ("ipc", "ipc"))}
    before = {path: os.readlink(f"/proc/self/ns/{path}") for path in ("net", "ipc", "pid")}
    document = spec("sleep", "100")
    document["linux"]["namespaces"] = [
        {"type": e["type"], **({"path": paths[e["type"]]} if e["type"] in paths else {})}
        for e in document["linux"]["namespaces"]
    ]
    try:
        box.create(document)
        for name in ("net", "ipc"):
            assert os.readlink(f"/proc/{box.pid}/ns/{name}") == os.readlink(
                f"/proc/{pid}/ns/{name}"
            )
        assert before == {path: os.readlink(f"/proc/self/ns/{path}") for path in before}
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_what_is_no_namespace_of_the_type_is_refused(box: Box) -> None:
    document = spec("true")
    for path, words in (("/etc/hostname", "is not a network"), ("/proc/self/ns/ipc", "join")):
        document["linux"]["namespaces"] = [
            {"type": "mount"}, {"type": "pid"}, {"type": "uts"},
            {"type": "network", "path": path},
        ]  # fmt: skip
        with pytest.raises((Invalid, System), match=words):
            box.create(document)


def user_namespace(*args: str) -> dict[str, object]:
    document = spec(*args)
    document["linux"]["namespaces"].append({"type": "user"})
    document["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    document["linux"]["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    return document


@pytest.fixture
def reachable(tmp_path: Path) -> Iterator[None]:
    """The directories above the bundle can be passed by others."""
    above = [path for path in tmp_path.parents if str(path).startswith("/tmp/")]
    modes = [path.stat().st_mode for path in above]
    for path in (tmp_path, *above):
        path.chmod(0o755)
    yield
    for path, mode in zip(above, modes, strict=True):
        path.chmod(mode)


@pytest.mark.usefixtures("reachable")
def test_root_of_a_user_namespace_is_nobody_outside(box: Box) -> None:
    for directory, _, files in os.walk(box.rootfs):
        os.chown(directory, 100000, 100000)
        for name in files:
            os.chown(f"{directory}/{name}", 100000, 100000, follow_symlinks=False)
    box.create(user_namespace("sleep", "100"))
    assert os.stat(f"/proc/{box.pid}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino
    box.start()
    code, said = box.exec("sh", "-c", "id; cat /proc/self/uid_map; echo x > /tmp/made")
    assert code == 0
    assert said.split() == ["uid=0(root)", "gid=0", "0", "100000", "65536"]
    assert os.stat(f"{box.rootfs}/tmp/made").st_uid == 100000
    with open(f"/proc/{box.pid}/status") as status:
        assert "Uid:\t100000\t" in status.read()


@pytest.mark.usefixtures("reachable")
def test_a_user_namespace_is_joined_by_its_path(box: Box, tmp_path: Path) -> None:
    os.chown(box.rootfs, 100000, 100000)
    box.create(user_namespace("sleep", "100"))
    (tmp_path / "second").mkdir()
    second = Box(str(tmp_path / "second"))
    os.chown(second.rootfs, 100000, 100000)
    document = spec("cat", "/proc/self/uid_map")
    path = f"/proc/{box.pid}/ns/user"
    document["linux"]["namespaces"].append({"type": "user", "path": path})
    try:
        assert second.run(document)[1].split() == ["0", "100000", "65536"]
    finally:
        second.remove()


def test_a_time_namespace_has_its_own_clock(box: Box) -> None:
    document = spec("cat", "/proc/uptime")
    document["linux"]["namespaces"].append({"type": "time"})
    document["linux"]["timeOffsets"] = {"boottime": {"secs": 1000000000}}
    before = os.readlink("/proc/self/ns/time")
    assert float(box.run(document)[1].split()[0]) > 1000000000
    assert os.readlink("/proc/self/ns/time") == before


@pytest.mark.skipif(apparmor_enabled(), reason="this host has it")
def test_labels_of_a_security_module_that_is_not_there_are_refused(box: Box) -> None:
    document = spec("true")
    document["process"]["apparmorProfile"] = "docker-default"
    with pytest.raises(BoxshipError, match="AppArmor is not enabled here"):
        box.create(document)


@pytest.mark.skipif(not apparmor_enabled(), reason="this host's kernel has no AppArmor")
def test_an_apparmor_profile_is_for_the_program(box: Box) -> None:
    document = spec("cat", "/proc/self/attr/current")
    document["process"]["apparmorProfile"] = "unconfined"
    assert box.run(document)[1].startswith("unconfined")
    document["process"]["apparmorProfile"] = "no-such-profile"
    with pytest.raises(BoxshipError, match="no-such-profile"):
        box.create(document)


def test_stdio_is_the_user_s_to_open_again(box: Box) -> None:
    document = spec("sh", "-c", "echo again > /dev/stdout")
    document["process"]["user"] = {"uid": 1000, "gid": 1000}
    reading, writing = os.pipe()
    box.configure(document)
    box.pid = create(
        box.id, box.bundle, box.root, stdio=(box.stdio[0], writing, writing), parent=False
    )
    os.close(writing)
    box.start()
    assert os.read(reading, 100) == b"again\n"
    os.close(reading)
    assert box.wait() == 0
    assert load(box.id, box.root).status() == "stopped"
