import pytest

from boxship.kernel import cgroups, cgroups_v1, cgroups_v2
from boxship.kernel.cgroups import numbers

HYBRID = """\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
50 31 0:32 / /run/elsewhere rw,relatime - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,mode=755
"""


def test_the_hierarchies_of_a_v1_host() -> None:
    assert cgroups_v1.hierarchies(HYBRID) == {
        "cpu,cpuacct": "/sys/fs/cgroup/cpu,cpuacct",
        "memory": "/sys/fs/cgroup/memory",
        "name=systemd": "/sys/fs/cgroup/systemd",
    }


@pytest.mark.parametrize(
    ("path", "own", "place"),
    [
        ("/boxship/abc", "/", "/boxship/abc"),
        ("/boxship/abc", "/user", "/boxship/abc"),
        ("abc", "/user/1", "/user/1/abc"),
        ("", "/", "/id"),
        ("", "/user", "/user/id"),
        ("/../../etc", "/", "/etc"),
        ("../../x", "/user/1", "/user/1/x"),
    ],
)
def test_where_a_group_is(path: str, own: str, place: str) -> None:
    assert cgroups._place(path, "id", own) == place


def test_a_missing_controller_is_named() -> None:
    group = cgroups_v1.GroupV1({"pids": "/nosuch"})
    with pytest.raises(OSError, match="no cgroup controller memory, for limit"):
        group.apply({"memory": {"limit": 1}})


@pytest.mark.parametrize(("shares", "weight"), [(2, 1), (1024, 39), (262144, 10000), (0, 1)])
def test_shares_become_weights(shares: int, weight: int) -> None:
    assert cgroups_v2.cpu_weight(shares) == weight


@pytest.mark.parametrize(("old", "new"), [(10, 1), (500, 4950), (1000, 10000)])
def test_block_weights(old: int, new: int) -> None:
    assert cgroups_v2.io_weight(old) == new


def test_the_plan_for_v2() -> None:
    resources = {
        "memory": {"limit": 100, "swap": 150, "reservation": 50},
        "cpu": {"shares": 1024, "quota": 5000, "cpus": "0-1", "idle": 0},
        "pids": {"limit": -1},
        "blockIO": {
            "weight": 500,
            "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 7}],
        },
        "hugepageLimits": [{"pageSize": "2MB", "limit": 4}],
        "rdma": {"mlx5_1": {"hcaHandles": 3}},
        "unified": {"memory.high": "90", "io.max": "8:0 rbps=1\n8:1 wbps=2"},
    }
    assert cgroups_v2.plan(resources) == [
        ("memory.swap.max", "50"),
        ("memory.max", "100"),
        ("memory.low", "50"),
        ("cpu.weight", "39"),
        ("cpu.idle", "0"),
        ("cpu.max", "5000 100000"),
        ("cpuset.cpus", "0-1"),
        ("pids.max", "max"),
        ("io.weight", "4950"),
        ("io.max", "8:0 rbps=7"),
        ("hugetlb.2MB.max", "4"),
        ("rdma.max", "mlx5_1 hca_handle=3"),
        ("memory.high", "90"),
        ("io.max", "8:0 rbps=1"),
        ("io.max", "8:1 wbps=2"),
    ]


@pytest.mark.parametrize(
    ("memory", "files"),
    [
        ({"limit": -1}, {"memory.swap.max": "max", "memory.max": "max"}),
        ({"limit": 100, "swap": -1}, {"memory.swap.max": "max", "memory.max": "100"}),
        ({"limit": 100}, {"memory.max": "100"}),
        ({}, {}),
    ],
)
def test_memory_and_swap(memory: dict[str, int], files: dict[str, str]) -> None:
    assert cgroups_v2.memory_files(memory) == files


def test_swap_alone_means_nothing_on_v2() -> None:
    with pytest.raises(OSError, match=r"needs memory\.limit"):
        cgroups_v2.memory_files({"swap": 100})


def test_a_unified_key_is_a_file_of_the_group() -> None:
    with pytest.raises(OSError, match="must be a file name"):
        cgroups_v2.plan({"unified": {"../memory.max": "1"}})


def test_numbers() -> None:
    assert numbers("anon 5\nfile 6\nodd line here\nlimit max\n") == {"anon": 5, "file": 6}
