"""Runs with tests of clouds: without credentials, and killed while their resources stand in emulators.

External services: none where not said otherwise (AWS is served by moto in this process)
"""

import contextlib
import json
import os
import signal
import time

import psutil
import pytest

from sdcm.cloud.owner import Owner
from sdcm.containers.service import ContainerRequest
from sdcm.pytest_plugin.container_leases import container_for
from sdcm.wait import wait_for
from unit_tests.lib.cloud_endpoints import (
    AZURITE_ACCOUNT,
    AZURITE_KEY,
    Tokens,
    aws_endpoint,
    azurite_connection,
    google_key,
    serving,
)
from unit_tests.lib.lazily import lazily

boto3 = lazily("boto3")
azure_blob = lazily("azure.storage.blob")
google_credentials = lazily("google.auth.credentials")
google_storage = lazily("google.cloud.storage")

pytestmark = pytest.mark.integration

#: Seconds, on a busy machine.
GONE_WITHIN = 60

ONE_OF_EACH = """
    import pytest

    pytestmark = pytest.mark.integration

    def test_aws(s3_bucket): ...
    def test_gce(gcs_bucket): ...
    def test_azure(azure_blob_container): ...
    def test_oci(oci_account): ...
"""
#: Makes things in AWS, tells their names, and waits for longer than any test here.
IN_AWS = """
    import json, pathlib, time

    import pytest

    @pytest.mark.integration
    def test_holds(aws_resources):
        bucket = aws_resources.s3_bucket("held")
        bucket.put("a", b"1")
        image = "ami-0123456789abcdef0"
        parameter = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v", "Name": "/of/stack"}}
        made = {
            "bucket": bucket.name,
            "parameter": aws_resources.ssm_parameter("secret"),
            "key": aws_resources.kms_key(),
            "instance": aws_resources.ec2_instance(image),
            "stack": aws_resources.cloudformation_stack({"Resources": {"P": parameter}})["StackName"],
        }
        pathlib.Path("holding.part").write_text(json.dumps(made))
        pathlib.Path("holding.part").rename("holding")
        time.sleep(900)
"""
IN_EACH = """
    import json, pathlib, time

    import pytest

    @pytest.mark.integration
    def test_holds(s3_bucket, gcs_bucket, azure_blob_container):
        for place in (s3_bucket, gcs_bucket, azure_blob_container):
            place.put("folder/a", b"1")
            place.put("folder/a", b"2")
            assert place.get("folder/a") == b"2"
            assert place.keys("folder/") == ["folder/a"]
        names = [s3_bucket.name, gcs_bucket.name, azure_blob_container.name]
        pathlib.Path("holding.part").write_text(json.dumps(names))
        pathlib.Path("holding.part").rename("holding")
        time.sleep(900)
"""


@pytest.fixture
def on_aws(project):
    """A sample project whose runs reach an AWS of this test's own."""
    with aws_endpoint() as environ:
        project.environ |= {**environ, "MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}
        yield project


def aws_client(project, service):
    """A client of that AWS."""
    given = project.environ
    return boto3.client(
        service,
        endpoint_url=given["AWS_ENDPOINT_URL"],
        region_name=given["AWS_DEFAULT_REGION"],
        aws_access_key_id="tests",
        aws_secret_access_key="tests",
    )


def held_by(child, project):
    """Wait until the sample test says what it holds."""
    file = project.root / "holding"
    wait_for(lambda: file.exists() or child.poll() is not None, step=0.2, timeout=180)
    assert file.exists(), child.communicate()
    return json.loads(file.read_text())


def left_in_aws(project):
    """What of a run's is still there and does not go by itself."""
    s3, ssm, kms, ec2 = (aws_client(project, service) for service in ("s3", "ssm", "kms", "ec2"))
    left = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    left += [parameter["Name"] for parameter in ssm.describe_parameters()["Parameters"]]
    left += [stack["StackName"] for stack in aws_client(project, "cloudformation").describe_stacks()["Stacks"]]
    keys = (kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"])
    left += [key["KeyId"] for key in keys if key["KeyState"] != "PendingDeletion"]
    reservations = ec2.describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    return left + [
        each["InstanceId"] for each in instances if each["State"]["Name"] not in {"shutting-down", "terminated"}
    ]


def kill_all(child):
    """Kill a run with its broker and all their children at once."""
    tree = [psutil.Process(child.pid), *psutil.Process(child.pid).children(recursive=True)]
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    child.communicate()


def test_without_credentials_each_cloud_test_skips_with_label_variable_and_remedy(project):
    """Label, variable and what supplies it stand in each reason; `--require` ends the run before anything.

    External services: none
    """
    project.write("unit_tests/integration/test_clouds.py", ONE_OF_EACH)
    ended = project.sct("integration-tests", "-n", "0")
    assert ended.code == 69, ended.text
    for label, variable in (
        ("aws", "neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set"),
        ("gce", "GOOGLE_APPLICATION_CREDENTIALS is not set"),
        ("azure", "AZURE_SUBSCRIPTION_ID is not set"),
        ("oci", "OCI_CONFIG_FILE is not set"),
    ):
        assert f"1 skipped: {label} ({variable} -- export" in ended.out
    assert "4 skipped" in ended.out
    required = project.sct("integration-tests", "--require", "aws")
    assert (required.code, required.err.count("\n")) == (69, 1), required.text
    assert "--require aws: aws: neither AWS_ACCESS_KEY_ID" in required.err


def test_credentials_that_do_not_work_skip_too_and_say_so(project):
    """A key that the cloud refuses is as good as none; the run says what the cloud said.

    External services: none
    """
    project.write("unit_tests/integration/test_clouds.py", ONE_OF_EACH)
    key = google_key(project.root / "key.json", "http://127.0.0.1:9/token")
    environ = {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "GOOGLE_APPLICATION_CREDENTIALS": str(key),
    }
    ended = project.sct("integration-tests", "-n", "0", **environ)
    assert ended.code == 69, ended.text
    assert "1 skipped: aws (the credentials do not work: " in ended.out
    assert "1 skipped: gce (the credentials do not work: " in ended.out
    assert project.sct("integration-tests", "--require", "gce", **environ).code == 69


def test_what_a_killed_pytest_had_made_in_aws_is_removed_by_its_broker(on_aws):
    """Bucket, parameter, key, instance and stack go when pytest is killed, with nobody's help.

    External services: none (AWS is served by moto in this process)
    """
    on_aws.write("unit_tests/integration/test_aws.py", IN_AWS)
    child = on_aws.start("integration-tests", "-n", "1")
    made = held_by(child, on_aws)
    assert set(left_in_aws(on_aws)) == {*made.values(), "/of/stack"}
    pytest_processes = [
        process for process in psutil.Process(child.pid).children() if "pytest" in " ".join(process.cmdline())
    ]
    os.killpg(pytest_processes[0].pid, signal.SIGKILL)
    wait_for(lambda: not left_in_aws(on_aws), step=0.5, timeout=GONE_WITHIN)
    child.communicate(timeout=300)
    wait_for(on_aws.nothing_left, step=0.2, timeout=GONE_WITHIN)


def test_what_a_dead_run_had_made_in_each_cloud_is_swept(request, on_aws, catalogue_image, tmp_path_factory):
    """Runner, broker and pytest killed at once leave a bucket in each cloud; `clean` removes them from the ledger.

    External services: Docker (emulators of Google Cloud Storage and of Azure Storage)
    """
    on_aws.write("unit_tests/integration/test_each.py", IN_EACH)
    folder = tmp_path_factory.mktemp("google")
    google = ContainerRequest(
        "gcs", "gcs-emulator", command=("-backend", "memory", "-scheme", "http", "-port", "4443"), ports=(4443,)
    )
    azure = ContainerRequest("azurite", "azurite", ports=(10000,))
    with (
        serving(Tokens) as tokens,
        container_for(request, google) as gcs,
        container_for(request, azure) as azurite,
    ):
        connection = azurite_connection(azurite.get_port(10000))
        on_aws.environ |= {
            "GOOGLE_APPLICATION_CREDENTIALS": str(google_key(folder / "key.json", f"{tokens}/token")),
            "STORAGE_EMULATOR_HOST": f"http://{gcs.get_port(4443)}",
            "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000000",
            "AZURE_STORAGE_CONNECTION_STRING": connection,
        }
        buckets = google_storage.Client(
            "tests",
            google_credentials.AnonymousCredentials(),
            client_options={"api_endpoint": on_aws.environ["STORAGE_EMULATOR_HOST"]},
        )
        account_url = f"http://{azurite.get_port(10000)}/{AZURITE_ACCOUNT}"
        blobs = azure_blob.BlobServiceClient(account_url=account_url, credential=AZURITE_KEY)

        def left():
            names = [bucket["Name"] for bucket in aws_client(on_aws, "s3").list_buckets()["Buckets"]]
            names += [bucket.name for bucket in buckets.list_buckets()]
            return names + [container.name for container in blobs.list_containers()]

        with contextlib.closing(buckets), blobs:
            wait_for(lambda: left() == [], step=0.5, timeout=180, throw_exc=True)
            child = on_aws.start("integration-tests", "-n", "0")
            names = held_by(child, on_aws)
            kill_all(child)
            assert left() == names
            (container,) = blobs.list_containers(include_metadata=True)
            run = names[0].split("-")[1]
            assert container.metadata["sct_run"] == run

            cleaned = on_aws.sct("clean", timeout=300)
            assert cleaned.code == 0, cleaned.text
            assert left() == []
            assert on_aws.nothing_left()
            ledger = next((on_aws.state / "runs").glob("*/ledger.jsonl")).read_text()
            assert AZURITE_KEY not in ledger

            # What a machine left that is gone with its ledger: found by its tags, judged by its age.
            for name, age in (("sct-old", 7200), ("sct-young", 60)):
                owner = Owner("deadbeef", "elsewhere", int(time.time()) - age)
                blobs.create_container(name, metadata=owner.tags("_"))
            blobs.create_container("sct-theirs")
            swept = on_aws.sct("clean", "--cloud", "aws", "--cloud", "azure", "--older-than", "1h")
            assert swept.code == 0, swept.text
            assert "sct-old" in swept.out
            assert left() == ["sct-theirs", "sct-young"]
