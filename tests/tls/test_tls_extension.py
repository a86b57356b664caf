"""The ASGI extension `tls`: what an application is told of the encryption of its connection."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import NameOID
from support.apps import Journal, Receive, Scope, Send, respond
from support.certificates import Authority, CertificateFiles
from support.raw import request
from support.server import SECURE, LiveServer, Serve
from support.ws import upgrade

from casgi.tls import Certificate, TlsSettings

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def recording(journal: Journal) -> Any:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.add(scope)
        if scope["type"] == "http":
            await respond(send, b"seen")
        else:
            await receive()
            await send({"type": "websocket.close"})

    return application


def settings_for(files: CertificateFiles, authority: Authority, **more: Any) -> TlsSettings:
    certificates = (Certificate(files.certificate, files.key),)
    return TlsSettings(certificates, ca_certs=authority.certificate, **more)


def told(server: LiveServer, context: ssl.SSLContext, journal: Journal) -> dict[str, Any]:
    """Return what a request's scope says, the same for every request of the connection."""
    with server.connect() as client:
        client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
        described = []
        for _ in range(2):
            client.send(request("/"))
            assert client.read_response().body == b"seen"
            described.append(journal.next()["extensions"]["tls"])
        assert described[0] == described[1] is not described[0]
        result: dict[str, Any] = described[0]
        return result


@pytest.fixture
def files(authority: Authority) -> CertificateFiles:
    return authority.issue("localhost")


@pytest.mark.skipif(SECURE, reason="every server speaks TLS")
def test_nothing_is_said_of_a_plain_connection(serve: Serve) -> None:
    journal = Journal()
    server = serve(recording(journal))
    server.get()
    assert "tls" not in journal.next().get("extensions", {})


@pytest.mark.parametrize(("version", "number"), [(TLS_1_2, 0x0303), (TLS_1_3, 0x0304)])
def test_without_a_clients_certificate(
    serve: Serve,
    authority: Authority,
    files: CertificateFiles,
    trusting: ssl.SSLContext,
    version: ssl.TLSVersion,
    number: int,
) -> None:
    journal = Journal()
    server = serve(recording(journal), tls=settings_for(files, authority))
    trusting.minimum_version = trusting.maximum_version = version
    if version is TLS_1_2:
        trusting.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    described = told(server, trusting, journal)
    assert set(described) == {
        *["server_cert", "client_cert_chain", "client_cert_name", "client_cert_error"],
        *["tls_version", "cipher_suite"],
    }
    assert described["server_cert"] == Path(files.certificate).read_text()
    assert list(described["client_cert_chain"]) == []
    assert described["client_cert_name"] is described["client_cert_error"] is None
    assert described["tls_version"] == number
    expected = {0xC02B} if version is TLS_1_2 else {0x1301, 0x1302, 0x1303}
    assert described["cipher_suite"] in expected


def test_websocket_has_it_beside_its_own_extensions(
    serve: Serve, authority: Authority, files: CertificateFiles, trusting: ssl.SSLContext
) -> None:
    journal = Journal()
    server = serve(recording(journal), tls=settings_for(files, authority))
    with server.websocket_connect() as client:
        client.socket = trusting.wrap_socket(client.socket, server_hostname="localhost")
        client.send(upgrade())
        assert client.read_response().status == 403
    extensions = journal.next()["extensions"]
    assert {"tls", "websocket.group", "websocket.http.response"} <= set(extensions)
    assert extensions["tls"]["server_cert"] == Path(files.certificate).read_text()


NAMES = [
    [(NameOID.COMMON_NAME, "alice")],
    [
        (NameOID.COUNTRY_NAME, "DE"),
        (NameOID.ORGANIZATION_NAME, "Straße, Söhne & Co"),
        (NameOID.COMMON_NAME, 'the "first"; +1'),
    ],
]


@pytest.mark.parametrize("attributes", NAMES)
@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_clients_certificate_and_its_chain(
    serve: Serve,
    authority: Authority,
    files: CertificateFiles,
    trusting: ssl.SSLContext,
    tmp_path: Path,
    attributes: list[Any],
    version: ssl.TLSVersion,
) -> None:
    journal = Journal()
    server = serve(recording(journal), tls=settings_for(files, authority, cert_reqs="required"))
    chain = authority.issue_to_client(attributes)
    own = tmp_path / "client.pem"
    own.write_text(chain.text)
    trusting.minimum_version = trusting.maximum_version = version
    trusting.load_cert_chain(own)
    described = told(server, trusting, journal)
    assert list(described["client_cert_chain"]) == chain.certificates
    assert described["client_cert_name"] == chain.name
    assert described["client_cert_error"] is None


def test_optional_certificate_that_is_not_shown(
    serve: Serve, authority: Authority, files: CertificateFiles, trusting: ssl.SSLContext
) -> None:
    journal = Journal()
    server = serve(recording(journal), tls=settings_for(files, authority, cert_reqs="optional"))
    described = told(server, trusting, journal)
    assert list(described["client_cert_chain"]) == []
    assert described["client_cert_name"] is None
