"""What is written down of the chosen tests."""

from types import SimpleNamespace

import pytest

from sdcm.pytest_plugin import collecting
from sdcm.services import selected
from sdcm.services.selected import SelectedTest


@pytest.mark.parametrize("services", [("docker",), ()])
def test_plain_pytest_in_one_process_tells_its_broker_of_the_tests_to_come(tmp_path, monkeypatch, services):
    file, opened = tmp_path / "state" / "selection.json", []
    chosen = SelectedTest("a.py::one", "a.py", services=services, node_key="k")
    context = SimpleNamespace(
        selection_file=file, plain=True, opener=True, open_broker=lambda tests: opened.append(selected.read(file))
    )
    config = SimpleNamespace(
        option=SimpleNamespace(collectonly=False), pluginmanager=SimpleNamespace(hasplugin=lambda _name: False)
    )
    monkeypatch.setattr(collecting, "context_of", lambda _config: context)
    monkeypatch.setattr(collecting, "needs_of", lambda item: item)
    monkeypatch.setattr(collecting.config_fixtures, "check_files", lambda *_: None)
    monkeypatch.setattr(collecting.node_arguments, "check", lambda *_: None)

    collecting.pytest_collection_finish(SimpleNamespace(config=config, items=[chosen]))

    assert opened == ([(chosen,)] if services else [])
    assert file.exists() == bool(services)
