"""Where registries are, and which may be reached without TLS."""

import pytest

from boxship.api.registry.endpoints import Endpoint, endpoints, is_insecure


@pytest.mark.parametrize(
    ("domain", "insecure", "expected"),
    [
        ("localhost:5000", [], True),
        ("127.0.0.1:5000", [], True),
        ("127.9.9.9", [], True),
        ("[::1]:5000", [], True),
        ("reg.example", [], False),
        ("10.1.2.3:5000", [], False),
        ("10.1.2.3:5000", ["10.0.0.0/8"], True),
        ("reg.example:5000", ["reg.example:5000"], True),
        ("reg.example:5000", ["reg.example"], True),
        ("reg.example:5000", ["other", "10.0.0.0/8"], False),
        ("localhost.example", [], False),
    ],
)
def test_only_this_host_and_what_is_configured_is_insecure(
    domain: str, insecure: list[str], expected: bool
) -> None:
    assert is_insecure(domain, insecure) is expected


def test_tls_is_tried_first_and_plain_http_only_where_it_is_allowed() -> None:
    assert endpoints("reg.example") == [Endpoint("https://reg.example")]
    assert endpoints("docker.io", ["docker.io"])[0].url.startswith("https://")
    assert endpoints("localhost:5000") == [
        Endpoint("https://localhost:5000", verify=False),
        Endpoint("http://localhost:5000"),
    ]
