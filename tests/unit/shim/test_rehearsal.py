"""The zygote's rehearsal plays to the end, and leaves nothing."""

import gc
import os
import signal

import pytest

from boxship.shim import rehearsal


def descriptors() -> set[str]:
    return {
        name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}")
    }


@pytest.mark.root
def test_the_rehearsal_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "_TIMES", 2)
    before = descriptors()
    handler = signal.getsignal(signal.SIGCHLD)
    rehearsal.rehearse()
    signal.signal(signal.SIGCHLD, handler)
    gc.collect()
    assert descriptors() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
