"""The service table."""

import pytest

from sdcm.errors import UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.services import table


def test_the_labels_and_what_decides_them() -> None:
    assert table.LABELS == ("docker", "aws", "gce", "azure", "oci", "kubernetes")
    assert sorted(table.CLOUD_LABELS) == ["aws", "azure", "gce", "oci"]
    variables = {row.label: row.variables for row in table.SERVICES}
    assert variables == {
        "docker": (),
        "aws": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"),
        "gce": ("GOOGLE_APPLICATION_CREDENTIALS",),
        "azure": ("AZURE_SUBSCRIPTION_ID",),
        "oci": ("OCI_CONFIG_FILE",),
        "kubernetes": ("KUBECONFIG",),
    }


def test_no_word_stands_for_two_services() -> None:
    words = [word for row in table.SERVICES for word in row.words]
    assert len(words) == len(set(words))
    assert all(row.label in row.words for row in table.SERVICES)


@pytest.mark.parametrize("label", ["aws", "AWS", " Aws "])
def test_a_label_is_found_in_any_case(label: str) -> None:
    assert table.service(label).label == "aws"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        pytest.param("mars", "unknown service 'mars' -- known: docker, aws, gce, azure, oci, kubernetes", id="unknown"),
        pytest.param("azur", "unknown service 'azur': did you mean 'azure'", id="misspelt"),
        pytest.param("k8s", "unknown service 'k8s': did you mean 'kubernetes'", id="another name"),
        pytest.param("s3", "unknown service 's3': did you mean 'aws'", id="what a service covers"),
        pytest.param("", "unknown service '' -- known:", id="empty"),
    ],
)
def test_an_unknown_label_is_wrong_usage_with_near_names(label: str, message: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        table.service(label)
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("labels", "own_cluster", "expected"),
    [
        pytest.param({"kubernetes"}, True, {"kubernetes", "docker"}, id="Kind runs in containers"),
        pytest.param({"kubernetes"}, False, set(), id="the user's cluster is there already"),
        pytest.param({"docker", "aws"}, True, {"docker"}, id="clouds are not brought up"),
        pytest.param({"docker", "kubernetes"}, False, {"docker"}, id="docker beside the user's cluster"),
        pytest.param(set(), True, set(), id="nothing"),
    ],
)
def test_what_a_run_brings_up(labels: set[str], own_cluster: bool, expected: set[str]) -> None:
    assert table.brought_up_for(labels, own_cluster=own_cluster) == expected
