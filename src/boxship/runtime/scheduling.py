"""`process.scheduler`, `process.ioPriority` and `process.execCPUAffinity`."""

import os

from boxship.kernel import scheduling as ks
from boxship.model.errors import Invalid
from boxship.runtime.operations import Operation, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class SetScheduler(Operation):
    """The scheduling policy."""

    def __init__(self, scheduler: "dict[str, Any]") -> None:
        """As in the spec."""
        self.policy = scheduler.get("policy") or ""
        flags = scheduler.get("flags") or ()
        if self.policy not in ks.POLICIES or not ks.FLAGS.keys() >= set(flags):
            raise Invalid(f"scheduler policy {self.policy!r} or one of its flags does not exist")
        self.attributes = ks.Attributes(
            policy=ks.POLICIES[self.policy],
            flags=sum(ks.FLAGS[flag] for flag in flags),
            nice=scheduler.get("nice") or 0,
            priority=scheduler.get("priority") or 0,
            runtime=scheduler.get("runtime") or 0,
            deadline=scheduler.get("deadline") or 0,
            period=scheduler.get("period") or 0,
        )

    def describe(self) -> str:
        """`set the scheduler SCHED_BATCH`."""
        return f"set the scheduler {self.policy}"

    def execute(self, stage: Stage) -> None:
        """sched_setattr(2)."""
        del stage
        ks.sched_setattr(self.attributes)


class SetIoPriority(Operation):
    """The priority at the disk."""

    def __init__(self, priority: "dict[str, Any]") -> None:
        """As in the spec."""
        self.kind = priority.get("class") or ""
        self.level = priority.get("priority") or 0
        if self.kind not in ks.IO_CLASSES or not 0 <= self.level <= 7:
            raise Invalid(f"ioPriority {self.kind!r} {self.level} does not exist")

    def describe(self) -> str:
        """`set the I/O priority IOPRIO_CLASS_IDLE 4`."""
        return f"set the I/O priority {self.kind} {self.level}"

    def execute(self, stage: Stage) -> None:
        """ioprio_set(2)."""
        del stage
        ks.ioprio_set(ks.IO_CLASSES[self.kind], self.level)


class SetAffinity(Operation):
    """The processors that exec's process may use, before or after it enters the group."""

    def __init__(self, cpus: str) -> None:
        """A list such as 0-3,7."""
        self.cpus = cpus
        self.numbers = cpu_list(cpus)

    def describe(self) -> str:
        """`run on the processors 0-3`."""
        return f"run on the processors {self.cpus}"

    def execute(self, stage: Stage) -> None:
        """sched_setaffinity(2)."""
        del stage
        os.sched_setaffinity(0, self.numbers)


def cpu_list(text: str) -> set[int]:
    """0-3,7 -> {0, 1, 2, 3, 7}."""
    numbers: set[int] = set()
    try:
        for part in text.split(","):
            first, _, last = part.strip().partition("-")
            numbers.update(range(int(first), int(last or first) + 1))
    except ValueError:
        raise Invalid(f"{text!r} is no list of processors") from None
    return numbers


def plan_scheduling(process: "dict[str, Any]") -> list[Operation]:
    """What the spec asks for."""
    plan: list[Operation] = []
    if process.get("scheduler"):
        plan.append(SetScheduler(process["scheduler"]))
    if process.get("ioPriority"):
        plan.append(SetIoPriority(process["ioPriority"]))
    return plan
