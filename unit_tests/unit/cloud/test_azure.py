"""Azure's resource groups and blobs with the real SDK, against a loopback server that plays Azure."""

import json
from typing import Any, ClassVar

import pytest

from sdcm.cloud.azure import clients
from sdcm.cloud.azure.resources import AzureResources
from sdcm.cloud.owner import Owner
from sdcm.cloud.removal import remove_owned
from sdcm.errors import EnvironmentFailed, ServiceUnavailable
from sdcm.ownership.ledger import Ledger
from unit_tests.lib.cloud_endpoints import Answers, serving

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


class Groups(Answers):
    """Keeps resource groups."""

    kept: ClassVar[dict[str, Any]] = {}

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Make, show and delete a group."""
        name = path.partition("?")[0].rpartition("/")[2]
        if f"/subscriptions/{SUBSCRIPTION}/resourcegroups/" not in path.lower():
            return 404, {"error": {"code": "NotFound", "message": path}}
        if method == "PUT":
            self.kept[name] = {"name": name, **json.loads(body)}
            return 201, self.kept[name]
        if name not in self.kept:
            return 404, {"error": {"code": "ResourceGroupNotFound", "message": name}}
        return 200, self.kept.pop(name) if method == "DELETE" else self.kept[name]


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lead the management client to a server that keeps groups, and give what it keeps."""
    Groups.kept.clear()
    made = clients.management
    with serving(Groups) as address:

        def management(subscription: str) -> Any:
            # A bearer token goes only over TLS, so here nobody logs in.
            from azure.core.pipeline.policies import SansIOHTTPPolicy

            return made(subscription, base_url=address, credential=object(), authentication_policy=SansIOHTTPPolicy())

        monkeypatch.setattr(clients, "management", management)
        monkeypatch.setenv("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION)
        yield Groups.kept


def test_a_resource_group_is_tagged_and_goes(groups: dict[str, Any], book: Ledger, owner: Owner) -> None:
    with AzureResources(book, owner) as azure:
        name = azure.resource_group("westeurope", "vms")
        assert name.startswith("sct-0badcafe-vms-")
        assert groups[name]["location"] == "westeurope"
        assert Owner.from_tags(groups[name]["tags"]) == owner
        (entry,) = book.entries()
        assert entry.facts == {"subscription": SUBSCRIPTION}
    assert groups == {}
    assert book.entries() == ()


def test_a_group_that_was_never_made_is_gone(groups: dict[str, Any], book: Ledger) -> None:
    entry = book.will_make("azure-resource-group", "sct-0badcafe-x", subscription=SUBSCRIPTION)
    assert remove_owned([entry], book) == []
    assert book.entries() == ()


def test_without_a_storage_account_the_reason_says_what_to_set(book: Ledger, owner: Owner) -> None:
    azure = AzureResources(book, owner)
    with pytest.raises(ServiceUnavailable, match="set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT"):
        azure.blob_container()
    assert book.entries() == ()


def test_a_container_that_cannot_be_made_is_one_line(
    book: Ledger, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "a2V5"
    text = f"AccountName=a;AccountKey={key};BlobEndpoint=http://127.0.0.1:9/a;"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", text)
    monkeypatch.setattr(clients, "_LIMITS", {**clients._LIMITS, "retry_total": 0})
    azure = AzureResources(book, owner)
    with pytest.raises(EnvironmentFailed, match=r"azure-blob-container .* could not be made"):
        azure.blob_container()
    assert key not in book.path.read_text()
    # The emulator on this machine that does not answer has taken along all it held.
    azure.close()
    assert book.entries() == ()
