"""The rules of `rmi`: what goes with a name or an id, decided before anything is touched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from boxship.images.image import Image
from boxship.model.errors import Conflict
from boxship.model.reference import Reference


@dataclass(frozen=True, slots=True)
class Use:
    """A container that was made from an image."""

    container_id: str
    running: bool


Uses = Callable[[str], Sequence[Use]]


@dataclass(slots=True)
class Plan:
    """The names to take away, and whether the image goes too."""

    untag: list[Reference] = field(default_factory=list)
    delete: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the rules look at."""

    image: Image
    asked: str
    uses: Sequence[Use]
    has_children: bool
    force: bool


def plan(situation: Situation) -> Plan:
    """What is to be done, or `Conflict` in Docker's words."""
    image, asked = situation.image, situation.asked
    if _is_id(image.id, asked):
        planned = _plan_by_id(situation)
    else:
        planned = _plan_by_name(situation, Reference.parse(asked))
        if not planned.delete:
            return planned
    left = [reference for reference in image.references if reference not in planned.untag]
    _check(situation, len(left) > 0)
    planned.untag += left
    planned.delete = True
    return planned


def _plan_by_name(situation: Situation, name: Reference) -> Plan:
    image = situation.image
    if not situation.force and _is_single(image.references) and situation.uses:
        raise Conflict(
            f'conflict: unable to remove repository reference "{situation.asked}" (must force) - '
            f"container {situation.uses[0].container_id[:12]} is using its referenced image "
            f"{_short(image.id)}"
        )
    if name.digest is not None:
        name = Reference(name.domain, name.path, None, name.digest)
    untag = [name]
    left = [reference for reference in image.references if reference != name]
    same = [reference for reference in left if reference.name == name.name]
    if name.digest is None and all(reference.digest for reference in same):
        untag += same
        left = [reference for reference in left if reference not in same]
    return Plan(untag, delete=not left)


def _plan_by_id(situation: Situation) -> Plan:
    if not _is_single(situation.image.references):
        return Plan()
    _check(situation, several_names=False)
    return Plan(list(situation.image.references))


def _check(situation: Situation, several_names: bool) -> None:
    """The reasons to keep an image; the last two give way to force."""
    if situation.has_children:
        raise _conflict(situation, "cannot be forced", "image has dependent child images")
    for use in situation.uses:
        if use.running:
            why = f"image is being used by running container {use.container_id[:12]}"
            raise _conflict(situation, "cannot be forced", why)
    if situation.force:
        return
    if several_names:
        why = "image is referenced in multiple repositories"
        raise _conflict(situation, "must be forced", why)
    for use in situation.uses:
        why = f"image is being used by stopped container {use.container_id[:12]}"
        raise _conflict(situation, "must be forced", why)


def _conflict(situation: Situation, how: str, why: str) -> Conflict:
    return Conflict(f"conflict: unable to delete {_short(situation.image.id)} ({how}) - {why}")


def _is_single(references: Sequence[Reference]) -> bool:
    """Whether an image has at most one tag, and digests of one repository only."""
    if len(references) <= 1:
        return True
    tags = [reference for reference in references if reference.digest is None]
    digests = {reference.name for reference in references if reference.digest is not None}
    if len(tags) > 1:
        return False
    return digests == {tags[0].name if tags else references[0].name}


def _is_id(image_id: str, asked: str) -> bool:
    return image_id.startswith(asked) or image_id.partition(":")[2].startswith(asked)


def _short(image_id: str) -> str:
    return image_id.partition(":")[2][:12]
