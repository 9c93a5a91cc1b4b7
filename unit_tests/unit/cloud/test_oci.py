"""Listing an Oracle Cloud account with the real SDK, against a loopback server that plays the account."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sdcm.cloud.oci.account import OciAccount
from unit_tests.lib.cloud_endpoints import Answers, serving

TENANCY = "ocid1.tenancy.oc1..aaaa"


class Oracle(Answers):
    """Answers the four listings."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Return what is listed; whoever does not sign gets nothing."""
        if not self.headers.get("Authorization", "").startswith("Signature "):
            return 401, {"code": "NotAuthenticated", "message": "no signature"}
        if f"/tenancies/{TENANCY}/regionSubscriptions" in path:
            return 200, [{"regionKey": "FRA", "regionName": "eu-frankfurt-1", "status": "READY", "isHomeRegion": True}]
        if "/compartments" in path and "compartmentIdInSubtree=true" in path:
            return 200, [{"id": "ocid1.compartment.1", "name": "tests", "lifecycleState": "ACTIVE"}]
        if "/instances" in path and "compartmentId=" in path:
            return 200, [{"id": "ocid1.instance.1", "displayName": "node"}] if TENANCY in path else []
        if "/vcns" in path:
            return 200, [{"id": "ocid1.vcn.1", "displayName": "net"}]
        return 404, {"code": "NotAuthorizedOrNotFound", "message": path}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "key.pem").chmod(0o600)
    file = tmp_path / "config"
    file.write_text(
        f"[DEFAULT]\nuser=ocid1.user.oc1..bbbb\nfingerprint={':'.join(['00'] * 16)}\n"
        f"key_file={tmp_path / 'key.pem'}\ntenancy={TENANCY}\nregion=eu-frankfurt-1\n"
    )
    file.chmod(0o600)
    monkeypatch.setenv("OCI_CONFIG_FILE", str(file))
    return file


@pytest.fixture
def oracle() -> Iterator[str]:
    """The account's address."""
    with serving(Oracle) as address:
        yield address


def test_an_account_is_listed(config: Path, oracle: str) -> None:
    account = OciAccount(oracle)
    assert (account.tenancy, account.region) == (TENANCY, "eu-frankfurt-1")
    assert account.regions() == ["eu-frankfurt-1"]
    assert account.compartments() == {"tests": "ocid1.compartment.1"}
    assert [instance.display_name for instance in account.instances()] == ["node"]
    assert account.instances("ocid1.compartment.1") == []
    assert [network.id for network in account.networks()] == ["ocid1.vcn.1"]


def test_a_configuration_that_is_not_whole_is_refused(config: Path) -> None:
    config.write_text("[DEFAULT]\nregion=eu-frankfurt-1\n")
    with pytest.raises(Exception, match="tenancy"):
        OciAccount()
