import urllib.error
import urllib.request

import pytest

from sdcm import metrics
from sdcm.metrics import MetricsServer


def test_a_gauge_is_scraped_while_the_server_is_open_and_nothing_listens_afterwards() -> None:
    with MetricsServer() as server:
        assert metrics.active() is server
        url = f"http://{server.address}/metrics"
        server.gauge("sct_tool_gauge", "a tool's progress", ("type",)).labels("ops").set(7)
        server.gauge("sct_tool_gauge", "a tool's progress", ("type",)).labels("errors").set(1)
        scraped = urllib.request.urlopen(url, timeout=60).read().decode()
        with pytest.raises(ValueError, match=r"has the labels \('type',\), not \('kind',\)"):
            server.gauge("sct_tool_gauge", "a tool's progress", ("kind",))
    assert 'sct_tool_gauge{type="ops"} 7.0' in scraped
    assert 'sct_tool_gauge{type="errors"} 1.0' in scraped
    # A registry of its own: what the client library tells of this process is not in it.
    assert "python_gc" not in scraped
    assert metrics.active() is None
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=60)
    with pytest.raises(RuntimeError, match="not open"):
        _ = server.address
