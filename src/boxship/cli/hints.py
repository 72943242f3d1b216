"""`Did you mean ...?`: for words that are nearly right."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Forms seen in courses and in old texts, and what they are called.
KNOWN = {
    "--log-opts": "--log-opt",
    "--external": "--external-ca",
    "--volumes": "--volume",
    "--environment": "--env",
    "--ports": "--publish",
}
COMMANDS = {"list": "ps", "delete": "rm", "remove": "rm", "shell": "exec", "status": "ps"}


def for_word(word: str, candidates: "Iterable[str]", known: dict[str, str]) -> str:
    """The hint, or ''."""
    candidates = list(candidates)
    if known.get(word) in candidates:
        return f"Did you mean {known[word]}?"
    limit = 1 if len(word) < 6 else 2
    near = [(distance(word, candidate), candidate) for candidate in candidates]
    best = min(near, default=(limit + 1, ""))
    return f"Did you mean {best[1]}?" if best[0] <= limit else ""


def distance(one: str, other: str) -> int:
    """How many letters have to be added, dropped, changed or swapped with the next."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        older, before, row = before, row, [i]
        for j, right in enumerate(other, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                best = min(best, older[j - 2] + 1)
            row.append(best)
    return row[-1]
