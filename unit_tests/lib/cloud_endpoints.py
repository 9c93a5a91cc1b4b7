"""What stands in for clouds on this machine: AWS in a thread, Google's token service, and what leads to them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: The account that every Azurite has; its key is public (Microsoft documents it) and no secret.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextmanager
def aws_endpoint() -> Iterator[dict[str, str]]:
    """Serve AWS (moto) on this machine's loopback and give the variables by which SDKs reach it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
    finally:
        server.stop()


class Answers(BaseHTTPRequestHandler):
    """Answers each request with what `answer` says of it, as JSON."""

    protocol_version = "HTTP/1.1"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Return status and body."""
        raise NotImplementedError

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = self.answer(self.command, self.path, body)
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the standard library looks for these names

    def log_message(self, *_arguments: object) -> None:
        """Write nothing to standard error."""


@contextmanager
def serving(handler: type[Answers]) -> Iterator[str]:
    """Serve on the loopback and give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Tokens(Answers):
    """Grants every key a token."""

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Grant a token to whoever signs."""
        granted = method == "POST" and b"assertion=" in body
        return (200, {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}) if granted else (400, {})


def google_key(path: Path, token_uri: str) -> Path:
    """Write a service account's key file whose tokens come from `token_uri`."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    content = {
        "type": "service_account",
        "project_id": "tests",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "tests@tests.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(content))
    return path


def azurite_connection(address: str) -> str:
    """Return the connection string of an Azurite whose blob service is at `host:port`."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={AZURITE_KEY};"
        f"BlobEndpoint=http://{address}/{AZURITE_ACCOUNT};"
    )
