"""kill -9 at random moments of random work: whatever was acknowledged holds, nothing is orphaned.

Long; `make chaos` runs it.  Each round prints its seed: CHAOS_SEED=n repeats one, CHAOS_ROUNDS=n
sets how many there are.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from suites import engine_deaths
from suites.census import alive
from suites.engine_deaths import IMAGE, Engine, until
from suites.small_registry import layer_of, registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from suites.small_registry import Registry

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "40"))
SEED = os.environ.get("CHAOS_SEED")
SEEDS = [int(SEED)] if SEED else range(ROUNDS)

VICTIMS = (
    ("daemon",),
    ("supervisor",),
    ("zygote",),
    ("daemon", "supervisor"),
    ("supervisor", "daemon"),
    ("supervisor", "zygote"),
    ("daemon", "supervisor", "zygote"),
)
# While the daemon lives nobody needs to notice: every second round kills these only.
LESSER = (("supervisor",), ("zygote",), ("supervisor", "zygote"))
COUNTING = "i=0; while :; do seq $i $((i+199)); i=$((i+200)); usleep 20000; done"


@pytest.fixture(scope="module")
def one() -> Iterator[Engine]:
    with engine_deaths.engine() as made:
        yield made


@pytest.fixture
def engine(one: Engine) -> Iterator[Engine]:
    """The engine; each test leaves it as it was."""
    yield one
    one.recover()
    if names := one.names():
        one.do("rm", "-f", "-v", *names)


@pytest.fixture(scope="module")
def source() -> Iterator[Registry]:
    with registry(*(layer_of(**{f"f{n}": os.urandom(1 << 20)}) for n in range(3))) as made:
        yield made


class Worker:
    """A client that does one thing after the other, until the round is over."""

    def __init__(
        self, engine: Engine, source: Registry, number: int, chance: random.Random
    ) -> None:
        self.engine, self.source, self.number, self.chance = engine, source, number, chance
        self.owed: dict[str, str] = {}  # acknowledged: container -> the status that it must have
        self.over = threading.Event()
        self._count = 0
        self.told = [0, 0]  # what failed, what was done
        self.problems: list[str] = []

    def run(self) -> None:
        """Until told to end."""
        jobs = (self.start_and_keep, self.run_and_remove, self.remove, self.execute, self.pull)
        while not self.over.is_set():
            self.chance.choice(jobs)()

    def start_and_keep(self) -> None:
        """`run -d`: when it said yes, the container runs."""
        self._count += 1
        name = f"k{self.number}-{self._count}"
        flags = self.chance.choice(([], ["-p", "127.0.0.1::80"], ["--network", "none"]))
        if self._type("run", "-d", "--name", name, *flags, IMAGE, "sleep", "1000"):
            self.owed[name] = "running"

    def run_and_remove(self) -> None:
        """`run --rm`."""
        self._type("run", "--rm", IMAGE, "true")

    def remove(self) -> None:
        """`rm -f`: when it said yes, the container is gone."""
        if self.owed:
            name = self.chance.choice(sorted(self.owed))
            del self.owed[name]
            if self._type("rm", "-f", name):
                self.owed[name] = ""

    def execute(self) -> None:
        """`exec` in one that runs."""
        if name := next((n for n, status in self.owed.items() if status), ""):
            self._type("exec", name, "true")

    def pull(self) -> None:
        """`pull`, then `rmi`."""
        name = self.source.name.replace("/small", f"/small{self.number}")
        if self._type("pull", name):
            self._type("rmi", name)

    def _type(self, *words: str) -> bool:
        code, _, problem = self.engine.type(*words)
        self.told[code == 0] += 1
        if code:
            self.problems.append(f"{' '.join(words)}: {problem}")
        return code == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_killed_while_much_is_done(engine: Engine, source: Registry, seed: int) -> None:
    chance = random.Random(seed)
    before = engine.census.of_containers()
    engine.do("run", "-d", "--name", "counter", IMAGE, "sh", "-c", COUNTING)
    counter = engine.inspect("counter")["State"]["Pid"]
    workers = [Worker(engine, source, n, random.Random(seed * 100 + n)) for n in range(3)]
    print(f"CHAOS_SEED={seed}", end=": ")
    unnoticed = seed % 2 == 1
    deaths = [chance.choice(LESSER if unnoticed else VICTIMS) for _ in range(3)]
    with ThreadPoolExecutor(len(workers)) as pool:
        running = [pool.submit(worker.run) for worker in workers]
        try:
            for names in deaths:
                time.sleep(chance.uniform(0.0, 0.4))  # the moment is the point
                print("+".join(names), end=" ")
                engine.strike(*names)
                time.sleep(chance.choice((0.0, 0.0, 0.1)))
                engine.recover()
        finally:
            for worker in workers:
                worker.over.set()
        for one in running:
            one.result()
    print("failed, done:", *(worker.told for worker in workers))
    if unnoticed:
        assert [problem for worker in workers for problem in worker.problems] == []
    check(engine, workers, counter)
    engine.do("rm", "-f", "-v", *engine.names())
    for line in engine.do("images", "--format", "{{.Repository}}:{{.Tag}}").splitlines():
        if line.startswith("127.0.0.1"):
            engine.do("rmi", line)
    engine.until_as(before)


def check(engine: Engine, workers: list[Worker], counter: int) -> None:
    """What was acknowledged holds, and the log has every line once."""
    names = engine.names()
    for name, status in (item for worker in workers for item in worker.owed.items()):
        assert (name in names) == bool(status), f"{name}: {names}"
        if status:
            state = engine.inspect(name)["State"]
            assert state["Status"] == status, f"{name}: {state}"
            assert alive(state["Pid"]), f"{name}: {state}"
            assert engine.do("exec", name, "echo", "here") == "here"
    assert engine.inspect("counter")["State"]["Pid"] == counter
    engine.do("kill", "counter")
    with open(engine.inspect("counter")["LogPath"], "rb") as log:
        numbers = [int(json.loads(line)["log"]) for line in log]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("moment", range(0, 300, 12))
@pytest.mark.parametrize("verb", ["run", "stop", "restart", "rm", "rename", "pause"])
def test_a_verb_that_is_cut_short(engine: Engine, verb: str, moment: int) -> None:
    """Killed `moment` milliseconds into a verb: then the container is whole, or gone."""
    before = engine.census.of_containers()
    engine.do("run", "-d", "--name", "old", "-p", "127.0.0.1::80", IMAGE, "sleep", "1000")
    words = {
        "run": ["run", "-d", "--name", "new", "-p", "127.0.0.1::80", IMAGE, "sleep", "1000"],
        "stop": ["stop", "-t", "0", "old"],
        "restart": ["restart", "-t", "0", "old"],
        "rm": ["rm", "-f", "old"],
        "rename": ["rename", "old", "new"],
        "pause": ["pause", "old"],
    }[verb]
    with engine.client(*words) as client:
        time.sleep(moment / 1000)  # the moment is the point
        engine.strike(*VICTIMS[moment % 4])
        engine.recover()
        client.communicate(timeout=60)
    for name in engine.names():
        state = engine.inspect(name)["State"]
        assert state["Status"] in ("created", "running", "exited", "paused"), state
        assert alive(state["Pid"]) == (state["Status"] in ("running", "paused")), state
        engine.do("rm", "-f", name)
    engine.until_as(before)


@pytest.mark.parametrize("moment", range(0, 200, 20))
def test_a_shim_that_is_killed_while_its_container_is_made(engine: Engine, moment: int) -> None:
    before = engine.census.of_containers()
    known = set(engine.census.inmates())
    with engine.client("run", "-d", "--name", "new", IMAGE, "sleep", "1000") as client:
        time.sleep(moment / 1000)  # the moment is the point
        for line in set(engine.census.inmates()) - known:
            if "boxship-shim" in line:
                with suppress(ProcessLookupError):
                    os.kill(int(line.split()[1]), signal.SIGKILL)
        client.communicate(timeout=60)
    if "new" in engine.names():
        until(
            lambda: (
                alive(engine.inspect("new")["State"]["Pid"])
                or engine.inspect("new")["State"]["Status"] != "running"
            ),
            engine.log,
        )
        engine.do("rm", "-f", "new")
    engine.until_as(before)


def test_two_hundred_containers_eight_at_once_leave_nothing(engine: Engine) -> None:
    before = engine.census.of_containers()
    open_before = descriptors(engine)
    with ThreadPoolExecutor(8) as pool:
        words = ("run", "--rm", "-p", "127.0.0.1::80", IMAGE, "echo", "hi")
        done = list(pool.map(lambda _: engine.type(*words), range(200)))
    assert [one for one in done if one != (0, "hi\n", "")] == []
    assert engine.names() == []
    engine.until_as(before)
    until(lambda: descriptors(engine) <= open_before + 16, lambda: f"{descriptors(engine)} files")


def descriptors(engine: Engine) -> int:
    """The open files of daemon, supervisor and zygote."""
    pids = (engine.daemon, engine.supervisor, engine.zygote)
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
