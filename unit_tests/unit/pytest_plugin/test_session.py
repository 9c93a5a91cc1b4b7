from types import SimpleNamespace

import pytest

from sdcm.errors import UsageProblem
from sdcm.pytest_plugin import session
from sdcm.pytest_plugin.session import RunContext


class FromAnotherVersion:
    """The connection to a kept environment's broker that does not know what it is asked."""

    def ask(self, op, **_):
        raise UsageProblem(f"unknown request {op!r}")


def test_a_kept_environment_of_another_version_is_named(monkeypatch):
    monkeypatch.setattr(session, "needs_broker", lambda *_: True)
    monkeypatch.setattr(RunContext, "_kept", lambda _: SimpleNamespace(run_id="0abc1234"))
    monkeypatch.setattr(RunContext, "client", lambda _: FromAnotherVersion())
    context = RunContext.__new__(RunContext)
    context.opener, context._broker = True, None
    with pytest.raises(pytest.UsageError, match=r"0abc1234, which is kept, .*'expect' -- `sct.py env down` ends it"):
        context.open_broker([])


def test_a_kubeconfig_that_cannot_be_read_ends_a_plain_pytest(monkeypatch, tmp_path):
    (tmp_path / "config").write_bytes(b"\x80\xff")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(session, "needs_broker", lambda *_: True)
    context = RunContext.__new__(RunContext)
    context.opener, context._broker = True, None
    with pytest.raises(pytest.UsageError, match=r"KUBECONFIG: the kubeconfig .* cannot be read: it is no text"):
        context.open_broker([SimpleNamespace(services=("kubernetes",))])
