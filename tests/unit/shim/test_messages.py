"""The tables of the shim say what task.proto says: each goes through the real protobuf and back."""

from typing import Any

import pytest
from google.protobuf.message import Message

from boxship.api.containerd import (
    cgroups_v1_pb2,
    cgroups_v2_pb2,
    runc_options_pb2,
    task_events_pb2,
)
from boxship.api.shim import events_forward_pb2, task_pb2
from boxship.shim import messages, metrics
from boxship.wire.protobuf import decode, encode

Value = Any

# Where the name of a request is not its method's.
REQUEST_NAMES = {"Create": "CreateTaskRequest", "Exec": "ExecProcessRequest"}
REQUEST_NAMES |= {"Update": "UpdateTaskRequest"}
RESPONSE_NAMES = {"Create": "CreateTaskResponse"}


def example(kind: Value, seed: int) -> Value:
    if isinstance(kind, list):
        return [example(kind[0], seed), example(kind[0], seed + 1)]
    if isinstance(kind, dict):
        return {name: example(part, seed + number) for name, (number, part) in kind.items()}
    return {str: f"text {seed}", bytes: b"bytes %d" % seed, int: seed, bool: True}[kind]


def as_dict(message: Message, schema: Value) -> dict[str, Value]:
    return {name: plain(getattr(message, name), kind) for name, (_, kind) in schema.items()}


def plain(value: Value, kind: Value) -> Value:
    if isinstance(kind, list):
        return [plain(item, kind[0]) for item in value]
    return as_dict(value, kind) if isinstance(kind, dict) else value


def check(schema: Value, kind: type[Message]) -> None:
    fields = example(schema, 1)
    message = kind()
    message.ParseFromString(encode(schema, fields))
    assert as_dict(message, schema) == fields
    assert decode(schema, message.SerializeToString()) == fields


@pytest.mark.parametrize("method", messages.REQUESTS)
def test_requests(method: str) -> None:
    name = REQUEST_NAMES.get(method, f"{method}Request")
    check(messages.REQUESTS[method], getattr(task_pb2, name))


@pytest.mark.parametrize("method", [name for name, kind in messages.RESPONSES.items() if kind])
def test_responses(method: str) -> None:
    name = RESPONSE_NAMES.get(method, f"{method}Response")
    check(messages.RESPONSES[method], getattr(task_pb2, name))


@pytest.mark.parametrize("topic", messages.EVENTS)
def test_events(topic: str) -> None:
    name, schema = messages.EVENTS[topic]
    check(schema, getattr(task_events_pb2, name))


def test_the_rest() -> None:
    check(messages.FORWARD, events_forward_pb2.ForwardRequest)
    check(messages.RUNC_OPTIONS, runc_options_pb2.Options)


def test_metrics() -> None:
    check(metrics.METRICS_V1, cgroups_v1_pb2.Metrics)
    check(metrics.METRICS_V2, cgroups_v2_pb2.Metrics)


def test_metrics_of_v1_carry_what_the_cgroup_counts() -> None:
    memory = {"usage": 5, "limit": 9, "max_usage": 7, "failcnt": 1, "oom_kills": 2}
    memory |= {"swap_usage": 6, "swap_limit": 10, "kernel_usage": 3}
    cpu = {"usage": 30, "user": 20, "system": 10, "percpu": [10, 20], "periods": 0}
    cpu |= {"throttled_periods": 0, "throttled_time": 0}
    stats = {"cpu": cpu, "memory": memory | {"stat": {"cache": 4, "total_pgpgin": 8, "new": 1}}}
    seen = cgroups_v1_pb2.Metrics.FromString(metrics.metrics(stats, unified=False)["value"])
    assert (seen.memory.usage.usage, seen.memory.cache, seen.memory.total_pg_pg_in) == (5, 4, 8)
    assert (seen.cpu.usage.total, list(seen.cpu.usage.per_cpu)) == (30, [10, 20])
    assert seen.memory_oom_control.oom_kill == 2


def test_every_method_of_the_service_but_checkpoint_is_there() -> None:
    service = task_pb2.DESCRIPTOR.services_by_name["Task"]
    assert messages.REQUESTS.keys() == set(service.methods_by_name) - {"Checkpoint"}
