"""The shim with our runtime in a forked child."""

import contextlib
import os
import select
import signal
import time
from pathlib import Path

import pytest

from suites.shim_harness import Zygote
from suites.shim_suite import SLEEP, ShimSuite


def _spare_of(zygote: Zygote) -> int:
    """The pid of its spare, which it makes when it has been quiet for a moment."""
    deadline = time.monotonic() + 5
    children = f"/proc/{zygote.process.pid}/task/{zygote.process.pid}/children"
    while time.monotonic() < deadline:
        for pid in Path(children).read_text(encoding="ascii").split():
            with contextlib.suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text(encoding="ascii") == "boxship-spare\n":
                    return int(pid)
        select.select([], [], [], 0.01)
    raise AssertionError("the zygote has made no spare")


@pytest.mark.root
class TestShimWithBoxship(ShimSuite):
    binary = ""

    def test_the_container_dies_with_its_shim(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            init = os.pidfd_open(web.create())
            web.start()
            os.kill(web.shim_pid, signal.SIGKILL)
            assert select.select([init], [], [], 5)[0]
            os.close(init)
            what = {"namespace": "test", "id": web.id, "bundle": web.bundle}
            assert zygote.ask({"cleanup": what}) == {}

    def test_an_idle_shim_is_small(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            with open(f"/proc/{web.shim_pid}/smaps_rollup", encoding="ascii") as rollup:
                sizes = dict(line.split()[:2] for line in list(rollup)[1:])
            # What it shares with the zygote is divided by the number of containers.
            assert int(sizes["Private_Dirty:"]) < 2.5 * 1024

    def test_a_container_that_is_killed_before_its_start(self, zygote: Zygote) -> None:
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.client.call("Kill", id=web.id, signal=signal.SIGKILL)
            assert web.wait() == 137
            assert web.client.call("Delete", id=web.id)["exit_status"] == 137

    def test_a_spare_is_ready_and_takes_the_next_request(self, zygote: Zygote) -> None:
        spare = _spare_of(zygote)
        with self.container(zygote, *SLEEP) as web:
            assert web.shim_pid == spare
            web.create()
            web.start()
        assert _spare_of(zygote) != spare

    def test_a_spare_that_was_killed_is_done_without(self, zygote: Zygote) -> None:
        spare = _spare_of(zygote)
        end = os.pidfd_open(spare)
        os.kill(spare, signal.SIGKILL)
        assert select.select([end], [], [], 5)[0]
        os.close(end)
        with self.container(zygote, *SLEEP) as web:
            assert web.create() > 0
            web.start()

    def test_a_spare_goes_with_its_zygote(self) -> None:
        zygote = Zygote()
        end = os.pidfd_open(_spare_of(zygote))
        zygote.process.kill()
        assert select.select([end], [], [], 5)[0]
        os.close(end)
        zygote.close()

    def test_a_zygote_that_loses_its_supervisor_ends_and_its_shims_go_on(self) -> None:
        zygote = Zygote()
        with self.container(zygote, *SLEEP) as web:
            web.create()
            web.start()
            zygote.control.close()
            assert zygote.process.wait(5) == 0
            assert web.client.call("State", id=web.id)["exit_status"] == 0
        zygote.close()
