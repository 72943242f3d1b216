import os
import threading

import pytest

from boxship.model.errors import Forbidden, System
from boxship.runtime.handshake import GO, HOOKS, READY, Creator, CreatorGone, from_json, to_json


def test_hooks_then_ready() -> None:
    creator = Creator()

    def process() -> None:
        creator.channel.say(HOOKS)
        creator.channel.wait_for(GO)
        creator.channel.say(READY)

    other = threading.Thread(target=process)
    other.start()
    assert creator.hear() == HOOKS
    creator.tell(GO)
    assert creator.hear() == READY
    other.join()
    creator.let_go()
    assert creator.hear() == b""
    creator.close()


def test_an_error_arrives_as_what_it_was() -> None:
    creator = Creator()
    creator.channel.fail(Forbidden("no", hint="ask"))
    with pytest.raises(Forbidden) as caught:
        creator.hear()
    assert (caught.value.message, caught.value.hint) == ("no", "ask")
    creator.let_go()
    creator.close()


def test_what_is_no_error_of_ours_becomes_one() -> None:
    error = from_json(to_json(ValueError("x")))
    assert isinstance(error, System)
    assert error.message == "ValueError: x"


def test_each_side_notices_the_end_of_the_other() -> None:
    creator = Creator()
    os.close(creator._out)
    with pytest.raises(CreatorGone):
        creator.channel.wait_for(GO)
    os.close(creator._in)
    with pytest.raises(CreatorGone):
        creator.channel.say(READY)
    creator.let_go()


def test_telling_a_process_that_is_gone_is_no_error() -> None:
    creator = Creator()
    creator.let_go()
    creator.tell(GO)
    assert creator.hear() == b""
    creator.close()
