"""Where the last words of a process go that had to be ended."""

import os
from types import SimpleNamespace

import pytest

from sdcm import journal
from sdcm.paths import LAST_WORDS
from sdcm.pytest_plugin import deadlines


def test_a_worker_of_a_repetition_leaves_the_last_words_of_its_namesake_alone(tmp_path, monkeypatch):
    (tmp_path / journal.FILE_NAME).touch()
    monkeypatch.setenv(journal.ENVIRONMENT_VARIABLE, str(tmp_path / journal.FILE_NAME))
    monkeypatch.setattr(deadlines.stopping, "flag_of", lambda _config: None)
    monkeypatch.setattr(deadlines, "DeadlineClock", lambda *_, last_words, **__: last_words)

    def words(pid):
        monkeypatch.setattr(os, "getpid", lambda: pid)
        workerinput = {"workerid": "gw0"}
        config = SimpleNamespace(stash=pytest.Stash(), getini=lambda _name: "", workerinput=workerinput)
        return deadlines.clock_of(config)

    assert words(71) != words(72)
    assert words(71).parent == tmp_path / LAST_WORDS
    assert words(71).name.startswith("gw0")
