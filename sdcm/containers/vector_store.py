"""ScyllaDB's Vector Store: a client of its HTTP API, and the container it runs in.

The API is the one that Vector Store documents in api/openapi.json of github.com/scylladb/vector-store (read at 3.0.0,
and at 0.3.0 for what older releases answer).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sdcm.errors import SctError
from sdcm.wait import WaitForTimeoutError, wait_for

if TYPE_CHECKING:
    from sdcm.containers.container import Container
    from sdcm.containers.node import Node

#: Port of the API.
PORT = 6080
#: States of a node in which it answers for its indexes.
READY_STATES = ("SERVING", "BOOTSTRAPPING")
#: Key of scylla.yaml that names the store to ask.
SETTING = "vector_store_primary_uri"
#: Where the password of the database's role is put.
PASSWORD_FILE = "/run/vector-store-password"  # noqa: S105 - a path
_REQUEST_SECONDS = 30.0
_READY_SECONDS = 300.0
_SHOWN = 300


class VectorStoreError(SctError):
    """The store refused or did not answer.

    Attributes:
        status: HTTP status; 0 where there was no answer.
    """

    def __init__(self, what: str, *, status: int = 0, why: str = "") -> None:
        super().__init__(what, why=why)
        self.status = status


class BadVectorRequest(VectorStoreError):
    """400, 403: the vector does not fit the index, or the request is malformed or not allowed."""


class VectorIndexNotFound(VectorStoreError):
    """404: no such index, or it is not discovered yet."""


class VectorIndexNotReady(VectorStoreError):
    """503: the index is still being built."""


class VectorStoreFailed(VectorStoreError):
    """Another status that is no success."""


class VectorStoreUnreachable(VectorStoreError):
    """Nothing answered in time."""


class UnexpectedVectorAnswer(VectorStoreError):
    """An answer that is not what the API documents."""


_BY_STATUS: dict[int, type[VectorStoreError]] = {
    400: BadVectorRequest,
    403: BadVectorRequest,
    404: VectorIndexNotFound,
    503: VectorIndexNotReady,
}


class VectorStoreClient:
    """Asks a Vector Store; every answer is what the API documents, or an error of this module."""

    def __init__(self, base_url: str, *, timeout: float = _REQUEST_SECONDS) -> None:
        """Talk to a store.

        Args:
            base_url: `http://host:port`.
            timeout: Seconds for one request.
        """
        import requests

        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._session = requests.Session()
        # A proxy of the user's never leads to a container.
        self._session.trust_env = False

    def get_status(self) -> str:
        """Return the store's state: `INITIALIZING`, `CONNECTING_TO_DB`, `BOOTSTRAPPING` or `SERVING`."""
        return str(self._expect(str, self._ask("GET", "status"), "a state"))

    def get_info(self) -> dict[str, Any]:
        """Return what the store tells of itself: `version`, `service`, `engine`."""
        found: dict[str, Any] = self._expect(dict, self._ask("GET", "info"), "an object")
        return found

    def get_indexes(self) -> list[dict[str, Any]]:
        """Return the indexes it knows, in whatever state: `keyspace` and `index` of each, and its options."""
        found: list[dict[str, Any]] = self._expect(list, self._ask("GET", "indexes"), "a list")
        return found

    def ann_search(self, keyspace: str, index: str, vector: Sequence[float], limit: int = 10) -> dict[str, Any]:
        """Return the vectors nearest to one.

        Args:
            keyspace: Keyspace of the index.
            index: Its name.
            vector: As many numbers as the index has dimensions.
            limit: How many at most.

        Returns:
            `primary_keys`: column to its values, nearest first; `distances`: one of each; what else the release tells.

        Raises:
            BadVectorRequest: The vector does not fit.
            VectorIndexNotFound: There is no such index.
            VectorIndexNotReady: It is being built.
            VectorStoreError: The store failed or did not answer.
        """
        asked = {"vector": list(vector), "limit": limit}
        path = f"{self._path(keyspace, index)}/ann"
        found: dict[str, Any] = self._expect(dict, self._ask("POST", path, asked), "an object")
        keys, distances = found.get("primary_keys"), found.get("distances")
        if not isinstance(keys, dict) or not isinstance(distances, list):
            raise self._unexpected(found, "primary_keys and distances")
        if any(not isinstance(values, list) or len(values) != len(distances) for values in keys.values()):
            raise self._unexpected(found, "as many keys as distances")
        return found

    def get_index_status(self, keyspace: str, index: str) -> dict[str, Any]:
        """Return an index's `status` (`INITIALIZING`, `BOOTSTRAPPING`, `SERVING`) and `count`, and what else is told.

        Raises:
            VectorIndexNotFound: There is no such index.
            VectorStoreError: The store failed or did not answer.
        """
        found: dict[str, Any] = self._expect(
            dict, self._ask("GET", f"{self._path(keyspace, index)}/status"), "an object"
        )
        if not isinstance(found.get("status"), str) or not isinstance(found.get("count"), int):
            raise self._unexpected(found, "status and count")
        return found

    def get_index_count(self, keyspace: str, index: str) -> int:
        """Return how many vectors an index holds.

        Raises:
            VectorIndexNotFound: There is no such index.
            VectorStoreError: The store failed or did not answer.
        """
        try:
            return int(self.get_index_status(keyspace, index)["count"])
        except VectorIndexNotFound:
            # Releases up to 0.3 told the count at an address of its own, and no status.
            return int(self._expect(int, self._ask("GET", f"{self._path(keyspace, index)}/count"), "a number"))

    def wait_for_ready(
        self, timeout: float = _READY_SECONDS, step: float = 0.5, check_alive: Callable[[], None] | None = None
    ) -> str:
        """Wait until the store answers for its indexes, and return its state.

        Args:
            timeout: Seconds.
            step: Seconds between two looks.
            check_alive: Raises when waiting is of no more use; that error ends the wait at once.

        Raises:
            WaitForTimeoutError: It was not ready in time; says its last state.
        """
        ended: list[BaseException] = []
        last = "no answer yet"

        def look() -> bool:
            nonlocal last
            try:
                last = self.get_status()
            except VectorStoreError as exc:
                last = str(exc)
                try:
                    if check_alive is not None:
                        check_alive()
                except SctError as dead:
                    ended.append(dead)
            return bool(ended) or last in READY_STATES

        try:
            wait_for(look, step=step, timeout=timeout, text=f"Vector Store at {self.base_url} is ready")
        except WaitForTimeoutError as exc:
            raise WaitForTimeoutError(exc.what, why=f"last state: {last}") from exc
        if ended:
            raise ended[0]
        return last

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    @staticmethod
    def _path(keyspace: str, index: str) -> str:
        return f"indexes/{quote(keyspace, safe='')}/{quote(index, safe='')}"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        import requests

        url = f"{self.base_url}/api/v1/{path}"
        try:
            answer = self._session.request(method, url, json=body, timeout=self.timeout)
        except requests.RequestException as exc:
            raise VectorStoreUnreachable(f"{method} {url}", why=f"no answer ({type(exc).__name__})") from exc
        if not answer.ok:
            kind = _BY_STATUS.get(answer.status_code, VectorStoreFailed)
            raise kind(
                f"{method} {url}: status {answer.status_code}", status=answer.status_code, why=answer.text[:_SHOWN]
            )
        try:
            return answer.json()
        except ValueError as exc:
            raise self._unexpected(answer.text, "JSON") from exc

    def _expect(self, kind: type, found: Any, called: str) -> Any:
        if not isinstance(found, kind):
            raise self._unexpected(found, called)
        return found

    def _unexpected(self, found: Any, expected: str) -> UnexpectedVectorAnswer:
        return UnexpectedVectorAnswer(
            f"Vector Store at {self.base_url} did not answer with {expected}", status=200, why=repr(found)[:_SHOWN]
        )


class VectorStore(VectorStoreClient):
    """A Vector Store of one node in a container, and its client at once.

    Attributes:
        container: Where it runs.
    """

    def __init__(self, container: "Container", *, port: int = PORT) -> None:
        """Talk to the store in a container that publishes `port`."""
        super().__init__(f"http://{container.get_port(port)}")
        self.container = container
        self.port = port

    @property
    def nodes(self) -> tuple["VectorStore", ...]:
        """Its nodes: itself alone."""
        return (self,)

    @property
    def name(self) -> str:
        """Name of its container."""
        return self.container.name

    @property
    def uri(self) -> str:
        """Where the database reaches it."""
        return f"http://{self.container.ip_address}:{self.port}"

    def serve(self, node: "Node") -> None:
        """Have a Scylla node send its vector queries here.

        Raises:
            UsageProblem: The node is of another flavour.
            SctError: It does not take the setting; nothing is left half done unsaid.
        """
        with node.remote_scylla_yaml() as settings:
            settings[SETTING] = self.uri
        node.reload_config()


def environment_of(address: str, username: str, *, port: int, scylla_port: int, threads: int) -> dict[str, str]:
    """Return the variables a store is started with.

    Args:
        address: The database node's address on the common network.
        username: Who logs in there; nobody when empty.
        port: Port of the API.
        scylla_port: The node's CQL port.
        threads: Threads for indexing.
    """
    variables = {
        "VECTOR_STORE_URI": f"0.0.0.0:{port}",
        "VECTOR_STORE_SCYLLADB_URI": f"{address}:{scylla_port}",
        "VECTOR_STORE_THREADS": str(threads),
    }
    if username:
        variables |= {"VECTOR_STORE_SCYLLADB_USERNAME": username, "VECTOR_STORE_SCYLLADB_PASSWORD_FILE": PASSWORD_FILE}
    return variables


def split_image(image: str) -> tuple[str, str]:
    """Return an image's name and tag; the tag is empty where there is none."""
    name, colon, tag = image.rpartition(":")
    return (image, "") if not colon or "/" in tag else (name, tag)
