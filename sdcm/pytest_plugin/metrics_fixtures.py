"""`prom_address`: live metrics as Prometheus would scrape them."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prom_address() -> Iterator[str]:
    """Give the tests `host:port` of a server whose `/metrics` shows the gauges set in this process.

    Gauges are made with `sdcm.metrics.active().gauge(...)`, and by stress tools while they run. The server has a
    free port of the loopback and is stopped at the session's end; each xdist worker has its own.
    """
    from sdcm.metrics import MetricsServer

    with MetricsServer() as server:
        yield server.address
