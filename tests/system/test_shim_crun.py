"""The shim with crun as the OCI runtime."""

import shutil

import pytest

from suites.shim_suite import ShimSuite


@pytest.mark.root
@pytest.mark.skipif(not shutil.which("crun"), reason="crun is not installed")
class TestShimWithCrun(ShimSuite):
    binary = "crun"
