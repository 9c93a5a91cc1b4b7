import re
from types import SimpleNamespace

import pytest

from sdcm.broker.protocol import NodeRequest
from sdcm.pytest_plugin import docker_fixtures, node_arguments
from sdcm.pytest_plugin.node_arguments import request_of


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
    with pytest.raises(
        pytest.UsageError, match=r"unknown argument 'rak' -- did you mean rack\? -- known: .*, rack, .*"
    ):
        request_of({"rak": 1}, "scylla")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        pytest.param("ssl", "yes", "True or False", id="flag"),
        pytest.param("memory_mb", "512", "a whole number above 0", id="number"),
        pytest.param("smp", 0, "a whole number above 0", id="none"),
        pytest.param("image", 5, "a text", id="text"),
        pytest.param("rack", 1.5, "a number or a name", id="rack"),
        pytest.param("extra_args", "-x", "a list of texts", id="words"),
        pytest.param("seeds", [1], "a text, addresses", id="seeds"),
    ],
)
def test_an_argument_of_the_wrong_type_says_what_it_takes(name, value, wanted):
    with pytest.raises(pytest.UsageError, match=re.escape(f"{name} is {value!r} -- it takes {wanted}")):
        request_of({name: value}, "scylla")


def test_mutual_tls_is_tls_and_none_is_left_out():
    wanted = request_of({"mtls": True, "rack": None, "image": None, "vs_docker_image": "x/y:1"}, "scylla")
    assert wanted == NodeRequest("scylla", ssl=True, mtls=True)


def test_the_markers_own_arguments_are_never_changed():
    arguments = {"rack": 1, "seeds": "a"}
    request_of(arguments, "scylla", seeds=("b",))
    assert arguments == {"rack": 1, "seeds": "a"}


@pytest.mark.parametrize(
    ("n", "racks", "dcs", "expected"),
    [
        pytest.param(2, (), (), [(None, None)] * 2, id="none"),
        pytest.param(3, ("a", "b"), (), [("a", None), ("b", None), ("a", None)], id="racks"),
        pytest.param(4, ("a", "b"), ("x", "y"), [("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")], id="both"),
    ],
)
def test_racks_and_data_centres_are_dealt_out_in_turn(n, racks, dcs, expected):
    places = docker_fixtures._places(n, racks, dcs)
    assert [(place.get("rack"), place.get("dc")) for place in places] == expected


def test_a_request_crosses_the_socket():
    wanted = NodeRequest("scylla", seeds=("a",), extra_args=("-x",), needs=("cql",))
    assert NodeRequest.from_record(wanted.to_record()) == wanted


def test_levels_of_the_marker_merge_and_none_of_them_is_changed():
    """Function over class over module, argument by argument; a fixture's own seeds stay its own (flaw 5)."""
    levels = [
        pytest.mark.docker_scylla_args(rack=1),
        pytest.mark.docker_scylla_args(rack=2, dc="c"),
        pytest.mark.docker_scylla_args(dc="m", ssl=True),
    ]
    before = [dict(level.mark.kwargs) for level in levels]
    item = SimpleNamespace(iter_markers=lambda _name: (level.mark for level in levels))
    first = SimpleNamespace(ip_address="10.0.0.1", record=SimpleNamespace(cluster_name="ring"))
    wanted = request_of(node_arguments.of_item(item), "scylla", **docker_fixtures._joining(first))
    assert wanted == NodeRequest("scylla", rack="1", dc="c", ssl=True, seeds=("10.0.0.1",), cluster_name="ring")
    arguments = node_arguments.of_item(item)
    arguments["seeds"] = "10.0.0.9"
    assert [dict(level.mark.kwargs) for level in levels] == before
    assert "seeds" not in node_arguments.of_item(item)


def test_arguments_are_looked_at_before_anything_is_set_up():
    item = SimpleNamespace(
        nodeid="test_x.py::test_y", iter_markers=lambda _name="": iter([pytest.mark.docker_scylla_args(sll=True).mark])
    )
    with pytest.raises(pytest.UsageError, match=r"^test_x\.py::test_y: docker_scylla_args: .*did you mean ssl"):
        node_arguments.check([item])
    item.iter_markers = lambda _name="": iter([pytest.mark.docker_scylla_args("ssl").mark])
    with pytest.raises(pytest.UsageError, match="takes named arguments alone"):
        node_arguments.check([item])
