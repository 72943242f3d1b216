"""docker run: foreground, background, exit codes, streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from suites.engine_deaths import IMAGE

if TYPE_CHECKING:
    from suites.docker_client import Docker

pytestmark = pytest.mark.root


def test_the_exit_code_of_the_program_is_that_of_the_client(docker: Docker) -> None:
    assert docker.say("run", "--rm", IMAGE, "true").code == 0
    assert docker.say("run", "--rm", IMAGE, "sh", "-c", "exit 7").code == 7


def test_stdout_and_stderr_stay_apart(docker: Docker) -> None:
    said = docker.say("run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2")
    assert (said.out, said.err) == ("out\n", "err\n")


def test_stdin_goes_in_and_its_end_too(docker: Docker) -> None:
    assert docker("run", "-i", "--rm", IMAGE, "wc", "-c", stdin=b"x" * 3_000_000) == "3000000"


def test_all_of_a_large_output_arrives(docker: Docker) -> None:
    said = docker.say("run", "--rm", IMAGE, "sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x")
    assert said.out == "x" * 5_000_000


@pytest.mark.parametrize(
    ("program", "code", "words"),
    [
        ("nonono", 127, 'exec: "nonono": executable file not found in $PATH'),
        ("/nonono", 127, 'exec: "/nonono": stat /nonono: no such file or directory'),
        ("/etc", 126, 'exec: "/etc": is a directory: permission denied'),
        ("/etc/note", 126, 'exec: "/etc/note": permission denied'),
    ],
)
def test_a_program_that_cannot_be_started(
    docker: Docker, program: str, code: int, words: str
) -> None:
    said = docker.say("run", "--rm", IMAGE, program)
    assert said.code == code
    assert words in said.err
    assert docker("ps", "-a", "-q") == ""


def test_what_the_daemon_refuses_is_125(docker: Docker) -> None:
    said = docker.say("run", "--rm", "-m", "1m", IMAGE, "true")
    assert said.code == 125
    assert "Error response from daemon: Minimum memory limit allowed is 6MB" in said.err
    said = docker.say("run", "--name", "a b", IMAGE, "true")
    assert said.code == 125
    assert "Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed" in said.err


def test_a_name_is_given_once(docker: Docker) -> None:
    first = docker.run("--name", "web", IMAGE, "sleep", "100")
    said = docker.say("run", "--name", "web", IMAGE, "true")
    assert said.code == 125
    assert (
        f'Conflict. The container name "/web" is already in use by container "{first}". '
        "You have to remove (or rename) that container to be able to reuse that name." in said.err
    )


def test_rm_leaves_nothing(docker: Docker) -> None:
    docker("run", "--rm", "-v", "/anonymous", IMAGE, "touch", "/anonymous/x")
    assert docker("ps", "-a", "-q") == ""
    assert docker("volume", "ls", "-q") == ""


def test_environment_folder_user_and_entrypoint(docker: Docker) -> None:
    words = ["-e", "A=1", "-w", "/tmp", "-u", "7:8", "--hostname", "here"]
    script = "echo $A $PWD $(id -u) $(id -g) $(hostname)"
    assert docker("run", "--rm", *words, IMAGE, "sh", "-c", script) == "1 /tmp 7 8 here"
    assert docker("run", "--rm", "--entrypoint", "echo", IMAGE, "hey") == "hey"


def test_a_signal_to_the_client_reaches_the_program(docker: Docker) -> None:
    script = "trap 'echo got it; exit 9' TERM; echo ready; while true; do sleep 0.1; done"
    with docker.beside("run", "--rm", "--name", "web", IMAGE, "sh", "-c", script) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        client.terminate()
        assert client.stdout.readline() == b"got it\n"
        assert client.wait(20) == 9


def test_a_client_that_is_killed_ends_no_container(docker: Docker) -> None:
    script = "echo ready; while true; do echo x; sleep 0.01; done"
    with docker.beside("run", "--name", "web", IMAGE, "sh", "-c", script) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        client.kill()
    assert docker("inspect", "-f", "{{.State.Status}}", "web") == "running"
    seen = len(docker("logs", "web"))
    docker("exec", "web", "sleep", "0.2")
    assert len(docker("logs", "web")) > seen


def test_attach_detaches_by_its_end_only(docker: Docker) -> None:
    docker.run("-i", "--name", "web", IMAGE, "sh", "-c", "read line; echo got $line; exit 3")
    said = docker.say("attach", "web", stdin=b"words\n")
    assert (said.code, said.out) == (3, "got words\n")


def test_a_health_check_is_not_ignored_in_silence(docker: Docker) -> None:
    said = docker.say("run", "--rm", "--health-cmd", "true", IMAGE, "true")
    assert said.code == 0
    assert "Health checks are not carried out yet" in said.err
