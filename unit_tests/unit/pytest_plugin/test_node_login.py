"""Tests whose nodes need no `params` read none; whoever asks for them, or sets one, has them obeyed."""

import os
from types import SimpleNamespace

import pytest

from sdcm.config.model import load_params
from sdcm.containers.flavours import DEFAULT_LOGIN
from sdcm.pytest_plugin import config_fixtures, node_login


@pytest.fixture
def asking(request, monkeypatch):
    """A request of a test that asks for no `params`, in an environment that sets none."""
    for name in [name for name in os.environ if name.startswith("SCT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SCT_STATE_DIR", "/x")
    parents = request.node.iter_parents
    item = SimpleNamespace(get_closest_marker=lambda _name: None, stash=pytest.Stash(), iter_parents=parents)
    return SimpleNamespace(fixturenames=["docker_scylla"], node=item, session=request.session)


def test_nobody_asks_for_them_and_nothing_sets_one(asking):
    assert not node_login.are_read(asking)


@pytest.mark.parametrize("name", ["SCT_CONFIG_FILES", "SCT_AUTHENTICATOR_USER", "SCT_STRESS_IMAGE.ycsb"])
def test_a_variable_that_may_set_one_has_them_read(asking, monkeypatch, name):
    monkeypatch.setenv(name, "x")
    assert node_login.are_read(asking)


def test_a_test_that_names_files_has_them_read(asking):
    asking.node.get_closest_marker = {"sct_config": pytest.mark.sct_config("a.yaml")}.get
    assert node_login.are_read(asking)


def test_a_test_that_asks_for_them_has_them_read(asking):
    asking.fixturenames.append("params")
    assert node_login.are_read(asking)


@pytest.mark.parametrize("modules", [(config_fixtures.__name__, "conftest"), ("conftest",)])
def test_a_fixture_of_the_project_s_own_has_them_read(asking, modules):
    found = [SimpleNamespace(func=SimpleNamespace(__module__=module)) for module in modules]
    manager = SimpleNamespace(getfixturedefs=lambda name, _node: {"params": found}[name])
    asking.session = SimpleNamespace(_fixturemanager=manager)
    assert node_login.are_read(asking)


def test_a_pytest_that_does_not_tell_has_them_read(asking):
    asking.session = SimpleNamespace()
    assert node_login.are_read(asking)


def test_who_logs_in_is_whom_they_name_once_they_are_made(asking, tmp_path):
    login = node_login.login_of(asking.node)
    assert login() == ("", "")
    made = load_params((), {"SCT_CLUSTER_BACKEND": "docker"}, tmp_path)
    asking.node.stash[config_fixtures.MADE] = made
    # What a node says without them is what they say where nothing sets them.
    assert login() == DEFAULT_LOGIN
    made.update(authenticator_user="eve")
    assert login() == ("eve", DEFAULT_LOGIN[1])
