"""A certificate authority for one state folder: what the broker's TLS listeners present.

Nothing here is secret for long: keys lie unencrypted in the state folder, for tests only.
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runners.local._ports import HOST

_VALID = datetime.timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """Files in PEM format.

    Attributes:
        authority: certificate that clients have to trust.
        wrong_authority: certificate of another authority of the same name, for negative tests.
        server: the server's key and chain.
    """

    authority: Path
    wrong_authority: Path
    server: Path


def in_folder(folder: Path) -> Certificates:
    """Returns the certificates of ``folder``, made at the first call."""
    files = Certificates(
        authority=folder / "ca.pem",
        wrong_authority=folder / "wrong-ca.pem",
        server=folder / "server.pem",
    )
    # The server's file comes last: without it the set is incomplete and made again.
    if not files.server.exists():
        folder.mkdir(parents=True, exist_ok=True)
        key, authority = _authority()
        files.authority.write_bytes(_pem(authority))
        files.wrong_authority.write_bytes(_pem(_authority()[1]))
        files.server.touch(mode=0o600)
        files.server.write_bytes(_server(key, authority))
    return files


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Local test authority")
    builder = _builder(name, name, key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return key, builder.sign(key, hashes.SHA256())


def _server(authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")]
    certificate = (
        _builder(_name("localhost"), authority.subject, key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret + _pem(certificate) + _pem(authority)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _VALID)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
