"""--user, resolved with the container's passwd and group."""

import pytest

from boxship.daemon.users import User, resolve
from boxship.model.errors import Invalid

PASSWD = b"root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/home/web:/bin/sh\n# c\nbad line\n"
GROUP = b"root:x:0:\nweb:x:33:\nextra:x:44:web\nwheel:x:10:root,web\n"


@pytest.mark.parametrize(
    ("asked", "extra", "user"),
    [
        ("", [], User(0, 0, (0, 10))),
        ("web", [], User(33, 33, (33, 44, 10))),
        ("33", [], User(33, 33, (33, 44, 10))),
        ("web:extra", [], User(33, 44, (44,))),
        ("web:extra", ["10"], User(33, 44, (44, 10))),
        ("web:extra", ["wheel"], User(33, 44, (44, 10))),
        ("1234", [], User(1234, 0, (0,))),
        ("1234:5678", [], User(1234, 5678, (5678,))),
    ],
)
def test_users(asked: str, extra: list[str], user: User) -> None:
    assert resolve(asked, PASSWD, GROUP, extra) == user


def test_an_image_without_tables_has_numbers_only() -> None:
    assert resolve("", b"", b"", []) == User(0, 0, (0,))
    with pytest.raises(
        Invalid, match="unable to find user web: no matching entries in passwd file"
    ):
        resolve("web", b"", b"", [])
    with pytest.raises(Invalid, match="unable to find group x: no matching entries in group file"):
        resolve("1:x", b"", b"", [])


def test_a_table_that_is_no_text_does_not_stop_us() -> None:
    assert resolve("0", b"\xff\xfe:::\n" + PASSWD, b"\x00", []) == User(0, 0, (0,))


@pytest.mark.parametrize("number", ["4294967295", "2147483648", "9" * 5000])
def test_a_number_that_no_process_can_have_is_refused(number: str) -> None:
    """4294967295 is -1 to setresuid(2): stay who you are."""
    table = f"evil:x:{number}:{number}::/:\n".encode()
    for asked, passwd, group in [("evil", table, b""), (number, b"", b""), ("1:evil", b"", table)]:
        with pytest.raises(Invalid, match="uids and gids must be in range 0-2147483647"):
            resolve(asked, passwd, group, [])


def test_digits_of_other_scripts_are_letters() -> None:
    with pytest.raises(Invalid, match="unable to find user ²"):
        resolve("²", "e:x:²:0:::\n".encode(), b"", [])
    assert resolve("e", "e:x:²:0:::\ne:x:5:6:::\n".encode(), b"", []) == User(5, 6, (6,))
