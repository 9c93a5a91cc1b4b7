"""Skips tests whose cloud is not available here, by verdicts that are found once.

Under `sct.py` its plan has asked the clouds; in plain pytest each process does, once, when a test needs one.
"""

import os

import pytest

from sdcm.pytest_plugin import collecting
from sdcm.pytest_plugin.session import context_of, is_worker
from sdcm.services import verdicts
from sdcm.services.availability import Verdict
from sdcm.services.table import CLOUD_LABELS

_VERDICTS = pytest.StashKey[dict[str, Verdict]]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Hand the verdicts to the workers, which have not been started yet."""
    config = session.config
    if config.option.collectonly or is_worker(config):
        return
    if verdicts.VARIABLE not in os.environ:
        # Which clouds tests need is not known yet, so none is asked; without its variables it need not be.
        found = verdicts.probe(CLOUD_LABELS, os.environ)
        missing = {label: verdict for label, verdict in found.items() if not verdict.available}
        context_of(config).set_environ(verdicts.VARIABLE, verdicts.to_text(missing))


def verdict_of(config: pytest.Config, label: str) -> Verdict:
    """Return the verdict on a cloud; one that a test turns out to need only now is asked for now."""
    if _VERDICTS not in config.stash:
        config.stash[_VERDICTS] = verdicts.from_text(os.environ.get(verdicts.VARIABLE, ""))
    known = config.stash[_VERDICTS]
    if label not in known:
        from sdcm.cloud.probes import probe

        known.update(probe([label], os.environ))
    return known[label]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose cloud is not available, before any of its fixtures run."""
    for label in collecting.services_of(item):
        if label in CLOUD_LABELS and not (verdict := verdict_of(item.config, label)).available:
            pytest.skip(str(verdict))
