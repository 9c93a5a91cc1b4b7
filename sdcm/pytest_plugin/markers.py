"""The markers users may write."""

import pytest

#: Marker -> its line in `pytest --markers`.
MARKERS = {
    "integration": "integration: needs real services; `sct.py integration-tests` runs it, `sct.py unit-tests` does not",
    "services": "services(*labels): external services the test needs: docker, aws, gce, azure, oci, kubernetes",
    "needs": "needs(*capabilities): what the test asks of its node, e.g. 'alternator'; skipped on a node without",
    "sct_config": "sct_config(files): configuration file, or list of files, for the `params` fixture",
    "docker_scylla_args": (
        "docker_scylla_args(scylla_docker_image, image, docker_network, ssl, seeds, rack, dc, native_entrypoint, "
        "smp, memory_mb, extra_args): how `docker_scylla` starts its node"
    ),
}


def register(config: pytest.Config) -> None:
    """Declare the markers, so that `--strict-markers` knows them."""
    for line in MARKERS.values():
        config.addinivalue_line("markers", line)


def merged_arguments(item: pytest.Item, name: str) -> dict[str, object]:
    """Return a marker's keyword arguments over all levels: function over class over module.

    The markers' own dictionaries are never handed out, so nobody can change them.
    """
    merged: dict[str, object] = {}
    for marker in reversed(list(item.iter_markers(name))):
        merged.update(marker.kwargs)
    return merged
