"""The shim with our runtime in a forked child."""

import pytest

from suites.shim_suite import ShimSuite


@pytest.mark.root
class TestShimWithBoxship(ShimSuite):
    binary = ""
