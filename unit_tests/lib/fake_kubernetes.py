"""A Kubernetes API server in this process: what the package asks of one, over real HTTP on the loopback."""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_VERBS = ["create", "delete", "get", "list", "patch"]


def _kind(name: str, kind: str, *, namespaced: bool = True, short: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"name": name, "singularName": kind.lower(), "kind": kind, "namespaced": namespaced, "verbs": _VERBS,
            "shortNames": list(short)}  # fmt: skip


class FakeCluster:
    """Objects by path, and the rules of a real server that matter to us.

    Attributes:
        objects: Path of an object -> the object.
        requests: `METHOD path` of every request.
        finalize: Called with each object whose deletion waits for finalizers; the controller of the test.
        logs: `namespace/pod` -> its log.
        denied: `verb resource`, or `verb resource/subresource`, that the user has no right to.
        version: Major and minor version.
        policy: Why no privileged pod is let in; empty where any is.
        gone: Nobody answers any more.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.finalize: Callable[[dict[str, Any]], None] = lambda _item: None
        self.on_namespace: Callable[[str], None] = self._give_account
        self.logs: dict[str, str] = {}
        self.denied: set[str] = set()
        self.version = ("1", "34")
        self.policy = ""
        self.gone = False
        self.kinds: dict[str, list[dict[str, Any]]] = {
            "v1": [
                _kind("namespaces", "Namespace", namespaced=False, short=("ns",)),
                _kind("pods", "Pod", short=("po",)),
                _kind("configmaps", "ConfigMap", short=("cm",)),
                _kind("services", "Service"),
                _kind("secrets", "Secret"),
                _kind("events", "Event"),
                _kind("serviceaccounts", "ServiceAccount"),
                _kind("nodes", "Node", namespaced=False),
                _kind("persistentvolumes", "PersistentVolume", namespaced=False),
            ],
            "apps/v1": [_kind("deployments", "Deployment"), _kind("statefulsets", "StatefulSet", short=("sts",))],
            "batch/v1": [_kind("jobs", "Job")],
            "rbac.authorization.k8s.io/v1": [_kind("clusterroles", "ClusterRole", namespaced=False)],
            "apiextensions.k8s.io/v1": [
                _kind("customresourcedefinitions", "CustomResourceDefinition", namespaced=False, short=("crd",))
            ],
        }
        self._lock = threading.RLock()
        self._version = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, folder: Path, **user: str) -> Path:
        path = folder / "kubeconfig"
        url = f"http://127.0.0.1:{self._server.server_port}"
        path.write_text(json.dumps({
            "current-context": "fake",
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
            "clusters": [{"name": "fake", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": user}],
        }))  # fmt: skip
        return path

    def put(self, path: str, **content: Any) -> dict[str, Any]:
        """Put an object at a path, as a controller would."""
        with self._lock:
            parts = path.strip("/").split("/")
            metadata = {"name": parts[-1], **content.pop("metadata", {})}
            if "namespaces" in parts[:-2]:
                metadata["namespace"] = parts[parts.index("namespaces") + 1]
            self.objects[path] = {"metadata": metadata, **content}
            self._touch(self.objects[path])
            return self.objects[path]

    # -- requests ----------------------------------------------------------------------------------

    def answer(self, method: str, target: str, body: Any, kind: str) -> tuple[int, Any]:
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        with self._lock:
            self.requests.append(f"{method} {parts.path}")
            if method == "GET":
                return self._get(parts.path, query)
            if method == "POST":
                return self._post(parts.path, body, query)
            if method == "PATCH":
                return self._patch(parts.path, body, kind)
            return self._delete(parts.path, body or {})

    def _get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        if path in {"/version", "/apis"}:
            groups = [{"preferredVersion": {"groupVersion": version}} for version in self.kinds if "/" in version]
            return 200, {"groups": groups, "major": self.version[0], "minor": self.version[1], "gitVersion": "v1.34.4"}
        version = path.removeprefix("/apis/").removeprefix("/api/")
        if version in self.kinds:
            return 200, {"resources": self.kinds[version]}
        if path.endswith("/log"):
            parts = path.split("/")
            text = self.logs.get(f"{parts[4]}/{parts[6]}")
            return (200, text) if text is not None else _status(404, "NotFound")
        if path in self.objects:
            return 200, self.objects[path]
        if not self._is_collection(path):
            return _status(404, "NotFound")
        return 200, {
            "items": [item for _path, item in self._of(path) if _matches(item, query.get("labelSelector", ""))]
        }

    def _post(self, path: str, body: dict[str, Any], query: dict[str, str]) -> tuple[int, Any]:
        if path.endswith("/selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            what = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            return 201, {"status": {"allowed": f"{asked['verb']} {what}" not in self.denied}}
        if path.endswith("/pods") and self.policy:
            return 403, {**_status(403, "Forbidden")[1], "message": self.policy}
        if query.get("dryRun"):
            return 201, body
        name = body["metadata"].get("name") or body["metadata"]["generateName"] + "1"
        if f"{path}/{name}" in self.objects:
            return _status(409, "AlreadyExists")
        return self._create(f"{path}/{name}", body)

    def _create(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        self.objects[path] = json.loads(json.dumps(body))
        self.objects[path]["metadata"]["name"] = path.rpartition("/")[2]
        self.objects[path]["metadata"].setdefault("generation", 1)
        self._touch(self.objects[path])
        if body.get("kind") == "Namespace":
            self.on_namespace(path)
        if body.get("kind") == "CustomResourceDefinition":
            self._define(self.objects[path])
        return 201, self.objects[path]

    def _patch(self, path: str, body: dict[str, Any], kind: str) -> tuple[int, Any]:
        found = self.objects.get(path)
        if "apply" in kind:
            if found is None:
                return self._create(path, body)
            mine = {key: value for key, value in body.items() if key != "metadata"}
            if any(key in found and found[key] != value for key, value in mine.items()) and "clusterroles" in path:
                return _status(409, "Conflict")
            labels, wanted = found["metadata"].setdefault("labels", {}), body["metadata"].get("labels") or {}
            # A label that another manager set to something else.
            if "sct.lease" in wanted and labels.get("sct.lease", wanted["sct.lease"]) != wanted["sct.lease"]:
                return _status(409, "Conflict")
            labels.update(wanted)
            found.update(mine)
        else:
            if found is None:
                return _status(404, "NotFound")
            wanted = (body.get("metadata") or {}).get("resourceVersion")
            if wanted and wanted != found["metadata"]["resourceVersion"]:
                return _status(409, "Conflict")
            _merge(found, body)
            self._reap(path)
        self._touch(found)
        return 200, found

    def _delete(self, path: str, options: dict[str, Any]) -> tuple[int, Any]:
        if self._is_collection(path):
            for each, _item in self._of(path):
                self._delete(each, {})
            return 200, {}
        found = self.objects.get(path)
        if found is None:
            return _status(404, "NotFound")
        wanted = (options.get("preconditions") or {}).get("resourceVersion")
        if wanted and wanted != found["metadata"]["resourceVersion"]:
            return _status(409, "Conflict")
        found["metadata"]["deletionTimestamp"] = "2024-01-01T00:00:00Z"
        self._touch(found)
        self.finalize(found)
        self._reap(path)
        return 200, {}

    # -- rules -------------------------------------------------------------------------------------

    def _reap(self, path: str) -> None:
        """Remove what is being deleted and waits for nobody; a namespace waits for what is in it."""
        found = self.objects.get(path)
        if found is None or "deletionTimestamp" not in found["metadata"] or found["metadata"].get("finalizers"):
            return
        inside = f"/namespaces/{found['metadata']['name']}/"
        if found.get("kind") == "Namespace":
            for each in [other for other in self.objects if inside in other]:
                self._delete(each, {})
            if any(inside in other for other in self.objects):
                found["status"] = {"conditions": [{"status": "True", "message": "Some content has finalizers"}]}
                return
        if self.objects.pop(path, None) is None:
            return  # its last object has taken it along
        if found.get("kind") == "CustomResourceDefinition":
            for version in found["spec"]["versions"]:
                self.kinds.pop(f"{found['spec']['group']}/{version['name']}", None)
        if found["metadata"].get("namespace"):
            self._reap(f"/api/v1/namespaces/{found['metadata']['namespace']}")

    def _define(self, definition: dict[str, Any]) -> None:
        spec = definition["spec"]
        for version in spec["versions"]:
            self.kinds[f"{spec['group']}/{version['name']}"] = [
                _kind(spec["names"]["plural"], spec["names"]["kind"], namespaced=spec["scope"] == "Namespaced")
            ]
        definition["status"] = {"conditions": [{"type": "Established", "status": "True"}]}

    def _give_account(self, path: str) -> None:
        self.put(f"{path}/serviceaccounts/default", kind="ServiceAccount")

    def _touch(self, item: dict[str, Any]) -> None:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)

    def _is_collection(self, path: str) -> bool:
        last = path.rpartition("/")[2]
        return any(kind["name"] == last for kinds in self.kinds.values() for kind in kinds)

    def _of(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the objects of a collection, of all namespaces where the path names none."""
        base, _, plural = path.rpartition("/")
        chosen = []
        for each, item in self.objects.items():
            parent = each.rpartition("/")[0]
            everywhere = parent.startswith(f"{base}/namespaces/") and parent.endswith(f"/{plural}")
            if parent == path or (everywhere and parent.count("/") == base.count("/") + 3):
                chosen.append((each, item))
        return chosen

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                if cluster.gone:
                    self.close_connection = True
                    return
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, answer = cluster.answer(self.command, self.path, body, self.headers.get("Content-Type", ""))
                data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - names that the base class calls

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def _status(status: int, reason: str) -> tuple[int, dict[str, str]]:
    return status, {"reason": reason, "message": f"the server says {reason}"}


def _matches(item: dict[str, Any], selector: str) -> bool:
    labels = item["metadata"].get("labels") or {}
    for term in filter(None, selector.split(",")):
        key, equals, value = term.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return True


def _merge(target: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif key != "resourceVersion":
            target[key] = value
