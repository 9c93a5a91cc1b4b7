"""How a client on this machine talks TLS with a node."""

import ssl
from pathlib import Path

from sdcm.containers.certificates import AUTHORITY, CLIENT


def client_context(ssl_dir: str | Path, *, certificate: bool = True) -> ssl.SSLContext:
    """Return a client's context that trusts the authority in `ssl_dir` alone and checks names and addresses.

    Args:
        ssl_dir: Directory with `ca.pem`.
        certificate: Show the client's certificate, `test.crt` with `test.key`, where the directory has one.
    """
    directory = Path(ssl_dir)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(directory / AUTHORITY)
    own = directory / f"{CLIENT}.crt"
    if certificate and own.exists():
        context.load_cert_chain(own, directory / f"{CLIENT}.key")
    return context
