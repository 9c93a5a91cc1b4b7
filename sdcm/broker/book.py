"""The ledger as a worker writes into it: through the broker, which removes what the worker cannot any more."""

from sdcm.broker.client import BrokerClient
from sdcm.ownership.ledger import Entry


class BrokerBook:
    """Writes down what one test makes in a cloud; a `sdcm.cloud.owned.Book`."""

    def __init__(self, client: BrokerClient, test: str) -> None:
        """Write for a test, given by its node id."""
        self._client = client
        self._test = test
        self._leases: dict[int, str] = {}

    def will_make(self, kind: str, name: str, **facts: str) -> Entry:
        """Write down a resource that is about to be made; on disk when this returns."""
        answer = self._client.ask("own", kind=kind, name=name, facts=facts, test=self._test)
        entry = Entry(int(answer["entry"]), kind, name, facts)
        self._leases[entry.number] = str(answer["lease"])
        return entry

    def removed(self, entry: Entry) -> None:
        """Write down that it is gone, or was never made."""
        self._client.ask("disown", lease=self._leases.pop(entry.number), entry=entry.number)
