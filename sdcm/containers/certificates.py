"""Certificates for nodes with TLS and their clients: one authority, and what it signs."""

import datetime
import ipaddress
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sdcm.containers.flavours import AUTHORITY_KEY

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate, CertificateBuilder

AUTHORITY = "ca.pem"
#: The node's certificate and key, the client's; users know the names.
NODE, CLIENT = "client-facing", "test"
_LIFE = datetime.timedelta(days=30)
#: Clocks of containers' hosts differ a little.
_EARLIER = datetime.timedelta(hours=1)


class Authority:
    """A certificate authority that lives in a folder; safe to use from several threads.

    It is made when it is first asked to sign, unless an earlier one is in the folder.

    Args:
        folder: Where `ca.pem` and its key are; of this user alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()

    @property
    def certificate_file(self) -> Path:
        """The certificate that clients trust; there once something was issued."""
        return self.folder / AUTHORITY

    def issue(self, directory: Path, names: Sequence[str] = ()) -> Path:
        """Make a node's certificate and a client's, all in PEM, keys readable by this user alone.

        Files: `ca.pem`; `client-facing.crt`, `client-facing.key` (the node's); `test.crt`, `test.key` (a client's).

        Args:
            directory: Existing directory to put them into; give each node one of its own.
            names: Names and addresses that the node is reached by; `localhost`, 127.0.0.1 and `scylladb` are
                always in.

        Returns:
            The directory.
        """
        with self._lock:
            certificate, key = self._own()
        known = dict.fromkeys(("localhost", "127.0.0.1", "scylladb", *names))
        _write_pair(directory, NODE, *_signed(certificate, key, "scylladb", list(known), server=True))
        _write_pair(directory, CLIENT, *_signed(certificate, key, "test", [], server=False))
        (directory / AUTHORITY).write_bytes(_pem(certificate))
        return directory

    def _own(self) -> "tuple[Certificate, EllipticCurvePrivateKey]":
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from cryptography.x509 import load_pem_x509_certificate

        key_file = self.folder / AUTHORITY_KEY
        if not self.certificate_file.exists():
            made, key = _self_signed("sct test authority")
            _write_key(key_file, key)
            self.certificate_file.write_bytes(_pem(made))
        stored = load_pem_private_key(key_file.read_bytes(), None)
        assert isinstance(stored, EllipticCurvePrivateKey)
        return load_pem_x509_certificate(self.certificate_file.read_bytes()), stored


def _self_signed(name: str) -> "tuple[Certificate, EllipticCurvePrivateKey]":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    builder = _certificate(subject, subject, key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256()), key


def _signed(
    authority: "Certificate", authority_key: "EllipticCurvePrivateKey", name: str, names: list[str], *, server: bool
) -> "tuple[Certificate, EllipticCurvePrivateKey]":
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    key = ec.generate_private_key(ec.SECP256R1())
    # A node is a client too where nodes talk to one another.
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if server else [])]
    builder = (
        _certificate(_name(name), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(one) for one in names]), critical=False
        )
    return builder.sign(authority_key, hashes.SHA256()), key


def _certificate(subject: "x509.Name", issuer: "x509.Name", key: "EllipticCurvePrivateKey") -> "CertificateBuilder":
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> "x509.GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: "Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _write_pair(directory: Path, stem: str, certificate: "Certificate", key: "EllipticCurvePrivateKey") -> None:
    _write_key(directory / f"{stem}.key", key)
    (directory / f"{stem}.crt").write_bytes(_pem(certificate))


def _write_key(path: Path, key: "EllipticCurvePrivateKey") -> None:
    """Write a key as PKCS#8 into a file that never was anybody else's to read."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
