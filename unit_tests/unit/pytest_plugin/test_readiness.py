"""What a test hears whose service is not there."""

from types import SimpleNamespace

import pytest

from sdcm.broker.protocol import BROKER_VARIABLE, PLAIN_VARIABLE, RUN_VARIABLE, SERVICES_VARIABLE, TESTS_BEGUN_FILE
from sdcm.pytest_plugin import collecting, readiness, stopping


def test_a_unit_test_that_asks_for_a_service_fails_with_a_line_that_says_what_to_do(monkeypatch):
    monkeypatch.setenv(RUN_VARIABLE, "0a1b2c3d")
    for name in (PLAIN_VARIABLE, BROKER_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(collecting, "services_of", lambda _item: ("docker",))

    with pytest.raises(pytest.fail.Exception, match="-- mark it integration") as failed:
        readiness.pytest_runtest_setup(SimpleNamespace(config=SimpleNamespace(stash=pytest.Stash())))

    assert failed.value.pytrace is False
    assert failed.value.__suppress_context__


class TestWhereAFailureEndsTheRun:
    """With `-x`, a test waits for its service before it has started."""

    @pytest.fixture
    def states(self, monkeypatch, tmp_path):
        """The services' states; docker is coming up."""
        file = tmp_path / "services.json"
        file.write_text('{"docker": "waiting"}')
        monkeypatch.setenv(SERVICES_VARIABLE, str(file))
        monkeypatch.setattr(collecting, "services_of", lambda _item: ("docker",))
        return file

    @staticmethod
    def come_to_it(monkeypatch, *, maxfail, looks):
        """Let pytest come to the test; `looks` is called at each look for a failure, true once there is one."""
        monkeypatch.setattr(stopping, "no_more_tests", looks)
        monkeypatch.setattr(readiness, "_STEP", 0.0)
        config = SimpleNamespace(stash=pytest.Stash(), getoption=lambda _name, _default: maxfail)
        readiness.pytest_runtest_protocol(SimpleNamespace(config=config))

    def test_it_waits_until_the_service_has_come_up_or_failed(self, monkeypatch, states):
        looked = []

        def look(_config):
            looked.append(states.with_name(TESTS_BEGUN_FILE).exists())
            if len(looked) == 3:
                states.write_text('{"docker": "failed"}')
            return False

        self.come_to_it(monkeypatch, maxfail=1, looks=look)
        assert looked == [False, True, True]

    def test_a_failure_ends_the_wait(self, monkeypatch, states):
        failures = iter([False, False, True])
        self.come_to_it(monkeypatch, maxfail=1, looks=lambda _config: next(failures))
        assert next(failures, "none is left") == "none is left"
        assert "waiting" in states.read_text()

    def test_without_it_the_broker_is_asked_in_the_set_up(self, monkeypatch, states):
        self.come_to_it(monkeypatch, maxfail=0, looks=lambda _config: pytest.fail("waited"))
        assert not states.with_name(TESTS_BEGUN_FILE).exists()

    def test_a_service_that_nobody_brings_up_is_not_waited_for(self, monkeypatch, states):
        for said in ('{"kubernetes": "waiting"}', '{"docker": "dismissed"}', "[]", ""):
            states.write_text(said)
            self.come_to_it(monkeypatch, maxfail=1, looks=lambda _config: pytest.fail("waited"))
