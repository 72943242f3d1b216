"""What a cold `boxship-runtime` may import: habit 16 of the style."""

import subprocess
import sys

SLOW = {
    "asyncio", "dataclasses", "typing", "re", "enum", "json", "logging", "pathlib", "subprocess",
    "contextlib", "socket", "signal", "collections", "functools", "datetime", "hashlib", "random",
}  # fmt: skip


def modules_after(statement: str) -> set[str]:
    code = f"import sys; sys.path[:] = {sys.path!r}; {statement}; print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", code]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_runtime_imports_nothing_slow() -> None:
    for module in ("create", "start", "execute", "delete", "kill", "main", "commands", "reports"):
        assert not SLOW & modules_after(f"import boxship.runtime.{module}"), module


def test_a_filter_is_compiled_by_a_module_that_a_cached_one_does_not_need() -> None:
    loaded = modules_after("import boxship.runtime.create, boxship.runtime.seccomp")
    assert "boxship.kernel.seccomp_filter" not in loaded
