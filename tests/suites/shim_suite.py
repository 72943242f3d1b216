"""What every shim does, whichever OCI runtime makes its processes: one story per promise."""

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from boxship.api.containerd import cgroups_v1_pb2, cgroups_v2_pb2
from boxship.shim import messages
from boxship.wire import ttrpc
from suites.shim_harness import (
    Client,
    Container,
    Events,
    Failed,
    Zygote,
    connect,
    container,
    read_all,
    read_until,
    streams,
)

SLEEP = ["sleep", "1000"]


class ShimSuite:
    """Subclasses name the runtime as Create's options do; "" is ours."""

    binary = ""

    @pytest.fixture(scope="class")
    @classmethod
    def zygote(cls) -> Iterator[Zygote]:
        zygote = Zygote()
        yield zygote
        zygote.close()

    def container(self, zygote: Zygote, *args: str) -> AbstractContextManager[Container]:
        return container(zygote, self.binary, list(args))

    def test_exit_status_log_and_events_are_told(self, zygote: Zygote) -> None:
        with self.container(zygote, "sh", "-c", "echo out; echo err >&2; exit 7") as web:
            pid = web.create()
            web.start()
            assert web.wait() == 7
            assert sorted(web.logged()) == [("stderr", "err\n"), ("stdout", "out\n")]
            assert os.stat(web.log).st_mode & 0o777 == 0o640
            assert zygote.events.until("/tasks/create")["container_id"] == web.id
            assert zygote.events.next() == ("/tasks/start", {"container_id": web.id, "pid": pid})
            topic, exited = zygote.events.next()
            assert (topic, exited["id"], exited["exit_status"]) == ("/tasks/exit", web.id, 7)
            state = web.client.call("State", id=web.id)
            assert (state["status"], state["exit_status"]) == (messages.STOPPED, 7)
            assert web.client.call("Delete", id=web.id)["exit_status"] == 7
            assert zygote.events.next()[0] == "/tasks/delete"

    def test_a_signal_is_128_and_its_number(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            web.client.call("Kill", id=web.id, signal=signal.SIGKILL)
            assert web.wait() == 137
            with pytest.raises(Failed, match="already finished") as refused:
                web.client.call("Kill", id=web.id, signal=9)
            assert refused.value.code == ttrpc.NOT_FOUND

    def test_a_client_from_before_the_start_sees_every_byte(self, zygote: Zygote) -> None:
        script = "echo first; echo second >&2; head -c 900000 /dev/zero"
        with self.container(zygote, "sh", "-c", script) as web:
            web.create()
            with web.attach() as watcher, web.attach(stderr=False, stdin=False) as other:
                web.start()
                seen = streams(read_all(watcher))
                assert seen == {1: b"first\n" + bytes(900_000), 2: b"second\n"}
                assert streams(read_all(other)) == {1: b"first\n" + bytes(900_000), 2: b""}
            assert web.wait() == 0
            with web.attach() as late:
                assert read_all(late) == b""

    def test_input_reaches_the_process_and_ends(self, zygote: Zygote) -> None:
        with self.container(zygote, "cat") as web:
            web.create(stdout=web.ours(stdin="1"))
            with web.attach() as client:
                web.start()
                client.sendall(b"hello\n")
                assert read_until(client, b"hello\n")
                client.sendall(b"bye\n")
                client.shutdown(socket.SHUT_WR)
                assert streams(read_all(client))[1] == b"bye\n"
            assert web.wait() == 0

    def test_input_can_stay_open_when_a_client_ends_its_own(self, zygote: Zygote) -> None:
        with self.container(zygote, "cat") as web:
            web.create(stdout=web.ours(stdin="1"))
            web.start()
            with web.attach(close_stdin=False) as first:
                first.sendall(b"one\n")
                first.shutdown(socket.SHUT_WR)
                read_until(first, b"one\n")
            with web.attach() as second:
                second.sendall(b"two\n")
                read_until(second, b"two\n")
                web.client.call("CloseIO", id=web.id, stdin=True)
                assert read_all(second) == b""
            assert web.wait() == 0

    def test_input_of_a_client_that_goes_at_once_arrives(self, zygote: Zygote) -> None:
        with self.container(zygote, "cat") as web:
            web.create(stdout=web.ours(stdin="1"))
            web.start()
            with web.attach() as client:
                client.sendall(b"x" * 30_000 + b"\n")
            assert web.wait() == 0
            assert "".join(text for _, text in web.logged()) == "x" * 30_000 + "\n"

    def test_a_user_opens_its_standard_output_again(self, zygote: Zygote) -> None:
        script = "ln -s /dev/stdout /tmp/app.log; echo out >> /tmp/app.log; echo err > /dev/stderr"
        user = {"uid": 1000, "gid": 1000}
        with container(zygote, self.binary, ["sh", "-c", script], user=user) as web:
            assert web.run() == 0
            assert sorted(web.logged()) == [("stderr", "err\n"), ("stdout", "out\n")]

    def test_a_terminal_is_one(self, zygote: Zygote) -> None:
        script = "tty; read line; stty size; echo got $line"
        with container(zygote, self.binary, ["sh", "-c", script], terminal=True) as web:
            web.create(terminal=True, stdout=web.ours(stdin="1"))
            web.client.call("ResizePty", id=web.id, width=132, height=43)
            with web.attach() as client:
                web.start()
                assert b"/dev/" in read_until(client, b"\r\n")
                client.sendall(b"word\n")
                text = read_all(client)
            assert b"43 132\r\n" in text
            assert text.endswith(b"got word\r\n")
            assert web.wait() == 0
            assert ("stdout", "43 132\r\n") in web.logged()

    def test_a_terminal_outlives_its_client(self, zygote: Zygote) -> None:
        with container(zygote, self.binary, ["sh"], terminal=True) as web:
            web.create(terminal=True, stdout=web.ours(stdin="1"))
            web.start()
            with web.attach() as first:
                first.sendall(b"x=5\n")
                read_until(first, b"x=5")
            with web.attach() as second:
                second.sendall(b"echo x is $x\n")
                read_until(second, b"x is 5")
                second.sendall(b"exit 3\n")
                read_all(second)
            assert web.wait() == 3

    def test_execs_run_side_by_side(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            names = [f"e{number}" for number in range(4)]
            for number, name in enumerate(names):
                web.exec(name, ["sh", "-c", f"echo {name}; exit {number}"])
            clients = {name: web.attach(name) for name in names}
            starts = [web.client.send("Start", id=web.id, exec_id=name) for name in names]
            waits = [web.client.send("Wait", id=web.id, exec_id=name) for name in names]
            pids = [web.client.receive(start)["pid"] for start in starts]
            assert [web.client.receive(wait)["exit_status"] for wait in waits] == [0, 1, 2, 3]
            for name, client in clients.items():
                with client:
                    assert streams(read_all(client))[1] == f"{name}\n".encode()
            exits = {}
            while len(exits) < 4:
                exit_ = zygote.events.until("/tasks/exit")
                if exit_["container_id"] == web.id:
                    exits[exit_["id"]] = exit_["exit_status"]
            assert exits == {"e0": 0, "e1": 1, "e2": 2, "e3": 3}
            gone = web.client.call("Delete", id=web.id, exec_id="e3")
            assert (gone["pid"], gone["exit_status"]) == (pids[3], 3)
            with pytest.raises(Failed, match="not found") as refused:
                web.client.call("State", id=web.id, exec_id="e3")
            assert refused.value.code == ttrpc.NOT_FOUND

    def test_an_exec_with_a_terminal_and_input(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            stdout = f"boxship-io://?attach={web.bundle}/e.sock&stdin=1"
            web.exec("e", ["sh"], terminal=True, stdout=stdout)
            with web.attach("e") as client:
                web.client.call("Start", id=web.id, exec_id="e")
                client.sendall(b"tty && exit 9\n")
                assert b"/dev/pts/" in read_all(client)
            assert web.wait("e") == 9

    @pytest.mark.parametrize(
        ("args", "marker"),
        [
            (["nothere"], 'exec: "nothere": executable file not found in $PATH'),
            (["/nothere"], "no such file or directory"),
            (["/etc"], None),
        ],
    )
    def test_a_program_that_cannot_be_is_an_error(
        self, zygote: Zygote, args: list[str], marker: str | None
    ) -> None:
        with self.container(zygote, *args) as web:
            with pytest.raises(Failed) as refused:
                web.run()
            assert marker is None or marker in refused.value.message
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            web.exec("e", args)
            with pytest.raises(Failed) as refused:
                web.client.call("Start", id=web.id, exec_id="e")
            assert marker is None or marker in refused.value.message
            web.client.call("Delete", id=web.id, exec_id="e")
            assert web.client.call("State", id=web.id)["status"] == messages.RUNNING

    def test_a_background_process_does_not_hide_the_end(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            web.exec("e", ["sh", "-c", "sleep 30 & echo begun"])
            with web.attach("e") as client:
                web.client.call("Start", id=web.id, exec_id="e")
                begin = time.monotonic()
                assert web.wait("e") == 0
                assert time.monotonic() - begin < 2
                assert streams(read_all(client))[1] == b"begun\n"
                assert time.monotonic() - begin < 6

    def test_no_line_of_a_fast_writer_is_lost(self, zygote: Zygote) -> None:
        script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"
        with self.container(zygote, "sh", "-c", script) as web:
            assert web.run() == 0
            assert [text for _, text in web.logged()] == [f"line {n}\n" for n in range(20000)]

    def test_a_slow_client_holds_the_process_up_and_a_lost_one_does_not(
        self, zygote: Zygote
    ) -> None:
        with self.container(zygote, "head", "-c", "20000000", "/dev/zero") as web:
            web.create(stdout=web.ours(driver="none"))
            slow = web.attach(stdin=False)
            web.start()
            waiting = web.client.send("Wait", id=web.id)
            assert not select.select([web.client.socket], [], [], 0.5)[0]
            slow.close()
            assert web.client.receive(waiting)["exit_status"] == 0

    def test_pause_and_resume(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            web.client.call("Pause", id=web.id)
            assert web.client.call("State", id=web.id)["status"] == messages.PAUSED
            with pytest.raises(Failed, match="paused"):
                web.client.call("Pause", id=web.id)
            web.client.call("Resume", id=web.id)
            assert web.client.call("State", id=web.id)["status"] == messages.RUNNING

    def test_pids_and_stats(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            pid = web.create()
            web.start()
            found = web.client.call("Pids", id=web.id)["processes"]
            assert [process["pid"] for process in found] == [pid]
            stats = web.client.call("Stats", id=web.id)["stats"]
            assert stats["type_url"].startswith("io.containerd.cgroups.v")
            kind = cgroups_v1_pb2 if ".v1." in stats["type_url"] else cgroups_v2_pb2
            assert kind.Metrics.FromString(stats["value"]).pids.current == 1

    def test_running_out_of_memory_is_told(self, zygote: Zygote) -> None:
        hungry = ["sh", "-c", "x=hungry; while :; do x=$x$x; done"]
        resources = {"memory": {"limit": 16 << 20, "swap": 16 << 20}}
        with container(zygote, self.binary, hungry, resources=resources) as web:
            assert web.run() == 137
            assert zygote.events.until("/tasks/oom") == {"container_id": web.id}

    def test_wrong_calls_have_containerds_codes(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            codes = {}
            web_calls = [
                ("State", {}, "early"),
                ("Create", None, ""),
                ("Create", {"bundle": web.bundle}, "again"),
                ("Start", {}, ""),
                ("Start", {}, "twice"),
                ("Delete", {}, "running"),
                ("Kill", {"exec_id": "nope", "signal": 9}, "unknown"),
            ]
            for method, fields, name in web_calls:
                try:
                    web.create() if fields is None else web.client.call(method, id=web.id, **fields)
                except Failed as error:
                    codes[name] = error.code
            assert codes == {"early": 5, "again": 6, "twice": 9, "running": 9, "unknown": 5}

    def test_fifos_of_a_containerd_client(self, zygote: Zygote) -> None:
        with self.container(zygote, "sh", "-c", "cat; echo done >&2") as web:
            paths = {name: f"{web.bundle}/{name}" for name in ("stdin", "stdout", "stderr")}
            for path in paths.values():
                os.mkfifo(path)
            ends = {
                name: os.open(paths[name], os.O_RDONLY | os.O_NONBLOCK)
                for name in ("stdout", "stderr")
            }
            web.create(**paths)
            web.start()
            with open(paths["stdin"], "wb", buffering=0) as stdin:
                stdin.write(b"hello\n")
                web.client.call("CloseIO", id=web.id, stdin=True)
            assert web.wait() == 0
            assert read_fifo(ends["stdout"]) == b"hello\n"
            assert read_fifo(ends["stderr"]) == b"done\n"

    def test_events_wait_for_a_supervisor_that_is_down(self, zygote: Zygote) -> None:
        zygote.events.close()
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            os.unlink(f"{zygote.directory}/events")
            web.events = zygote.events = Events(f"{zygote.directory}/events")
            again = Client(web.socket)
            assert again.call("Connect", id=web.id)["shim_pid"] == web.shim_pid
            again.close()
            topics = [zygote.events.next()[0] for _ in range(2)]
            assert topics == ["/tasks/create", "/tasks/start"]

    def test_connections_come_and_go(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            many = [Client(web.socket) for _ in range(20)]
            waits = [client.send("Wait", id=web.id) for client in many]
            for client in many[:10]:
                client.close()
            connect(web.socket).close()
            web.client.call("Kill", id=web.id, signal=signal.SIGKILL)
            for client, wait in zip(many[10:], waits[10:], strict=True):
                assert client.receive(wait)["exit_status"] == 137
                client.close()

    def test_a_killed_shim_is_cleaned_up_by_the_zygote(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            pid = web.create()
            web.start()
            init = os.pidfd_open(pid)
            os.kill(web.shim_pid, signal.SIGKILL)
            what = {"namespace": "test", "id": web.id, "bundle": web.bundle}
            assert web.shim_gone()
            assert zygote.ask({"cleanup": what}) == {}
            assert select.select([init], [], [], 5)[0], "the container outlives its shim"
            os.close(init)
            assert zygote.ask({"cleanup": what}) == {}

    def test_the_shim_ends_and_leaves_no_socket(self, zygote: Zygote) -> None:
        with self.container(zygote, "true") as web:
            assert web.run() == 0
            web.client.call("Shutdown", id=web.id)
            assert web.client.call("State", id=web.id)["status"] == messages.STOPPED
            web.client.call("Delete", id=web.id)
            web.client.call("Shutdown", id=web.id)
            assert web.shim_gone()
            assert not os.path.exists(web.socket)
            assert not os.path.exists(web.attach_path)


def read_fifo(fd: int) -> bytes:
    os.set_blocking(fd, True)
    with open(fd, "rb") as end:
        return end.read()
