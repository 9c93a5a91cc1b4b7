"""Certificates for a node with TLS and its clients, made with the openssl program."""

from pathlib import Path

from sdcm.containers.flavours import AUTHORITY_KEY
from sdcm.process import run

_DAYS = "30"
_TIMEOUT = 30.0
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make_certificates(directory: Path, names: tuple[str, ...] = ()) -> Path:
    """Make an authority, a node's certificate and a client's in PEM, all fresh.

    Files: `ca.pem`, `ca.key`; `client-facing.crt`, `client-facing.key` (the node's); `test.crt`, `test.key` (a
    client's). Keys are readable by this user alone.

    Args:
        directory: Existing directory to put them into; give each run, or test, one of its own.
        names: Further names that the node is reached by; `localhost`, 127.0.0.1 and `scylladb` are always in.

    Returns:
        The directory.

    Raises:
        CommandFailed: There is no openssl, or it failed.
    """
    authority, key = directory / "ca.pem", directory / AUTHORITY_KEY
    run(
        ["openssl", "req", "-x509", *_KEY, "-keyout", key, "-out", authority, "-days", _DAYS,
         "-subj", "/CN=sct test authority", "-addext", "basicConstraints=critical,CA:TRUE"],
        timeout=_TIMEOUT,
    )  # fmt: skip
    known = ("DNS:localhost", "DNS:scylladb", "IP:127.0.0.1", *(f"DNS:{name}" for name in names))
    _signed(directory, "client-facing", "scylladb", f"subjectAltName={','.join(known)}")
    _signed(directory, "test", "test", "extendedKeyUsage=clientAuth")
    key.chmod(0o600)
    (directory / "ca.srl").unlink(missing_ok=True)
    return directory


def _signed(directory: Path, stem: str, common_name: str, extension: str) -> None:
    """Make a key and a certificate for it, signed by the authority in `directory`."""
    key, request = directory / f"{stem}.key", directory / f"{stem}.csr"
    extensions = directory / f"{stem}.ext"
    extensions.write_text(extension + "\n")
    run(
        ["openssl", "req", *_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={common_name}"],
        timeout=_TIMEOUT,
    )
    run(
        ["openssl", "x509", "-req", "-in", request, "-CA", directory / "ca.pem", "-CAkey", directory / AUTHORITY_KEY,
         "-CAcreateserial", "-out", directory / f"{stem}.crt", "-days", _DAYS, "-extfile", extensions],
        timeout=_TIMEOUT,
    )  # fmt: skip
    request.unlink()
    extensions.unlink()
    key.chmod(0o600)
