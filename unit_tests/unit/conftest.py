"""Unit tests outside `cloud/` load no SDK of a cloud: what tries is refused, and its test fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit_tests.lib.cloud_sdks import without_cloud_sdks

_CLOUD = Path(__file__).parent / "cloud"


@pytest.fixture(autouse=True)
def sdk_attempts(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Refuse the SDKs to all but the tests of clouds; give what was tried, which fails the test unless cleared."""
    if request.path.is_relative_to(_CLOUD):
        yield []
        return
    with without_cloud_sdks() as attempts:
        yield attempts
    assert attempts == [], "a cloud's SDK was loaded, which belongs into a test in unit_tests/unit/cloud/"
