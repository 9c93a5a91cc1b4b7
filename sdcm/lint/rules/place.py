"""Which tests are marked, and where they lie: I01, I02, I17, I18."""

from collections.abc import Iterator

from sdcm.lint.finding import Edit, Finding
from sdcm.lint.functions import Function
from sdcm.lint.rule import Rule, TestFile
from sdcm.services import rule_texts
from sdcm.services.table import BY_LABEL


def decorator_edit(file: TestFile, function: Function, decorator: str) -> Edit:
    """Return the edit that puts a decorator above a function."""
    line = function.first_line
    indent = function.node.col_offset
    return Edit(line, 0, line, 0, f"{' ' * indent}@{decorator}\n")


class IntegrationMarked(Rule):
    """I01."""

    id = "I01"
    title = "Tests in unit_tests/integration carry the marker `integration`"
    why = "Without it the test runs in unit-tests, where no service is."
    fixable = True
    bad = '''
def test_query(docker_scylla):
    """A node answers."""
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
'''
    good = '''
import pytest


@pytest.mark.integration
def test_query(docker_scylla):
    """A node answers."""
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield unmarked tests in the folder."""
        if file.source.room != "integration":
            return
        for test in file.tests:
            if not file.source.has_mark(test, "integration"):
                edit = decorator_edit(file, test, "pytest.mark.integration")
                yield self.finding(file, test.node.lineno, rule_texts.unmarked(test.name), edit, needs_import="pytest")


class IntegrationPlaced(Rule):
    """I02."""

    id = "I02"
    title = "Tests with the marker lie in unit_tests/integration or unit_tests/acceptance"
    why = "Elsewhere nobody looks for them, and the fixtures of integration tests are not there."
    path = "unit_tests/unit/test_example.py"
    bad = '''
import pytest


@pytest.mark.integration
def test_query(docker_scylla):
    """A node answers."""
    assert docker_scylla.cql_connection().execute("SELECT now() FROM system.local").one()
'''
    good = '''
def test_query(fake_session):
    """A session answers."""
    assert fake_session.execute("SELECT now() FROM system.local").one()
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield marked tests elsewhere below a folder of tests."""
        if file.source.room != "unit":
            return
        for test in file.tests:
            if file.source.has_mark(test, "integration"):
                yield self.finding(file, test.node.lineno, rule_texts.misplaced(test.name))


class RealCloudIsMarked(Rule):
    """I17."""

    id = "I17"
    title = "A test that calls a real cloud is an integration test"
    why = "In unit-tests there are no credentials: it fails, or it finds somebody's account and works on it."
    path = "unit_tests/unit/test_example.py"
    bad = '''
import boto3


def test_image():
    """The newest image has a name."""
    assert boto3.client("ssm").get_parameter(Name="/image/latest")["Parameter"]["Value"].startswith("ami-")
'''
    good = '''
import boto3
from moto import mock_aws


@mock_aws
def test_image():
    """The newest image has a name."""
    ssm = boto3.client("ssm", region_name="us-east-1")
    ssm.put_parameter(Name="/image/latest", Value="ami-1", Type="String")
    assert ssm.get_parameter(Name="/image/latest")["Parameter"]["Value"].startswith("ami-")
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield unmarked tests that call an SDK with nothing in its place."""
        for test in file.tests:
            if file.source.has_mark(test, "integration") or file.source.room == "integration":
                continue
            for label, name in file.needs.uses(test).items():
                if BY_LABEL[label].is_cloud and not file.needs.is_replaced_for_all(name):
                    yield self.finding(
                        file, test.node.lineno, f"{test.name}: calls {name}; mark integration or mock it"
                    )


class MockedIsUnit(Rule):
    """I18."""

    id = "I18"
    title = "A test that needs no real service is a unit test"
    why = "Among the integration tests it runs seldom and late; what it finds could have been found at once."
    bad = '''
import boto3
import pytest
from moto import mock_aws


@pytest.mark.integration
@mock_aws
def test_bucket(params):
    """A bucket is listed.

    External services: none (AWS is mocked)
    """
    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="one")
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["one"]
'''
    good = '''
import boto3
import pytest


@pytest.mark.integration
@pytest.mark.services("aws")
def test_bucket(bucket, params):
    """A bucket is listed.

    External services: AWS S3
    """
    assert bucket in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
'''

    def check(self, file: TestFile) -> Iterator[Finding]:
        """Yield marked tests that are mocked throughout, or say that they need nothing."""
        if file.source.room == "acceptance":
            return
        for test in file.tests:
            if not file.source.has_mark(test, "integration"):
                continue
            said = file.needs.declared(test)
            if said.labels or file.needs.uses(test):
                continue
            if (said.stated and not said.unknown) or file.needs.is_mocked_throughout(test):
                yield self.finding(file, test.node.lineno, f"{test.name}: needs no service, move it to unit_tests/unit")
