"""A book to write cloud resources into, and an owner."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sdcm.cloud.owner import Owner
from sdcm.ownership.ledger import Ledger
from sdcm.process_identity import identify


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
