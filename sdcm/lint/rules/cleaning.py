"""What is created is destroyed: I08, I09, I10."""

from collections.abc import Iterator

from sdcm.lint.creation import Guarding
from sdcm.lint.finding import Finding
from sdcm.lint.functions import Function
from sdcm.lint.rule import Rule, TestFile


class FixtureCleansUp(Rule):
    """I08."""

    id = "I08"
    title = "A fixture destroys what it creates"
    why = "What is left behind costs money, holds ports and names, and breaks the next run."
    bad = '''
import uuid

import boto3
import pytest


@pytest.fixture
def bucket():
    """A bucket with a name of its own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name
'''
    good = '''
import uuid

import boto3
import pytest


@pytest.fixture
def bucket():
    """A bucket with a name of its own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket(Bucket=name)
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield creations in fixtures that nothing undoes."""
        for fixture in _fixtures(file):
            guarding = Guarding(fixture)
            for creation in file.creations.of(fixture):
                if guarding.managed(creation.call) or guarding.in_try(creation.call) or guarding.finalizes:
                    continue
                if not guarding.has_teardown():
                    message = f"{fixture.name}: creates {creation.what} but never destroys it -- yield, then destroy it"
                    yield self.finding(file, creation.call.lineno, message)


class SetUpSurvives(Rule):
    """I09."""

    id = "I09"
    title = "A fixture's clean-up survives its own set-up's failure"
    why = "What fails before the `yield` skips everything after it: the thing made first stays."
    bad = '''
import boto3
import pytest
from sdcm.wait import wait_for


@pytest.fixture
def machine():
    """A machine that runs."""
    ec2 = boto3.client("ec2")
    made = ec2.run_instances(MinCount=1, MaxCount=1)
    wait_for(lambda: ec2.describe_instance_status(), step=5, timeout=300, text="the machine runs")
    yield made
    ec2.terminate_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])
'''
    good = '''
import boto3
import pytest
from sdcm.wait import wait_for


@pytest.fixture
def machine():
    """A machine that runs."""
    ec2 = boto3.client("ec2")
    made = ec2.run_instances(MinCount=1, MaxCount=1)
    try:
        wait_for(lambda: ec2.describe_instance_status(), step=5, timeout=300, text="the machine runs")
        yield made
    finally:
        ec2.terminate_instances(InstanceIds=[made["Instances"][0]["InstanceId"]])
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield creations after which something may fail before they are guarded."""
        for fixture in _fixtures(file):
            guarding = Guarding(fixture)
            if not guarding.has_teardown():
                continue
            for creation in file.creations.of(fixture):
                if guarding.managed(creation.call) or guarding.in_try(creation.call):
                    continue
                if guarding.leaks_between(creation.call) is not None:
                    message = f"{fixture.name}: {creation.what} leaks when set-up fails; use try/finally or ExitStack"
                    yield self.finding(file, creation.call.lineno, message)


class TestCleansUp(Rule):
    """I10."""

    __test__ = False

    id = "I10"
    title = "A test's body creates nothing that it does not surely destroy"
    why = "The first failing assertion skips the lines below it, and with them the clean-up."
    bad = '''
import boto3
import pytest


@pytest.mark.integration
@pytest.mark.services("aws")
def test_upload(params):
    """A file is uploaded."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="sct-upload")
    s3.put_object(Bucket="sct-upload", Key="a", Body=b"a")
    s3.delete_bucket(Bucket="sct-upload")
'''
    good = '''
import boto3
import pytest


@pytest.mark.integration
@pytest.mark.services("aws")
def test_upload(params):
    """A file is uploaded."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="sct-upload")
    try:
        s3.put_object(Bucket="sct-upload", Key="a", Body=b"a")
    finally:
        s3.delete_bucket(Bucket="sct-upload")
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield creations in tests that stand in no `with` or `try` and have no finalizer."""
        for test in file.integration_tests:
            guarding = Guarding(test)
            for creation in file.creations.of(test):
                if guarding.managed(creation.call) or guarding.in_try(creation.call) or guarding.finalizes:
                    continue
                if not guarding.before_try(creation.call):
                    message = f"{test.name}: wrap {creation.what} in a fixture or try/finally"
                    yield self.finding(file, creation.call.lineno, message)


def _fixtures(file: TestFile) -> Iterator[Function]:
    return (function for function in file.integration_functions if function.fixture is not None)
