"""Wires an engine from its parts: the one place where all of them are seen."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from boxship.api.registry.client import RegistryClient
from boxship.daemon import capabilities, host, seccomp
from boxship.daemon.containers import Containers
from boxship.daemon.engine import Engine
from boxship.daemon.events import Events
from boxship.daemon.fifos import FifoIO
from boxship.daemon.parts import Parts
from boxship.daemon.records import Records
from boxship.daemon.security import Filters
from boxship.daemon.stdio import ShimIO
from boxship.daemon.supervise import Supervise
from boxship.daemon.tasks import Tasks
from boxship.daemon.volumes import Volumes
from boxship.images.images import Images
from boxship.model.errors import Invalid
from boxship.network.networks import Networks
from boxship.network.values import DEFAULT_POOLS, NetworkConfig
from boxship.storage.blobs import BlobStore
from boxship.storage.overlay2 import Overlay2

if TYPE_CHECKING:
    from boxship.daemon.config import Config

THREADS = 8


def build_engine(config: Config) -> Engine:
    """An engine that is not open yet; call it where an event loop runs."""
    root, run = config.data_root, config.exec_root
    _make_folders(config)
    blobs = BlobStore(f"{root}/blobs")
    layers = Overlay2(root)
    registry = RegistryClient(insecure=config.insecure_registries)
    facts = host.look()
    profile = _seccomp(config.seccomp_profile)
    tasks = Tasks(config.supervisor_socket)
    parts = Parts(
        config=config,
        host=facts,
        runtimes=config.known_runtimes(),
        capabilities=capabilities.supported(facts.last_capability, facts.bounding),
        seccomp=profile,
        filters=Filters(profile, facts),
        records=Records(f"{root}/daemon.db"),
        containers=Containers(),
        images=Images(root, blobs, layers, registry),
        layers=layers,
        networks=Networks(Path(root), Path(run), network_config(config)),
        volumes=Volumes(f"{root}/volumes"),
        tasks=tasks,
        io=ShimIO(f"{run}/io"),
        fifos=FifoIO(f"{run}/fifo"),
        events=Events(),
        threads=ThreadPoolExecutor(THREADS, thread_name_prefix="engine"),
    )
    return Engine(parts, Supervise(config, tasks))


def _make_folders(config: Config) -> None:
    for path, mode in (
        (config.data_root, 0o710),
        (f"{config.data_root}/containers", 0o710),
        (f"{config.data_root}/volumes", 0o701),
        (config.exec_root, 0o711),
    ):
        os.makedirs(path, mode=mode, exist_ok=True)


def network_config(config: Config) -> NetworkConfig:
    """What the flags say about networks."""
    pools = tuple((pool["base"], int(pool["size"])) for pool in config.default_address_pools)
    return NetworkConfig(
        instance=config.instance,
        bridge=config.bridge_name,
        bip=config.bip,
        mtu=config.mtu,
        pools=pools or DEFAULT_POOLS,
        icc=config.icc,
        ip_masq=config.ip_masq,
        ip_forward=config.ip_forward,
        ip="" if config.ip == "0.0.0.0" else config.ip,
    )


def _seccomp(profile: str) -> dict[str, object] | None:
    if profile == "unconfined":
        return None
    if profile in ("", "builtin"):
        return seccomp.default_profile()
    try:
        with open(profile) as file:
            return seccomp.parsed(file.read())
    except OSError as e:
        raise Invalid(f"opening seccomp profile ({profile}) failed: {e.strerror}") from e
