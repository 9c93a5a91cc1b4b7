"""The Kubernetes API, spoken directly: what set-up and each test's namespace ask of it.

Importing the `kubernetes` package costs a second a process; this costs milliseconds. Tests that want
that package's typed clients find them on `KubernetesNamespace`.
"""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from sdcm.errors import EnvironmentFailed, SctError
from sdcm.kubernetes.kubeconfig import Access, read_access

#: Content types of the kinds of patches.
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
#: Bytes of a long answer that are handed on at a time.
_PIECE = 1 << 16


class ApiRefused(SctError):
    """The API server refused a request.

    Attributes:
        status: HTTP status.
        reason: Kubernetes' reason, for example `NotFound`, `Conflict`, `AlreadyExists`.
    """

    def __init__(self, what: str, *, status: int, reason: str, why: str) -> None:
        super().__init__(what, why=why)
        self.status = status
        self.reason = reason


class ApiSilent(EnvironmentFailed):
    """The API server does not answer."""


@dataclass(frozen=True)
class Resource:
    """A kind of object that the API server knows.

    Attributes:
        group_version: `v1` or `group/version`.
        kind: Its kind, for example `StatefulSet`.
        plural: Its name in paths, for example `statefulsets`.
        namespaced: Whether its objects live in namespaces.
        verbs: What can be done to it.
        names: Lower-case names people use for it: plural, singular, short names, kind.
    """

    group_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]
    names: frozenset[str]

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the path of an object, or of the collection when no name is given."""
        base = f"/api/{self.group_version}" if "/" not in self.group_version else f"/apis/{self.group_version}"
        place = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{base}{place}/{self.plural}" + (f"/{name}" if name else "")


class Api:
    """A cluster's API server; safe to use from several threads."""

    def __init__(self, access: Access, timeout: float = 30.0) -> None:
        """Connect at the first request; `timeout` in seconds is how long a request may be silent."""
        self.access = access
        self._timeout = timeout
        self._local = threading.local()

    @classmethod
    def of(cls, kubeconfig: str | Path, context: str = "") -> "Api":
        """Return the API that a kubeconfig leads to."""
        return cls(read_access(Path(kubeconfig), context))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """Make a request.

        Args:
            method: HTTP method.
            path: Path on the server.
            body: Sent as JSON (which is YAML too).
            query: Query parameters.
            content_type: What the body is; names the kind of patch.

        Returns:
            The answer's JSON.

        Raises:
            ApiRefused: The server refused.
            ApiSilent: The server did not answer.
        """
        text = self.text(method, path, body, query=query, content_type=content_type)
        return json.loads(text) if text else None

    def text(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> str:
        """Make a request and return the answer as text; see `call`."""
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json, */*", **self.access.headers}
        if data is not None:
            headers["Content-Type"] = content_type
        status, answer = self._exchange(method, target, data, headers)
        if status >= 400:
            raise _refusal(method, path, status, answer)
        return answer.decode(errors="replace")

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return what is at a path, None when there is nothing."""
        try:
            return self.call("GET", path, query=query)
        except ApiRefused as exc:
            if exc.status == 404:
                return None
            raise

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return the objects of a collection; none when there is no such collection."""
        return list((self.get(path, query) or {}).get("items") or [])

    def delete(self, path: str, options: Mapping[str, Any] | None = None) -> None:
        """Delete an object or a collection; one that is not there is gone."""
        try:
            self.text("DELETE", path, options)
        except ApiRefused as exc:
            if exc.status != 404:
                raise

    def stream(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[bytes]:
        """Yield a long answer as it comes, on a connection of its own.

        Raises:
            ApiRefused: The server refused.
            ApiSilent: It does not answer, was silent for too long, or broke off.
        """
        connection = self._connect()
        target = urlsplit(self.access.server).path.rstrip("/") + (f"{path}?{urlencode(query)}" if query else path)
        try:
            connection.request("GET", target, headers=dict(self.access.headers))
            answer = connection.getresponse()
            if answer.status >= 400:
                raise _refusal("GET", path, answer.status, answer.read())
            while piece := answer.read1(_PIECE):
                yield piece
        except (OSError, http.client.HTTPException) as exc:
            why = str(exc) or type(exc).__name__
            raise ApiSilent(f"the Kubernetes API at {self.access.server} broke off", why=why) from exc
        finally:
            connection.close()

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    # -- discovery ---------------------------------------------------------------------------------

    def resources(self, group_version: str) -> tuple[Resource, ...]:
        """Return the kinds of objects of a group and version; nothing when there is no such group."""
        base = f"/api/{group_version}" if "/" not in group_version else f"/apis/{group_version}"
        listed = (self.get(base) or {}).get("resources") or []
        return tuple(_resource(group_version, entry) for entry in listed if "/" not in entry["name"])

    def all_resources(self) -> list[Resource]:
        """Return every kind of object, each in its group's preferred version."""
        groups = (self.get("/apis") or {}).get("groups") or []
        found = list(self.resources("v1"))
        for group in groups:
            try:
                found += self.resources(group["preferredVersion"]["groupVersion"])
            except ApiRefused as exc:
                # an aggregated API whose own server is gone answers 503: there is nothing to be had from it
                if exc.status < 500:
                    raise
        return found

    # -- connection --------------------------------------------------------------------------------

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.access.server)
        host = parts.hostname or "localhost"
        if self.access.tls is None:
            return http.client.HTTPConnection(host, parts.port or 80, timeout=self._timeout)
        return http.client.HTTPSConnection(host, parts.port or 443, timeout=self._timeout, context=self.access.tls)

    def _exchange(self, method: str, target: str, data: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        path = urlsplit(self.access.server).path.rstrip("/") + target
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        # A kept connection may have been closed by the server meanwhile: one more try on a new one.
        for connection in ([kept] if kept else []) + [None]:
            fresh = connection is None
            live = connection or self._connect()
            try:
                live.request(method, path, data, dict(headers))
                answer = live.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as exc:
                live.close()
                self._local.connection = None
                if fresh or isinstance(exc, TimeoutError):
                    why = str(exc) or type(exc).__name__
                    raise ApiSilent(f"the Kubernetes API at {self.access.server} does not answer", why=why) from exc
                continue
            self._local.connection = live
            return answer.status, content
        raise AssertionError("unreachable: the last try either returns or raises")


def _resource(group_version: str, entry: Mapping[str, Any]) -> Resource:
    names = {entry["name"], entry.get("singularName") or entry["kind"].lower(), entry["kind"].lower()}
    return Resource(
        group_version,
        str(entry["kind"]),
        str(entry["name"]),
        bool(entry["namespaced"]),
        frozenset(entry.get("verbs") or ()),
        frozenset(names | set(entry.get("shortNames") or ())),
    )


def _refusal(method: str, path: str, status: int, answer: bytes) -> ApiRefused:
    reason, why = "", answer.decode(errors="replace").strip()[:500]
    try:
        told = json.loads(answer)
        reason, why = str(told.get("reason") or ""), str(told.get("message") or why)
    except (ValueError, AttributeError):
        pass
    return ApiRefused(f"{method} {path} was refused ({status})", status=status, reason=reason, why=why)
