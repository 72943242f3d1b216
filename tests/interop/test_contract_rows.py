"""The promises of the contract, row by row, with both clients: the docker client and ours.

What a row says is in the docstring of its test; C, K, H, O, G, I and L are the contract's letters.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import struct
import subprocess
import tarfile
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from suites import engine_deaths
from suites.census import command, link, parent
from suites.cli_world import BUSYBOX, DOCKER, OURS, Client, busybox_archive
from suites.engine_deaths import IMAGE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.engine_deaths import Engine

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(not DOCKER, reason="the docker client is not installed"),
    pytest.mark.skipif(not Path(BUSYBOX).exists(), reason="busybox-static is not installed"),
]

QUIET_SHELL = ("sh", "-c", "PS1= exec sh")
HELLO = [("send", b"echo he''llo\r"), ("until", b"hello\r\n")]
LEAVE = ("send", b"\x10\x11")
NOBODY = 65534


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with engine_deaths.engine() as made:
        made.do("run", "--rm", IMAGE, "true")
        made.do("import", "-", "bad:1", stdin=_bad_programs())
        yield made


@pytest.fixture(params=["docker", "ours"])
def client(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Client]:
    """One of the clients; what the test made is removed, and nothing else may be left of it."""
    before = engine.census.of_containers()
    program = DOCKER if request.param == "docker" else OURS
    yield Client(program, engine.config.hosts[0])
    if names := engine.names():
        engine.do("rm", "-f", "-v", *names)
    engine.until_as(before)


def said(client: Client, *words: str) -> str:
    code, out, err = client.run(*words)
    assert code == 0, err
    return out.strip()


# -- the client ----------------------------------------------------------------------------------


def test_c4_ping_names_the_versions(engine: Engine) -> None:
    """C4: `/_ping` says OK, with the headers that clients read."""
    connection = http.client.HTTPConnection("d")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(engine.config.hosts[0].removeprefix("unix://"))
    connection.request("GET", "/_ping")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"OK")
    wanted = {"Api-Version": "1.50", "Builder-Version": "1", "Docker-Experimental": "false"}
    assert {name: answer.getheader(name) for name in wanted} == wanted
    assert answer.getheader("Swarm") == "inactive"
    connection.close()


def test_c4_version_has_a_client_and_a_server(client: Client) -> None:
    """C4: `docker version` shows both."""
    out = said(client, "version")
    assert out.startswith("Client:")
    assert "\nServer:" in out


def test_c7_flags_come_after_arguments_but_not_after_an_image(client: Client) -> None:
    """C7: flags and arguments may be mixed, except behind the image of run and exec."""
    assert said(client, "run", "--name", "web1", IMAGE, "echo", "--rm", "-x") == "--rm -x"
    assert said(client, "logs", "web1", "--tail", "1") == "--rm -x"
    assert said(client, "ps", "-a", "-q", "--no-trunc").count("\n") == 0


def test_c8_quiet_lists_feed_other_commands(client: Client) -> None:
    """C8, L11: `rm -f $(ls -aq)` goes through, and an empty list is told."""
    said(client, "run", "-d", IMAGE, "sleep", "1000")
    said(client, "create", IMAGE)
    ids = said(client, "container", "ls", "-aq").split()
    assert [len(short) for short in ids] == [12, 12]
    code, out, err = client.run("stop", "-t", "0", ids[0], "nosuch", ids[1])
    assert (code, out.split()) == (1, ids)
    assert "No such container: nosuch" in err
    code, out, err = client.run("rm", "-f", *ids)
    assert (code, out.split()) == (0, ids)
    code, _, err = client.run("rm", "-f")
    assert code != 0
    assert "requires at least 1 argument" in err


def test_c9_names_win_and_prefixes_must_be_unique(client: Client) -> None:
    """C9: full id, unique prefix, or name."""
    first = said(client, "create", IMAGE)
    others = [said(client, "create", IMAGE) for _ in range(16)]  # two begin with the same digit
    by_digit = [i[0] for i in (first, *others)]
    shared = next(digit for digit in by_digit if by_digit.count(digit) > 1)
    code, _, err = client.run("inspect", "--type", "container", shared)
    assert code == 1
    assert f"multiple IDs found with provided prefix: {shared}" in err
    assert said(client, "inspect", "-f", "{{.Id}}", first[:20]) == first
    named = said(client, "create", "--name", shared + "x", IMAGE)
    assert said(client, "inspect", "-f", "{{.Id}}", shared + "x") == named


def test_c10_templates_find_addresses_and_miss_politely(client: Client) -> None:
    """C10: `<no value>` for a network that is not there."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sleep", "1000")
    at = "{{ .NetworkSettings.Networks.%s.IPAddress }}"
    assert said(client, "inspect", "-f", at % "nat", "web1") == "<no value>"
    assert said(client, "inspect", "-f", at % "bridge", "web1").count(".") == 3


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/containers/create", {"Image": IMAGE, "HostConfig": {"Memory": 1}}, 400),
        ("/containers/nosuch/start", None, 404),
        ("/containers/create?name=taken", {"Image": IMAGE}, 409),
        ("/containers/taken/stop", None, 304),
        ("/containers/taken/kill", None, 409),
        ("/swarm/init", {}, 501),
    ],
)
def test_c13_a_refusal_has_a_status_and_a_message(
    engine: Engine, path: str, body: object, status: int
) -> None:
    """C13: the kind of the error makes the status; the body is a message."""
    engine.ask("POST", "/containers/create?name=taken", {"Image": IMAGE})
    found, answer = engine.ask("POST", path, body)
    engine.do("rm", "-f", "taken")
    assert found == status
    assert status == 304 or list(answer) == ["message"]


# -- processes -----------------------------------------------------------------------------------


def test_h1_one_shim_a_container_and_no_runtime_stays(engine: Engine, client: Client) -> None:
    """H1, K3: init's parent is its shim, the shim is not the daemon's, no runtime is left."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sleep", "1000")
    shim = engine.shim("web1")
    assert command(shim)[0].startswith("boxship-shim")
    assert parent(shim) not in (engine.daemon, engine.supervisor)
    children = Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
    assert [command(int(pid)) for pid in children] == [["sleep", "1000"]]


def test_d1_neither_daemon_nor_supervisor_is_in_a_container(engine: Engine, client: Client) -> None:
    """K3: only shims have containers below them."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sleep", "1000")
    for pid in (engine.daemon, engine.supervisor):
        assert link(pid, "ns/pid") == link(os.getpid(), "ns/pid")
        assert link(pid, "ns/mnt") == link(os.getpid(), "ns/mnt")


def test_h2_an_end_of_the_meantime_is_known_and_the_log_is_whole(
    engine: Engine, client: Client
) -> None:
    """H2: daemon down, container exits 7, daemon up."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sh", "-c", "sleep 0.4; echo end; exit 7")
    engine.strike("daemon")
    time.sleep(0.6)
    engine.recover()
    assert said(client, "wait", "web1") == "7"
    assert said(client, "inspect", "-f", "{{.State.ExitCode}}", "web1") == "7"
    assert said(client, "logs", "web1") == "end"


@pytest.mark.parametrize("runtime", ["boxship", "runc", "crun", "io.containerd.runc.v2"])
def test_the_same_containers_run_on_any_runtime(client: Client, runtime: str) -> None:
    """Point 3: `--runtime`: output, exit codes, exec, terminal, stop, a program that is missing."""
    run = ("run", "--rm", "--runtime", runtime, IMAGE)
    assert client.run(*run, "sh", "-c", "echo out; echo err >&2; exit 7") == (7, "out\n", "err\n")
    code, _, err = client.run(*run, "nosuch")
    assert code == 127
    assert 'exec: "nosuch": executable file not found in $PATH' in err
    words = ["run", "-it", "--name", "web1", "--runtime", runtime, IMAGE, *QUIET_SHELL]
    size = [("send", b"stty size\r"), ("until", b"40 100\r\n")]
    assert client.typed(words, [*HELLO, *size, LEAVE])[0] == 0
    assert client.run("exec", "web1", "sh", "-c", "echo $$; exit 4")[0] == 4
    code, shown = client.typed(["attach", "web1"], [*HELLO, LEAVE])
    assert (code, shown.endswith(b"read escape sequence\r\n")) == (1, True)
    assert client.typed(["attach", "web1"], [*HELLO, ("send", b"exit 5\r")])[0] == 5
    assert said(client, "inspect", "-f", "{{.State.ExitCode}}", "web1") == "5"


# -- isolation -----------------------------------------------------------------------------------


def test_o3_to_o7_a_container_is_on_its_own(client: Client) -> None:
    """O3 own processes, O4 own network, O5 own root, O6 own memory, O7 own name."""
    at = ("run", "--rm", IMAGE)
    assert said(client, *at, "ps", "-o", "pid,args").split() == ["PID", "COMMAND", "1", "ps", "-o",
                                                                 "pid,args"]  # fmt: skip
    interfaces = said(client, *at, "ip", "-o", "addr")
    assert "eth0" in interfaces
    assert said(client, *at, "ip", "route").startswith("default via ")
    assert "work" not in said(client, *at, "ls", "/").split()
    assert said(client, *at, "sh", "-c", "cat /proc/kcore 2>/dev/null | wc -c") == "0"
    assert client.run(*at, "sh", "-c", "echo x > /proc/sys/kernel/domainname")[0] != 0
    assert len(said(client, *at, "hostname")) == 12
    assert said(client, "run", "--rm", "-h", "web", IMAGE, "hostname") == "web"
    shm = said(client, "run", "--rm", "--shm-size", "32m", IMAGE, "df", "-m", "/dev/shm")
    assert shm.split()[-5] == "32"


def test_o6_memory_is_shared_when_asked_for(client: Client) -> None:
    """O6: `--ipc=container:x`."""
    words = ("run", "-d", "--name", "web1", "--ipc", "shareable", IMAGE)
    said(client, *words, "sh", "-c", "echo seen > /dev/shm/note; sleep 1000")
    shared = ("run", "--rm", "--ipc", "container:web1", IMAGE, "cat", "/dev/shm/note")
    until(lambda: client.run(*shared)[1] == "seen\n", lambda: "never shared")
    assert client.run("run", "--rm", IMAGE, "cat", "/dev/shm/note")[0] == 1


# -- storage -------------------------------------------------------------------------------------


def test_g2_containers_of_one_image_do_not_meet_and_leave_it_alone(client: Client) -> None:
    """G2: copy on write; `diff` shows A, C and D."""
    layer = said(client, "image", "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", IMAGE)
    before = _hash_of(layer)
    for name in ("one", "two"):
        script = f"echo {name} > /note; echo x >> /etc/note; rm /bin/vi"
        said(client, "run", "--name", name, IMAGE, "sh", "-c", script)
    assert _hash_of(layer) == before
    assert sorted(said(client, "diff", "one").splitlines()) == [
        "A /note", "C /bin", "C /etc", "C /etc/note", "D /bin/vi",
    ]  # fmt: skip


def test_g3_inspect_names_the_directories_that_are_mounted(client: Client) -> None:
    """G3: LowerDir, MergedDir, UpperDir, WorkDir."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sleep", "1000")
    data = json.loads(said(client, "inspect", "-f", "{{json .GraphDriver.Data}}", "web1"))
    for kind in ("MergedDir", "UpperDir", "WorkDir"):
        assert os.path.isdir(data[kind])
    assert all(os.path.isdir(lower) for lower in data["LowerDir"].split(":"))
    assert f" {data['MergedDir']} overlay " in Path("/proc/mounts").read_text()
    assert Path(data["MergedDir"], "bin/busybox").exists()


def test_g5_data_survives_stop_and_start_until_rm(client: Client) -> None:
    """G5: echo > newFile.txt; stop; start; cat."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sleep", "1000")
    said(client, "exec", "web1", "sh", "-c", "echo kept > newFile.txt")
    upper = said(client, "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", "web1")
    said(client, "stop", "-t", "0", "web1")
    said(client, "start", "web1")
    assert said(client, "exec", "web1", "cat", "newFile.txt") == "kept"
    said(client, "rm", "-f", "web1")
    until(lambda: not os.path.exists(upper), lambda: f"{upper} is still there")


def _hash_of(folder: str) -> str:
    done = subprocess.run(["tar", "-C", folder, "-cf", "-", "."], capture_output=True, check=True)
    return hashlib.sha256(done.stdout).hexdigest()


# -- life ----------------------------------------------------------------------------------------


def test_l1_l2_a_published_port_answers_on_both_families(client: Client) -> None:
    """L1 a 64-digit id and a page, L2 `port`."""
    port = _free_port()
    words = ("run", "-d", "--name", "web1", "-p", f"{port}:8080", IMAGE)
    script = "mkdir /w; echo hello > /w/index.html; exec httpd -f -p 8080 -h /w"
    assert len(said(client, *words, "sh", "-c", script)) == 64
    assert said(client, "port", "web1").splitlines() == [
        f"8080/tcp -> 0.0.0.0:{port}", f"8080/tcp -> [::]:{port}",
    ]  # fmt: skip
    for address in ("127.0.0.1", "::1"):
        until(lambda at=address: _page(at, port) == b"hello\n", lambda: "no page")  # type: ignore[misc]


def test_l3_a_shell_on_a_terminal_is_process_1(client: Client) -> None:
    """L3, O3: `run -it`: sh is 1 and ps is next; L5: its exit is the container's."""
    script = [("send", b"ps -o pid,args\r"), ("until", b"ps -o pid,args\r\n"), ("send", b"exit\r")]
    code, shown = client.typed(["run", "-it", "--name", "web1", IMAGE, *QUIET_SHELL], script)
    assert code == 0
    assert b"    1 sh\r\n" in shown
    status = said(client, "ps", "-a", "--format", "{{.Status}}", "-f", "name=web1")
    assert status.startswith("Exited (0)")


def test_l4_detach_keys_of_the_configuration(client: Client, tmp_path: Path) -> None:
    """L4: `detachKeys` of config.json works in run, attach, start -a and exec."""
    (tmp_path / "config.json").write_text('{"detachKeys": "ctrl-x,q"}')
    client.environment["DOCKER_CONFIG"] = str(tmp_path)
    leave = [*HELLO, ("send", b"\x18q")]
    assert client.typed(["run", "-it", "--name", "web1", IMAGE, *QUIET_SHELL], leave)[0] == 0
    code, shown = client.typed(["attach", "web1"], leave)
    assert (code, shown.endswith(b"read escape sequence\r\n")) == (1, True)
    assert client.typed(["exec", "-it", "web1", *QUIET_SHELL], leave)[0] == 1
    assert said(client, "inspect", "-f", "{{.State.Status}}", "web1") == "running"
    said(client, "stop", "-t", "0", "web1")
    assert client.typed(["start", "-ai", "web1"], leave)[0] == 0
    assert said(client, "inspect", "-f", "{{.State.Status}}", "web1") == "running"


def test_l7_stop_asks_waits_and_kills(client: Client) -> None:
    """L6, L7: SIGTERM, ten seconds, SIGKILL; who handles the signal ends at once."""
    said(client, "run", "-d", "--name", "deaf", IMAGE, "sleep", "1d")
    began = time.monotonic()
    said(client, "stop", "deaf")
    assert 9 < time.monotonic() - began < 14
    assert said(client, "inspect", "-f", "{{.State.ExitCode}}", "deaf") == "137"
    loop = "; while :; do sleep 0.05; done"
    said(client, "run", "-d", "--name", "one", IMAGE, "sh", "-c", "trap 'exit 3' TERM" + loop)
    words = ("run", "-d", "--name", "two", "--stop-signal", "USR1", IMAGE)
    said(client, *words, "sh", "-c", "trap 'exit 4' USR1; echo ready" + loop)
    until(lambda: "ready" in client.run("logs", "two")[1], lambda: "never ready")
    began = time.monotonic()
    said(client, "stop", "one", "two")
    assert time.monotonic() - began < 5
    at = ("inspect", "-f", "{{.State.ExitCode}}")
    assert said(client, *at, "one", "two").split() == ["3", "4"]


def test_l8_wrong_moves_are_refused_and_change_nothing(client: Client) -> None:
    """L8: created, running, paused, exited."""
    said(client, "create", "--name", "web1", IMAGE, "sleep", "1000")
    assert "is not running" in client.run("pause", "web1")[2]
    said(client, "start", "web1")
    said(client, "start", "web1")
    assert "is not paused" in client.run("unpause", "web1")[2]
    said(client, "pause", "web1")
    assert "is already paused" in client.run("pause", "web1")[2]
    assert "is paused, unpause the container before exec" in client.run("exec", "web1", "ls")[2]
    assert "is paused and must be unpaused first" in client.run("rm", "web1")[2]
    assert said(client, "inspect", "-f", "{{.State.Status}}", "web1") == "paused"
    said(client, "unpause", "web1")
    said(client, "restart", "-t", "0", "web1")
    said(client, "kill", "web1")
    assert "is not running" in client.run("kill", "web1")[2]
    assert client.run("kill", "nosuch")[2].endswith(
        "cannot kill container: nosuch: No such container: nosuch\n"
    )


def test_l9_exec_passes_exit_codes_on(client: Client) -> None:
    """L9: all namespaces and the cgroup; 126 and 127."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sleep", "1000")
    assert client.run("exec", "web1", "sh", "-c", "exit 9")[0] == 9
    assert client.run("exec", "web1", "nosuch")[0] == 127
    assert client.run("exec", "web1", "/etc/note")[0] == 126
    assert client.run("exec", "web1", "/etc")[0] == 126
    groups = [said(client, "exec", "web1", "cat", f"/proc/{p}/cgroup") for p in ("1", "self")]
    assert groups[0] == groups[1]
    for kind in ("pid", "mnt", "net", "ipc", "uts", "cgroup"):
        both = f"readlink /proc/1/ns/{kind}; readlink /proc/self/ns/{kind}"
        assert len(set(said(client, "exec", "web1", "sh", "-c", both).split())) == 1
    assert said(client, "inspect", "-f", "{{.State.Status}}", "web1") == "running"


def test_l10_the_files_that_docker_puts_into_a_container(client: Client) -> None:
    """L10: /.dockerenv, hosts, hostname, resolv.conf."""
    script = "hostname; cat /etc/hostname; tail -n 1 /etc/hosts | cut -f 2; ls /.dockerenv"
    out = said(client, "run", "--rm", IMAGE, "sh", "-c", script + "; wc -l < /etc/resolv.conf")
    name, *rest = out.split()
    assert rest[:3] == [name, name, "/.dockerenv"]
    assert int(rest[3]) > 0


def test_l12_the_image_names_the_default_process(client: Client) -> None:
    """L12: Cmd; the second of L6: a command in its place."""
    assert said(client, "inspect", "-f", "{{json .Config.Cmd}}", IMAGE) == '["sh"]'
    said(client, "run", "--name", "web1", IMAGE)
    assert said(client, "inspect", "-f", "{{.Path}} {{.Args}}", "web1") == "sh []"


# -- logs ----------------------------------------------------------------------------------------


def test_g1l_g3l_streams_are_kept_apart_in_the_json_file(client: Client) -> None:
    """G1L streams with times, G3L the file."""
    said(client, "run", "-d", "--name", "web1", IMAGE, "sh", "-c", "echo out; echo err >&2")
    said(client, "wait", "web1")
    assert client.run("logs", "web1") == (0, "out\n", "err\n")
    found = Path(said(client, "inspect", "-f", "{{.LogPath}}", "web1"))
    container_id = said(client, "inspect", "-f", "{{.Id}}", "web1")
    assert found.name == f"{container_id}-json.log"
    entries = [json.loads(line) for line in found.read_text().splitlines()]
    assert sorted((e["log"], e["stream"]) for e in entries) == [
        ("err\n", "stderr"), ("out\n", "stdout"),
    ]  # fmt: skip
    assert all(e["time"].endswith("Z") for e in entries)


def test_g2l_logs_in_part_and_over_rotations(client: Client) -> None:
    """G2L, G3L: --tail, --since, --until, -t; `max-size` and `max-file` keep the end."""
    words = ("run", "--name", "web1", "--log-opt", "max-size=2k", "--log-opt", "max-file=2", IMAGE)
    client.run(*words, "sh", "-c", "for i in $(seq 100); do echo line$i; done")
    assert said(client, "logs", "-n", "2", "web1").split() == ["line99", "line100"]
    kept = said(client, "logs", "web1").split()
    assert kept == [f"line{i}" for i in range(101 - len(kept), 101)]
    assert 20 < len(kept) < 100
    assert said(client, "logs", "--since", "1h", "--until", "30m", "web1") == ""
    stamp, _, text = said(client, "logs", "-t", "-n", "1", "web1").partition(" ")
    assert (stamp[10], stamp[-1], text) == ("T", "Z", "line100")
    assert "500" not in said(client, "logs", "--since", stamp, "web1")


def test_g6l_a_log_file_that_is_a_link_to_stdout(client: Client) -> None:
    """G6L: also for a user who is not root."""
    script = "ln -s /dev/stdout /tmp/app.log; ln -s /dev/stderr /tmp/err.log; echo a > /tmp/app.log"
    words = ("--rm", IMAGE, "sh", "-c", script + "; echo b >> /tmp/err.log; echo c >> /tmp/app.log")
    for user in ("0", "1000"):
        assert client.run("run", "-u", user, *words) == (0, "a\nc\n", "b\n")


# -- errors that help ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "codes", "says"),
    [
        ("nosuch", (127, 127), 'exec: "nosuch": executable file not found in $PATH'),
        ("/nosuch", (127, 127), "stat /nosuch: no such file or directory"),
        ("/x/plain", (126, 126), "permission denied: its mode is 644: it is not executable"),
        ("/x", (126, 126), "is a directory: permission denied"),
        ("/x/arm", (125, 126), "exec format error: built for arm64, this host is amd64"),
        ("/x/words", (125, 126), "neither a program nor a script that starts with #!"),
        ("/x/script", (127, 127), "its interpreter /usr/bin/python9 does not exist"),
        ("/x/dynamic", (127, 127), "its loader /lib64/ld-none.so.2 does not exist"),
    ],
)
def test_7_a_program_that_cannot_be_run_says_why(
    client: Client, program: str, codes: tuple[int, int], says: str
) -> None:
    """Point 7, L9.  The docker client knows no 126 for a wrong format; the container's is 126."""
    code, _, err = client.run("run", "--name", "web1", "bad:1", program)
    assert says in err
    assert code == codes[client.program == OURS]
    state = said(client, "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "web1")
    assert state == f"created {codes[1]}"
    said(client, "run", "-d", "--name", "web2", "bad:1", "/bin/sleep", "1000")
    code, out, err = client.run("exec", "web2", program)
    assert code == codes[1]
    assert says in out + err


def test_7_a_port_that_is_taken(client: Client) -> None:
    """Point 7: by a container, whose name is told, and by a program of the host."""
    with socket.socket() as program:
        program.bind(("0.0.0.0", 0))
        program.listen()
        port = program.getsockname()[1]
        code, out, err = client.run("run", "-d", "--name", "no", "-p", f"{port}:80", IMAGE)
    assert (code, len(out)) == (125, 65)
    assert f"0.0.0.0:{port}" in err
    assert "address already in use" in err
    said(client, "run", "-d", "--name", "web1", "-p", f"{port}:80", IMAGE, "sleep", "1000")
    code, _, err = client.run("run", "-d", "--name", "web2", "-p", f"{port}:80", IMAGE)
    assert code == 125
    assert f"Bind for 0.0.0.0:{port} failed: port is already allocated" in err
    assert "container web1" in err
    said(client, "rm", "-f", "web1")
    said(client, "start", "no")  # what failed has kept nothing


def test_7_a_name_that_is_taken_and_an_image_that_is_not_there(client: Client) -> None:
    """Point 7: 125, and Docker's words."""
    said(client, "create", "--name", "web1", IMAGE)
    code, _, err = client.run("run", "--name", "web1", IMAGE)
    assert code == 125
    assert 'The container name "/web1" is already in use by container' in err
    code, _, err = client.run("run", "--pull", "never", "nosuch:1")
    assert code == 125
    assert "No such image: nosuch:1" in err
    code, _, err = client.run("run", "--nosuch", IMAGE)
    assert (code, err.splitlines()[0]) == (125, "unknown flag: --nosuch")


def test_7_no_daemon_and_no_permission(client: Client, tmp_path: Path) -> None:
    """Point 7: 1, and 125 for run."""
    client.environment["DOCKER_HOST"] = f"unix://{tmp_path}/none.sock"
    for code, words in ((1, ("ps",)), (125, ("run", IMAGE))):
        found, _, err = client.run(*words)
        assert found == code
        assert f"Cannot connect to the Docker daemon at unix://{tmp_path}/none.sock" in err


def test_7_who_may_not_use_the_socket_is_told(engine: Engine, client: Client) -> None:
    """Point 7: another user than root."""
    try:
        done = subprocess.run(
            [client.program, "ps"],
            user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
            env={**client.environment, "HOME": "/nonexistent"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except PermissionError:
        pytest.skip("nobody may not run the client")
    os.chmod(engine.folder, 0o755)
    done = subprocess.run(
        done.args, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
        env={**client.environment, "HOME": "/nonexistent"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "permission denied while trying to connect to the Docker daemon socket" in done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _page(address: str, port: int) -> bytes:
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    except OSError:
        return b""
    finally:
        connection.close()


def _bad_programs() -> bytes:
    """The image with programs in /x that cannot be run, each for another reason."""
    out = BytesIO(busybox_archive())
    with tarfile.open(fileobj=out, mode="a") as archive:
        for name, (mode, data) in {
            "plain": (0o644, b"#!/bin/sh\n"),
            "words": (0o755, b"echo hi\n"),
            "script": (0o755, b"#!/usr/bin/python9\n"),
            "arm": (0o755, _elf(183, b"")),
            "dynamic": (0o755, _elf(62, b"/lib64/ld-none.so.2\0")),
        }.items():
            info = tarfile.TarInfo(f"x/{name}")
            info.mode, info.size = mode, len(data)
            archive.addfile(info, BytesIO(data))
    return out.getvalue()


def _elf(machine: int, loader: bytes) -> bytes:
    """An ELF file: its header, one program header (PT_INTERP), the name of its loader."""
    start = 0x400000
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        2,
        machine,
        1,
        start,
        64,
        0,
        0,
        64,
        56,
        1,
        0,
        0,
        0,
    )
    part = struct.pack("<IIQQQQQQ", 3, 4, 120, start, start, len(loader), len(loader), 1)
    return header + part + loader
