"""The rules of rmi, as plans."""

import pytest

from boxship.images.image import Image
from boxship.images.remove import Plan, Situation, Use, plan
from boxship.model.errors import Conflict
from boxship.model.reference import Reference

ID = "sha256:" + "ab12" * 16
SHORT = ID[7:19]
DIGEST = "@sha256:" + "c" * 64
RUNNING, STOPPED = Use("f" * 64, True), Use("e" * 64, False)


def decide(
    asked: str,
    names: list[str],
    uses: tuple[Use, ...] = (),
    *,
    force: bool = False,
    children: bool = False,
) -> Plan:
    image = Image(ID, {}, 0, references=tuple(Reference.parse(name) for name in names))
    return plan(Situation(image, asked, uses, children, force))


def untagged(planned: Plan) -> list[str]:
    return [reference.familiar() for reference in planned.untag]


def test_the_last_name_takes_the_image_along() -> None:
    planned = decide("web:1", ["web:1"])
    assert (untagged(planned), planned.delete) == (["web:1"], True)


def test_one_name_of_several_is_only_taken_away() -> None:
    planned = decide("web:1", ["web:1", "web:2", "other:1"], (RUNNING,))
    assert (untagged(planned), planned.delete) == (["web:1"], False)


def test_digests_of_a_repository_go_with_its_last_tag() -> None:
    planned = decide("web:1", ["web:1", "web" + DIGEST])
    assert (untagged(planned), planned.delete) == (["web:1", "web" + DIGEST], True)
    planned = decide("web:1", ["web:1", "web" + DIGEST, "other:1"])
    assert (untagged(planned), planned.delete) == (["web:1", "web" + DIGEST], False)


def test_a_digest_alone_is_only_taken_away() -> None:
    planned = decide("web" + DIGEST, ["web:1", "web" + DIGEST])
    assert (untagged(planned), planned.delete) == (["web" + DIGEST], False)


@pytest.mark.parametrize("asked", [ID, ID[7:], SHORT, "ab"])
def test_an_id_takes_all_names_of_one_repository(asked: str) -> None:
    planned = decide(asked, ["web:1", "web" + DIGEST])
    assert (untagged(planned), planned.delete) == (["web:1", "web" + DIGEST], True)


def test_an_id_with_names_in_several_repositories_must_be_forced() -> None:
    words = rf"conflict: unable to delete {SHORT} \(must be forced\) - image is referenced in multi"
    with pytest.raises(Conflict, match=words):
        decide(SHORT, ["web:1", "other:1"])
    planned = decide(SHORT, ["web:1", "other:1"], force=True)
    assert (untagged(planned), planned.delete) == (["web:1", "other:1"], True)


def test_a_name_that_a_container_uses_must_be_forced() -> None:
    words = (
        f'conflict: unable to remove repository reference "web:1" \\(must force\\) - container '
        f"{'e' * 12} is using its referenced image {SHORT}"
    )
    with pytest.raises(Conflict, match=words):
        decide("web:1", ["web:1"], (STOPPED,))
    assert decide("web:1", ["web:1"], (STOPPED,), force=True).delete


def test_a_running_container_keeps_its_image_whatever_is_said() -> None:
    words = rf"unable to delete {SHORT} \(cannot be forced\) - image is being used by running"
    for asked in (SHORT, "web:1"):
        with pytest.raises(Conflict, match=f"{words} container {'f' * 12}"):
            decide(asked, ["web:1"], (RUNNING,), force=True)


def test_a_stopped_container_keeps_its_image_unless_forced() -> None:
    words = rf"unable to delete {SHORT} \(must be forced\) - image is being used by stopped"
    with pytest.raises(Conflict, match=words):
        decide(SHORT, [], (STOPPED,))
    assert decide(SHORT, [], (STOPPED,), force=True).delete


def test_an_image_with_children_stays() -> None:
    words = r"\(cannot be forced\) - image has dependent child images"
    with pytest.raises(Conflict, match=words):
        decide(SHORT, [], children=True, force=True)
