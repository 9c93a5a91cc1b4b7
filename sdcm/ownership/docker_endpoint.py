"""Where a Docker Engine listens, and the little that is asked of it without the docker SDK.

Importing the SDK costs more than finding out that nobody listens, so looking for an engine and
deciding whether it is gone speak plain HTTP.
"""

import http.client
import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from sdcm.errors import EnvironmentFailed

if TYPE_CHECKING:
    import docker

#: File names that the folder of a TLS client certificate holds, as the docker client has them.
_CA, _CERTIFICATE, _KEY = "ca.pem", "cert.pem", "key.pem"
_PRIVATE_HOST = re.compile(r"^unix://.*/engine-[0-9a-f]{6}/docker\.sock$")


def is_private_host(host: str) -> bool:
    """Whether this DOCKER_HOST value is the socket of a private engine of ours (told by its name)."""
    return _PRIVATE_HOST.match(host) is not None


class EngineSilent(EnvironmentFailed):
    """An engine did not answer a request."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(self._path)
        except OSError:
            self.sock.close()
            raise


@dataclass(frozen=True)
class Endpoint:
    """An engine's address.

    Attributes:
        host: DOCKER_HOST value: `unix:///path` or `tcp://host:port`.
        tls_verify: Whether the engine's certificate is checked (with `cert_path`).
        cert_path: Folder with ca.pem, cert.pem and key.pem; empty for an engine without TLS.
    """

    host: str
    tls_verify: bool = False
    cert_path: str = ""

    def facts(self) -> dict[str, str]:
        """Return the address as ledger facts; see `from_facts`."""
        facts = {"host": self.host}
        if self.cert_path:
            facts |= {"cert_path": self.cert_path, "tls_verify": "1" if self.tls_verify else ""}
        return facts

    @classmethod
    def from_facts(cls, facts: Mapping[str, str]) -> "Endpoint":
        """Rebuild an address from ledger facts."""
        return cls(facts["host"], bool(facts.get("tls_verify")), facts.get("cert_path", ""))

    @property
    def publish_host(self) -> str:
        """Address on which this engine publishes ports and tests connect to.

        That is the loopback for an engine on this machine. An engine reached over tcp (a CI job's
        docker-in-docker) publishes on the address by which we reach it.
        """
        name = urlsplit(self.host).hostname if self.host.startswith("tcp://") else None
        if name is None:
            return "127.0.0.1"
        try:
            address = str(socket.getaddrinfo(name, None, socket.AF_INET)[0][4][0])
        except OSError:
            return name
        return "127.0.0.1" if address.startswith("127.") else address

    def connection(self, timeout: float) -> http.client.HTTPConnection:
        """Return a connection to the engine, not yet opened; `timeout` in seconds holds for each read.

        Raises:
            OSError: A certificate file cannot be read.
        """
        if self.host.startswith("unix://"):
            return _UnixConnection(self.host.removeprefix("unix://"), timeout)
        parts = urlsplit(self.host)
        name = parts.hostname or "localhost"
        if not self.cert_path and not self.tls_verify:
            return http.client.HTTPConnection(name, parts.port or 2375, timeout=timeout)
        return http.client.HTTPSConnection(name, parts.port or 2376, timeout=timeout, context=self._tls_context())

    def _tls_context(self) -> ssl.SSLContext:
        folder = Path(self.cert_path) if self.cert_path else None
        authority = folder / _CA if folder and (folder / _CA).is_file() else None
        context = ssl.create_default_context(cafile=authority)
        if not self.tls_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if folder and (folder / _CERTIFICATE).is_file():
            context.load_cert_chain(folder / _CERTIFICATE, folder / _KEY)
        return context

    def silence(self, timeout: float = 3.0) -> str:
        """Ask the engine whether it is there.

        Args:
            timeout: Seconds it has for its answer.

        Returns:
            Empty when it answered, else why it did not, as a clause.
        """
        try:
            connection = self.connection(timeout)
            try:
                connection.request("GET", "/_ping")
                answer = connection.getresponse()
                answer.read()
            finally:
                connection.close()
        except TimeoutError:
            return f"no answer within {timeout:g} s"
        except OSError as exc:
            return exc.strerror or str(exc) or type(exc).__name__
        except http.client.HTTPException as exc:
            return f"what answered there is no Docker Engine ({type(exc).__name__})"
        return "" if answer.status == 200 else f"it answered with HTTP status {answer.status}"

    def listens(self, timeout: float = 1.0) -> bool:
        """Whether anything listens at the address, however slow it is to answer.

        Args:
            timeout: Seconds for the connection; one that is not taken in time counts as listening.
        """
        try:
            connection = self.connection(timeout)
            try:
                connection.connect()
            finally:
                connection.close()
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
        return True

    def call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, *, body: Any = None, timeout: float = 30
    ) -> tuple[int, Any]:
        """Make one request of the Engine API.

        Args:
            method: HTTP method.
            path: Path below the API's root, for example `/containers/json`.
            query: Query parameters.
            body: Sent as JSON when given.
            timeout: Seconds that the engine may be silent.

        Returns:
            HTTP status, and the answer's JSON (None for an empty or other one).

        Raises:
            EngineSilent: There was no answer.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body).encode()
        try:
            connection = self.connection(timeout)
            try:
                connection.request(method, target, data, {"Content-Type": "application/json"} if data else {})
                answer = connection.getresponse()
                text = answer.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as exc:
            why = f"no answer within {timeout:g} s" if isinstance(exc, TimeoutError) else str(exc) or type(exc).__name__
            what = f"the Docker Engine at {self.host} does not answer"
            raise EngineSilent(what, why=why, mend="docker info") from exc
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, None

    def client(self, timeout: float = 60) -> "docker.DockerClient":
        """Return a new SDK client; imports the SDK.

        Args:
            timeout: Seconds that one request may be silent.

        Raises:
            docker.errors.DockerException: The engine does not answer.
        """
        import docker
        from docker.tls import TLSConfig

        if not self.cert_path and not self.tls_verify:
            return docker.DockerClient(base_url=self.host, timeout=int(timeout) or 1)
        folder = Path(self.cert_path)
        certificate = (str(folder / _CERTIFICATE), str(folder / _KEY)) if (folder / _CERTIFICATE).is_file() else None
        authority = str(folder / _CA) if self.cert_path and (folder / _CA).is_file() else None

        class EnginesOwnAuthority(TLSConfig):
            """Otherwise the SDK's HTTP library lets REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE win over the engine's own."""

            def configure_client(self, client: "docker.APIClient") -> None:
                super().configure_client(client)
                client.trust_env = False

        tls = EnginesOwnAuthority(client_cert=certificate, ca_cert=authority, verify=self.tls_verify)
        base_url = self.host.replace("tcp://", "https://", 1)
        return docker.DockerClient(base_url=base_url, timeout=int(timeout) or 1, tls=tls)
