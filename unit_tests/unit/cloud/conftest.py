"""A book to write cloud resources into, and an owner."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm.cloud.owner import Owner
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of the clouds on one worker: each worker that runs one loads seconds' worth of their SDKs."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.xdist_group("clouds"))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Ledger]:
    """The ledger of a run."""
    ledger = Ledger(tmp_path / "run", "0badcafe", identify())
    yield ledger
    ledger.close()


@pytest.fixture
def owner() -> Owner:
    """The owner of what that run makes."""
    return Owner("0badcafe", "Build-Host.example", 1_700_000_000)
