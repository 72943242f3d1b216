"""`--change`: what each instruction makes of a configuration, and what is refused."""

import pytest

from boxship.images.changes import apply_changes, empty_config
from boxship.model.errors import Invalid


def test_instructions_change_the_configuration_as_dockers_do() -> None:
    config = apply_changes(
        empty_config(),
        [
            'CMD ["sh"]',
            'ENV A=b C="d e" F=g\\ h',
            "env K some value",
            "ENV A=again",
            "EXPOSE 80 53/udp 8000-8002",
            'LABEL x=y "q r"="s t"',
            "VOLUME /data",
            'VOLUME ["/v1","/v2"]',
            "WORKDIR /w",
            "WORKDIR sub",
            "USER me",
            "STOPSIGNAL SIGINT",
            "HEALTHCHECK --interval=1m5s --retries=3 CMD true x",
            "ONBUILD RUN x",
            "ENTRYPOINT /bin/x y",
        ],
    )
    said = {key: value for key, value in config.items() if value not in (None, "", False)}
    assert said == {
        "Cmd": ["sh"],
        "Env": ["A=again", "C=d e", "F=g h", "K=some value"],
        "ExposedPorts": {p: {} for p in ("53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp")},
        "Labels": {"q r": "s t", "x": "y"},
        "Volumes": {"/data": {}, "/v1": {}, "/v2": {}},
        "WorkingDir": "/w/sub",
        "User": "me",
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD-SHELL", "true x"], "Interval": 65 * 10**9, "Retries": 3},
        "OnBuild": ["RUN x"],
        "Entrypoint": ["/bin/sh", "-c", "/bin/x y"],
    }


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ("CMD", "Cmd", ["/bin/sh", "-c"]),
        ('CMD ["a", b]', "Cmd", ["/bin/sh", "-c", '["a", b]']),
        ("cmd echo hi", "Cmd", ["/bin/sh", "-c", "echo hi"]),
        ("ENTRYPOINT []", "Entrypoint", None),
        ("HEALTHCHECK NONE", "Healthcheck", {"Test": ["NONE"]}),
        ('HEALTHCHECK CMD ["a"]', "Healthcheck", {"Test": ["CMD", "a"]}),
        ("STOPSIGNAL 9", "StopSignal", "9"),
        ("STOPSIGNAL RTMIN+3", "StopSignal", "RTMIN+3"),
    ],
)
def test_the_odd_forms_are_docker_s(change: str, key: str, value: object) -> None:
    assert apply_changes(empty_config(), [change])[key] == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("FOO bar", "FOO is not a valid change command"),
        ("RUN x", "RUN is not a valid change command"),
        ("EXPOSE abc", "Invalid containerPort: abc"),
        ("EXPOSE 99999", "Invalid containerPort: 99999"),
        ("EXPOSE 80/icmp", "Invalid proto: icmp"),
        ("ENV x", "ENV must have two arguments"),
        ("LABEL", "LABEL requires at least one argument"),
        ('ENV A="b', "failed to process"),
        ("STOPSIGNAL WAT", "invalid signal: WAT"),
        ("WORKDIR", "WORKDIR requires exactly one argument"),
        ("USER", "USER requires exactly one argument"),
        ("VOLUME []", "VOLUME requires at least one argument"),
        ("HEALTHCHECK FOO", r'Unknown type "FOO" in HEALTHCHECK \(try CMD\)'),
        ("HEALTHCHECK --interval=x CMD a", "invalid duration"),
        ("HEALTHCHECK CMD", "Missing command"),
        ("ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"),
    ],
)
def test_refusals_have_the_words_of_docker(change: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        apply_changes(empty_config(), [change])


def test_the_configuration_that_is_given_stays_as_it_is() -> None:
    before = apply_changes(empty_config(), ["ENV A=1", "LABEL a=1", "EXPOSE 1"])
    copy = dict(before)
    apply_changes(before, ["ENV A=2", "LABEL a=2", "EXPOSE 2"])
    assert before == copy
