"""Removing what runs made in clouds: from a live run's book, or from the ledger of a dead one."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sdcm.cloud.aws import removal as aws
from sdcm.cloud.azure import resources as azure
from sdcm.cloud.gce import resources as gce
from sdcm.cloud.owned import Book, remove_each
from sdcm.ownership.ledger import Entry
from sdcm.ownership.removers import Leftover, Remover

#: Seconds that all of it may take; what stands then, the next sweep removes.
DEADLINE = 90.0

_BY_CLOUD: tuple[Mapping[str, Remover], ...] = (aws.REMOVERS, gce.REMOVERS, azure.REMOVERS)
#: Kind in the ledger -> what removes one.
REMOVERS: Mapping[str, Remover] = {kind: remover for table in _BY_CLOUD for kind, remover in table.items()}


def remove_owned(entries: Iterable[Entry], book: Book, deadline: float = DEADLINE) -> list[Leftover]:
    """Remove resources of clouds, the clouds side by side, in each the youngest first.

    Args:
        entries: What to remove, in the order it was made; each of a kind in `REMOVERS`.
        book: Where each removal is written down.
        deadline: Seconds for everything.

    Returns:
        What is still there, with the reason. Nothing is raised.
    """
    chosen = list(entries)
    shares = [[entry for entry in chosen if entry.kind in table] for table in _BY_CLOUD]
    busy = [share for share in shares if share]
    if not busy:
        return []
    with ThreadPoolExecutor(len(busy), "remove-cloud") as pool:
        found = pool.map(lambda share: remove_each(share, book, REMOVERS, deadline), busy)
        return [leftover for part in found for leftover in part]
