"""The shim with runc as the OCI runtime."""

import shutil

import pytest

from suites.shim_suite import ShimSuite


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("runc"), reason="runc is not installed")
class TestShimWithRunc(ShimSuite):
    binary = "runc"
