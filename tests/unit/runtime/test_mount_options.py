import pytest

from boxship.kernel import filesystems as fs
from boxship.kernel.mounts import MS_PRIVATE, MS_SLAVE
from boxship.runtime import mount_options


def test_words_are_sorted_by_who_takes_them() -> None:
    options = mount_options.parse(["nosuid", "ro", "mode=755", "rprivate", "sync", "size=64k"])
    assert options.attributes.set == fs.MOUNT_ATTR_NOSUID | fs.MOUNT_ATTR_RDONLY
    assert options.propagations == [(MS_PRIVATE, True)]
    assert (options.super, options.data) == (["sync"], ["mode=755", "size=64k"])
    assert options.read_only


def test_a_later_word_takes_an_earlier_one_back() -> None:
    options = mount_options.parse(["ro", "rw", "nodev", "dev"])
    assert options.attributes.set == 0
    assert options.attributes.clear == fs.MOUNT_ATTR_RDONLY | fs.MOUNT_ATTR_NODEV
    assert not options.read_only


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("noatime", fs.MOUNT_ATTR_NOATIME),
        ("strictatime", fs.MOUNT_ATTR_STRICTATIME),
        ("relatime", fs.MOUNT_ATTR_RELATIME),
    ],
)
def test_the_kernel_wants_the_old_access_time_mode_cleared(word: str, value: int) -> None:
    attributes = mount_options.parse([word]).attributes
    assert (attributes.set, attributes.clear) == (value, fs.MOUNT_ATTR__ATIME)


def test_a_leading_r_means_the_whole_tree() -> None:
    options = mount_options.parse(["rbind", "rro", "rslave", "rnosuid"])
    assert options.bind
    assert options.recursive_bind
    assert options.recursive.set == fs.MOUNT_ATTR_RDONLY | fs.MOUNT_ATTR_NOSUID
    assert options.attributes.set == 0
    assert options.propagations == [(MS_SLAVE, True)]


def test_words_that_mean_nothing_are_not_for_the_file_system() -> None:
    assert mount_options.parse(["defaults", "async", "loud", "", "tmpcopyup"]).data == []


def test_every_word_of_the_specification_is_known() -> None:
    words = """async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand
        noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime
        nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec rnoatime
        rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime
        rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave
        strictatime suid symfollow sync tmpcopyup unbindable"""
    assert set(words.split()) <= set(mount_options.known_words())
