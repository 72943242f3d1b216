"""What the client imports before it does something, by the names of modules."""

import subprocess
import sys

import pytest

SLOW = {
    *("argparse", "asyncio", "dataclasses", "typing", "ssl", "subprocess", "pathlib", "logging"),
    *("msgspec", "aiohttp", "urllib", "http.client", "inspect", "tempfile", "threading", "ctypes"),
}


def imported(*words: str) -> set[str]:
    code = (
        "import sys; from boxship.cli.main import main; main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *words], capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


def test_help_needs_nearly_nothing() -> None:
    modules = imported("--help")
    assert not modules & {*SLOW, "socket", "json", "re"}
    assert not any(name.startswith("boxship.api") for name in modules)


@pytest.mark.parametrize("command", ["ps", "run", "exec", "logs", "images"])
def test_a_command_imports_only_itself(command: str) -> None:
    modules = imported("-H", "unix:///nowhere.sock", command, "x", "y")
    assert not modules & SLOW
    others = {f"boxship.cli.container.{name}" for name in ("attach", "start", "top", "rename")}
    assert not modules & others


def test_the_template_engine_is_not_read_for_a_run() -> None:
    modules = imported("-H", "unix:///nowhere.sock", "run", "x")
    assert "boxship.wire.gotemplate.evaluate" not in modules
