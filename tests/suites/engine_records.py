"""Records of containers that never ran."""

from __future__ import annotations

from boxship.daemon.container import Record


def record(name: str) -> Record:
    """A container by this name."""
    return Record(
        id=name * 16,
        name=name,
        created_ns=1,
        image_id="sha256:1",
        image_ref="busybox",
        config={"Env": ["A=ü"]},
        host_config={},
        networking={},
        path="sh",
        args=["-c"],
        platform="linux",
        top_layer=None,
        log_path="",
    )
