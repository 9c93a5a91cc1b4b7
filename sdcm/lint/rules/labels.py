"""What tests say of the services they need: I03, I04, I05."""

from collections.abc import Iterator

from sdcm.lint.finding import Finding
from sdcm.lint.functions import Function
from sdcm.lint.rule import Rule, TestFile
from sdcm.lint.rules.place import decorator_edit
from sdcm.services import rule_texts
from sdcm.services.table import BY_LABEL


class ServicesDeclared(Rule):
    """I03."""

    id = "I03"
    title = "A test says which external services it needs"
    why = "Nobody can tell where it can run, and it fails where it could have been skipped with a reason."
    bad = '''
import pytest
from sdcm.events.device import EventsDevice


@pytest.mark.integration
def test_something():
    """Something is done somewhere."""
    assert EventsDevice
'''
    good = '''
import pytest
from sdcm.events.device import EventsDevice


@pytest.mark.integration
def test_something():
    """Something is done in a container.

    External services: Docker (a container)
    """
    assert EventsDevice
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield marked tests that say nothing; a fixture such as docker_scylla says it too."""
        for test in file.tests:
            if not file.source.has_mark(test, "integration") or file.needs.declared(test).stated:
                continue
            # What it uses undeclared is told by I04, a mocked test by I18.
            if not _used(file, test) and not file.needs.is_mocked_throughout(test):
                yield self.finding(file, test.node.lineno, rule_texts.undeclared(test.name))


def _used(file: TestFile, test: Function) -> dict[str, str]:
    """Return label -> what is called, for what a test uses itself or through fixtures of its file."""
    used = dict(file.needs.uses(test))
    for name, fixture in file.needs.asked_for(test).items():
        if file.needs.functions.get(fixture.node.name) is fixture and not file.needs.guarded_by_fixture(fixture):
            for label, call in file.needs.uses(fixture).items():
                used.setdefault(label, f"{call} in fixture {name}")
    return used


class LabelsMatch(Rule):
    """I04."""

    id = "I04"
    title = "Declared services exist, and what is used is declared"
    why = "A label that is wrong or missing skips nothing: the test runs into the missing service."
    fixable = True
    bad = '''
import boto3
import pytest


@pytest.mark.integration
def test_buckets(docker_scylla):
    """There are buckets.

    External services: Docker (database node)
    """
    assert boto3.client("s3").list_buckets()["Buckets"]
'''
    good = '''
import boto3
import pytest


@pytest.mark.integration
@pytest.mark.services("aws")
def test_buckets(docker_scylla):
    """There are buckets.

    External services: Docker (database node), AWS S3
    """
    assert boto3.client("s3").list_buckets()["Buckets"]
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield declarations that name no service, and uses that no declaration names."""
        for test in file.tests:
            if not file.source.has_mark(test, "integration"):
                continue
            said = file.needs.declared(test)
            line = test.node.lineno
            # A phrase may speak of something that the table has no label for; a word was meant to be one.
            words = [word for word in said.unknown if len(word.split()) == 1]
            if words:
                yield self.finding(file, line, rule_texts.unknown(test.name, words))
            used = _used(file, test)
            for label in sorted(used.keys() - said.labels):
                edit = decorator_edit(file, test, f'pytest.mark.services("{label}")')
                message = rule_texts.uses(test.name, label, used[label])
                yield self.finding(file, line, message, edit, needs_import="pytest")


class CredentialsGuarded(Rule):
    """I05."""

    id = "I05"
    title = "A test that needs a cloud is skipped where its credentials are missing"
    why = "Without a guard it errors on every machine that has no account. With `sct = true` every declaration is one."
    fixable = True
    bad = '''
import pytest
from sdcm.events.device import EventsDevice


@pytest.mark.integration
def test_instances():
    """Instances are listed.

    External services: OCI Compute
    """
    assert EventsDevice
'''
    good = '''
import os

import pytest
from sdcm.events.device import EventsDevice


@pytest.mark.integration
@pytest.mark.skipif(not os.environ.get("OCI_CONFIG_FILE"), reason="OCI credentials missing: set OCI_CONFIG_FILE")
def test_instances():
    """Instances are listed.

    External services: OCI Compute
    """
    assert EventsDevice
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield tests whose cloud is declared in words alone, in a project where words do not skip."""
        if file.source.plugin_acts:
            return
        for test in file.tests:
            if not file.source.has_mark(test, "integration"):
                continue
            declared = file.needs.declared(test).labels
            missing = declared - file.needs.guarded(test) - self._by_marker(file, test)
            for label in sorted(label for label in missing if BY_LABEL[label].is_cloud):
                edit = decorator_edit(file, test, f'pytest.mark.services("{label}")')
                message = rule_texts.unguarded(test.name, label)
                yield self.finding(file, test.node.lineno, message, edit, needs_import="pytest")

    @staticmethod
    def _by_marker(file: TestFile, test: Function) -> set[str]:
        """Return the labels in a test's `services` markers, which skip in every project."""
        return {
            str(constant.value).strip().lower()
            for mark in file.source.marks(test)
            if mark.name == "services" and mark.call
            for constant in mark.call.args
            if hasattr(constant, "value")
        }
