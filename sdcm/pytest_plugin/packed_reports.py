"""Packs what a worker reports of a test for its way to the controller.

A report is some thirty values, and a test has three. xdist's messages are written and read value by value, in Python;
packed, a report is one of them, which Python's own C code (`marshal`) has written and reads.
"""

import marshal
from collections.abc import Generator
from typing import Any

import pytest

from sdcm.pytest_plugin.session import acts

#: What the controller tells a worker whose packed reports it reads, and what they are called in a message.
_PACKED = "sct_packed"
#: The format that every Python since 3.4 reads: a worker may run another than the controller.
_FORMAT = 4

Data = dict[str, Any]


class Packer:
    """Packs reports, in a worker."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self) -> Generator[None, Data | None, Data | None]:
        """Pack what pytest, or a plugin with reports of its own, has made of a report."""
        data = yield
        try:
            return data and {_PACKED: marshal.dumps(data, _FORMAT)}
        except ValueError:
            return data  # xdist is to say what cannot be sent


class Unpacker:
    """Unpacks them, in the controller."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker that is about to start that its reports may come packed."""
        node.workerinput[_PACKED] = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_from_serializable(self, data: Data) -> Generator[None, object, object]:
        """Put back what was packed, before anybody looks at it; what xdist has added stays."""
        packed = data.pop(_PACKED, None)
        if packed is not None:
            data.update(marshal.loads(packed))  # noqa: S302 - a worker of ours has written it
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Pack where the controller unpacks; xdist starts its workers, and speaks to the controller, only after this."""
    config = session.config
    manager = config.pluginmanager
    if getattr(config, "workerinput", {}).get(_PACKED):
        manager.register(Packer(), "sct-packed-reports-worker")
    elif manager.hasplugin("dsession") and acts(config):
        manager.register(Unpacker(), "sct-packed-reports-controller")
