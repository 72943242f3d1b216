"""The environment of a container."""

from boxship.daemon.environment import environment, merged

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_docker_adds_path_and_hostname_and_with_a_terminal_term() -> None:
    assert environment("h1", tty=False, asked=None) == [PATH, "HOSTNAME=h1"]
    assert environment("h1", tty=True, asked=["FOO=bar"]) == [
        PATH,
        "HOSTNAME=h1",
        "TERM=xterm",
        "FOO=bar",
    ]


def test_what_is_asked_replaces_in_place_and_a_bare_name_removes() -> None:
    assert environment("h1", tty=False, asked=["PATH=/bin", "HOSTNAME"]) == ["PATH=/bin"]
    assert merged(["A=1", "B=2"], ["B=", "C=3=4"]) == ["A=1", "B=", "C=3=4"]
