from __future__ import annotations

import pytest

from boxship.network.operations import carry_on, carry_out


class Step:
    def __init__(self, name: str, diary: list[str], *, fails: bool = False) -> None:
        self.name, self.diary, self.fails = name, diary, fails

    def describe(self) -> str:
        return f"do {self.name}"

    def execute(self) -> None:
        self.diary.append(self.name)
        if self.fails:
            raise OSError(f"no {self.name}")

    def undo(self) -> None:
        self.diary.append(f"undo {self.name}")
        if self.fails:
            raise OSError(f"no undo of {self.name}")


def test_all_or_nothing_the_step_that_failed_included() -> None:
    diary: list[str] = []
    plan = [Step("a", diary), Step("b", diary), Step("c", diary, fails=True), Step("d", diary)]
    with pytest.raises(OSError, match="no c"):
        carry_out(plan)
    assert diary == ["a", "b", "c", "undo c", "undo b", "undo a"]


def test_clean_up_goes_on_and_each_step_is_heard_of() -> None:
    diary: list[str] = []
    carry_on([Step("a", diary, fails=True), Step("b", diary)], diary.append)
    assert diary == ["do a", "a", "do b", "b"]
