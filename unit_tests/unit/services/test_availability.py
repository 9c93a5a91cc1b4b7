"""Verdicts on services: from the environment alone, with a reason that names what is missing."""

from pathlib import Path

import pytest

from sdcm.errors import ServiceUnavailable, UsageProblem
from sdcm.exit_codes import ExitCode
from sdcm.services import availability
from sdcm.services.availability import Verdict, cloud_availability
from sdcm.services.table import CLOUD_LABELS


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("aws", "aws: neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set -- export one of them (see docs/"),
        ("gce", "gce: GOOGLE_APPLICATION_CREDENTIALS is not set -- export it with the path"),
        ("azure", "azure: AZURE_SUBSCRIPTION_ID is not set -- export it (see docs/"),
        ("oci", "oci: OCI_CONFIG_FILE is not set -- export it with the path"),
    ],
)
def test_without_credentials_the_reason_names_the_variable_and_what_supplies_it(label: str, text: str) -> None:
    for environ in ({}, {"AWS_PROFILE": "", "GOOGLE_APPLICATION_CREDENTIALS": " ", "OCI_CONFIG_FILE": ""}):
        verdict = cloud_availability(label, environ)
        assert not verdict.available
        assert str(verdict).startswith(text)


@pytest.mark.parametrize(
    ("label", "environ"),
    [
        ("aws", {"AWS_ACCESS_KEY_ID": "AKIA"}),
        ("aws", {"AWS_PROFILE": "dev"}),
        ("azure", {"AZURE_SUBSCRIPTION_ID": "0000"}),
    ],
)
def test_a_variable_is_enough(label: str, environ: dict[str, str]) -> None:
    assert cloud_availability(label, environ) == Verdict(label, available=True)
    for other in CLOUD_LABELS - {label}:
        assert not cloud_availability(other, environ).available


@pytest.mark.parametrize(("label", "variable"), [("gce", "GOOGLE_APPLICATION_CREDENTIALS"), ("oci", "OCI_CONFIG_FILE")])
def test_a_variable_that_names_a_file_needs_the_file(label: str, variable: str, tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    verdict = cloud_availability(label, {variable: str(file)})
    assert str(verdict).startswith(f"{label}: {variable} names {file}, which is no readable file -- export it")
    assert not cloud_availability(label, {variable: str(tmp_path)}).available
    file.write_text("{}")
    assert cloud_availability(label, {variable: str(file)}).available
    assert cloud_availability(label, {variable: "~/credentials", "HOME": str(tmp_path)}).available


def test_no_value_of_a_secret_is_shown() -> None:
    verdict = cloud_availability("aws", {"AWS_ACCESS_KEY_ID": "AKIASECRET"})
    assert "AKIASECRET" not in repr(verdict) + str(verdict)


@pytest.mark.parametrize("label", ["docker", "kubernetes"])
def test_what_the_run_brings_up_is_not_judged_by_variables(label: str) -> None:
    with pytest.raises(ValueError, match="brought up by the run"):
        cloud_availability(label, {})


def test_an_unknown_label_is_wrong_usage() -> None:
    with pytest.raises(UsageProblem, match="unknown service 'mars'"):
        cloud_availability("mars", {})
    with pytest.raises(UsageProblem):
        availability.available("mars")


def test_the_runner_supplies_verdicts_of_its_own() -> None:
    assert str(availability.available("Docker")) == "docker: available"
    assert (
        str(availability.unavailable("docker", "no engine answers", "start it"))
        == "docker: no engine answers -- start it"
    )
    assert "sct.py integration-tests --setup" in str(availability.unavailable("docker", "no engine answers"))


def test_a_required_service_that_is_missing_is_an_error_with_the_same_text() -> None:
    verdict = cloud_availability("oci", {})
    with pytest.raises(ServiceUnavailable) as caught:
        verdict.require()
    assert str(caught.value) == str(verdict)
    assert caught.value.exit_code is ExitCode.UNAVAILABLE
    availability.available("docker").require()
