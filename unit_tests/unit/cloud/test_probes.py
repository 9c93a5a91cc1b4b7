import threading
from pathlib import Path

import pytest

from sdcm.cloud.probes import probe
from sdcm.errors import ServiceUnavailable

WITH_AWS = {"AWS_PROFILE": "tests"}


def nothing_wrong() -> None:
    """Prove it."""


def never_asked() -> None:
    raise AssertionError("the credentials were tried")


def verdict(proof: object, environ: dict[str, str] | None = None, deadline: float = 60.0) -> str:
    proofs = {"aws": proof}
    return str(probe(["aws"], WITH_AWS if environ is None else environ, proofs=proofs, deadline=deadline)["aws"])  # type: ignore[arg-type]


def test_without_a_variable_nothing_is_tried() -> None:
    assert verdict(never_asked, {}).startswith("aws: neither AWS_ACCESS_KEY_ID nor AWS_PROFILE is set -- export one")


def test_an_unreadable_file_comes_before_the_call() -> None:
    found = probe(["oci"], {"OCI_CONFIG_FILE": "/nonexistent/config"}, proofs={"oci": never_asked})
    assert "OCI_CONFIG_FILE names /nonexistent/config, which is no readable file" in str(found["oci"])


def test_working_credentials() -> None:
    assert verdict(nothing_wrong) == "aws: available"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("InvalidClientTokenId: the token is invalid\nmore"), "aws: the credentials do not work: Inval"),
        (KeyError(), "aws: the credentials do not work: KeyError"),
        (ServiceUnavailable("aws: a library is not installed", mend="pip install it"), "installed -- pip install it"),
        (SystemExit(3), "aws: the credentials do not work: 3"),
    ],
)
def test_whatever_a_library_raises_is_a_reason(error: BaseException, said: str) -> None:
    def fail() -> None:
        raise error

    text = verdict(fail)
    assert said in text
    assert "\n" not in text
    assert "aws: aws:" not in text


def test_no_answer_is_waited_for_no_longer_than_the_deadline() -> None:
    over = threading.Event()
    try:
        assert "aws: no answer within 0.05 s" in verdict(over.wait, deadline=0.05)
    finally:
        over.set()


def test_several_are_asked_side_by_side(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=60)
    file = tmp_path / "config"
    file.touch()
    environ = {**WITH_AWS, "OCI_CONFIG_FILE": str(file)}
    verdicts = probe(["aws", "oci"], environ, proofs={"aws": both.wait, "oci": both.wait})  # type: ignore[dict-item]
    assert [found.available for found in verdicts.values()] == [True, True]
    assert probe([], environ) == {}
