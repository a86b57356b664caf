"""Certificates made on the spot: an authority, and what it signs."""

import datetime
import inspect
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class CertificateFiles:
    """A certificate and its key, in PEM."""

    certificate: str
    key: str


@dataclass(frozen=True)
class ClientChain:
    """A client's certificate, and the one that has signed it."""

    certificates: list[str]
    key: str
    name: str
    """As RFC 4514 writes it."""

    @property
    def text(self) -> str:
        """All of it, as a file in PEM."""
        return "".join([*self.certificates, self.key])


class Authority:
    """Signs certificates; its own is the file `certificate`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("casgi tests")
        self._count = 0
        own = _as_authority(self._builder(self._name, self._key.public_key(), days=30), None)
        self.certificate = str(folder / "authority.pem")
        signed = own.sign(self._key, hashes.SHA256())
        Path(self.certificate).write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        *names: str,
        days: int = 30,
        password: str | None = None,
        over: CertificateFiles | None = None,
    ) -> CertificateFiles:
        """Return files for these DNS names or addresses; `over` is overwritten, as a renewal."""
        self._count += 1
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(names[0]), key.public_key(), days)
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
        signed = builder.sign(self._key, hashes.SHA256())
        files = over or CertificateFiles(
            str(self._folder / f"certificate-{self._count}.pem"),
            str(self._folder / f"key-{self._count}.pem"),
        )
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password.encode())
        Path(files.key).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
            )
        )
        Path(files.certificate).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return files

    def own_key(self) -> str:
        """Return a file with the authority's key, for programs that sign in its name."""
        path = self._folder / "authority-key.pem"
        path.write_bytes(
            self._key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return str(path)

    def ocsp_response(
        self,
        files: CertificateFiles,
        *,
        until: datetime.timedelta = DAY,
        is_revoked: bool = False,
        over: str | None = None,
    ) -> str:
        """Return the path of what this authority says of a certificate, valid `until` from now."""
        certificate = x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
        own = x509.load_pem_x509_certificate(Path(self.certificate).read_bytes())
        now = datetime.datetime.now(datetime.UTC)
        status = ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                certificate,
                own,
                hashes.SHA256(),
                status,
                now - 2 * DAY,
                now + until,
                now if is_revoked else None,
                None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, own)
            .sign(self._key, hashes.SHA256())
        )
        self._count += 1
        path = Path(over or self._folder / f"response-{self._count}.der")
        path.write_bytes(response.public_bytes(serialization.Encoding.DER))
        return str(path)

    def issue_to_client(self, attributes: list[tuple[x509.ObjectIdentifier, str]]) -> "ClientChain":
        """Return a certificate of somebody with this name, signed by way of one in between."""
        between_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        between = _as_authority(
            self._builder(_name("between"), between_key.public_key(), days=30), 0
        )
        name = x509.Name([x509.NameAttribute(kind, text) for kind, text in attributes])
        issuer = _name("between"), between_key.public_key()
        own = self._builder(name, key.public_key(), days=30, issuer=issuer)
        signed = [
            own.sign(between_key, hashes.SHA256()),
            between.sign(self._key, hashes.SHA256()),
        ]
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        certificates = [each.public_bytes(serialization.Encoding.PEM).decode() for each in signed]
        return ClientChain(certificates, private.decode(), name.rfc4514_string())

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        days: int,
        issuer: tuple[x509.Name, ec.EllipticCurvePublicKey] | None = None,
    ) -> x509.CertificateBuilder:
        """Return one with what clients ask for that are strict, as Python's are from 3.13 on."""
        now = datetime.datetime.now(datetime.UTC)
        issuer_name, issuer_key = issuer or (self._name, self._key.public_key())
        by_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
        own_key = x509.SubjectKeyIdentifier.from_public_key(key)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer_name)
            .add_extension(by_key, critical=False)
            .add_extension(own_key, critical=False)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 100 * DAY)
            .not_valid_after(now + days * DAY)
        )


def _as_authority(
    builder: x509.CertificateBuilder, path_length: int | None
) -> x509.CertificateBuilder:
    usage = dict.fromkeys(inspect.signature(x509.KeyUsage).parameters, False)
    usage.update(key_cert_sign=True, crl_sign=True)
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return builder.add_extension(constraints, critical=True).add_extension(
        x509.KeyUsage(**usage), critical=True
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
