import pytest

from sdcm.broker.protocol import NodeRequest
from sdcm.pytest_plugin.docker_fixtures import request_of


def test_no_arguments_ask_for_the_runs_own_node():
    assert request_of({}, "scylla") == NodeRequest("scylla")


def test_arguments_reach_the_request():
    wanted = request_of(
        {"docker_network": "net", "ssl": True, "seeds": "10.0.0.1, 10.0.0.2", "rack": 2, "dc": "dc2", "memory_mb": 700},
        "scylla",
    )
    assert wanted == NodeRequest(
        "scylla", network="net", ssl=True, seeds=("10.0.0.1", "10.0.0.2"), rack="2", dc="dc2", memory_mb=700
    )


@pytest.mark.parametrize("order", [("image", "scylla_docker_image"), ("scylla_docker_image", "image")])
def test_scylla_docker_image_wins_over_image_in_any_order(order):
    arguments = {name: f"{name}/x:1" for name in order}
    assert request_of(arguments, "scylla").image == "scylla_docker_image/x:1"


def test_an_unknown_argument_lists_the_known_ones():
    with pytest.raises(pytest.UsageError, match=r"unknown argument 'rak' -- known: .*rack"):
        request_of({"rak": 1}, "scylla")


def test_the_markers_own_arguments_are_never_changed():
    arguments = {"rack": 1, "seeds": "a"}
    request_of(arguments, "scylla", seeds=("b",))
    assert arguments == {"rack": 1, "seeds": "a"}


def test_a_request_crosses_the_socket():
    wanted = NodeRequest("scylla", seeds=("a",), extra_args=("-x",), needs=("cql",))
    assert NodeRequest.from_record(wanted.to_record()) == wanted
