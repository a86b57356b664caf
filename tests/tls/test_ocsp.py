"""OCSP stapling: what `openssl s_client -status` is told of the certificate that it is shown."""

import datetime
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from support.apps import hello
from support.certificates import Authority, CertificateFiles
from support.server import LiveServer, Serve
from support.server_process import environment_of_foreign_programs

from casgi.errors import ConfigError
from casgi.tls import Certificate, TlsAcceptor, TlsSettings

NONE_SENT = b"OCSP response: no response sent"
GOOD = b"Cert Status: good"
HOUR = datetime.timedelta(hours=1)


def settings_for(*files: CertificateFiles, ocsp: tuple[str, ...]) -> TlsSettings:
    certificates = tuple(Certificate(each.certificate, each.key) for each in files)
    return TlsSettings(certificates, ocsp=ocsp)


def status_seen(server: LiveServer, name: str, *options: str) -> bytes:
    """Return what a client writes that asks for the status of this host's certificate."""
    address = f"127.0.0.1:{server.address[1]}"
    command = ["openssl", "s_client", "-connect", address, "-servername", name, *options]
    environment = environment_of_foreign_programs()
    return subprocess.run(
        command, input=b"", capture_output=True, env=environment, timeout=60
    ).stdout


def serial_of(files: CertificateFiles) -> bytes:
    certificate = x509.load_pem_x509_certificate(Path(files.certificate).read_bytes())
    number = f"{certificate.serial_number:X}"
    return f"Serial Number: {number.zfill(len(number) + len(number) % 2)}".encode()


def response_of_openssl(authority: Authority, files: CertificateFiles, status: str) -> str:
    """Return the file with what OpenSSL's responder says, in whose index this status stands."""
    serial = serial_of(files).decode().split()[-1]
    revoked = "260101000000Z" if status == "R" else ""
    index = Path(files.certificate).with_suffix(".index")
    index.write_text(f"{status}\t491231235959Z\t{revoked}\t{serial}\tunknown\t/CN=one.example\n")
    path = str(index.with_suffix(".der"))
    responder = ["-index", str(index), "-CA", authority.certificate, "-ndays", "2"]
    responder += ["-rsigner", authority.certificate, "-rkey", authority.own_key()]
    question = ["-issuer", authority.certificate, "-cert", files.certificate, "-respout", path]
    subprocess.run(
        ["openssl", "ocsp", "-no_nonce", *responder, *question],
        check=True,
        capture_output=True,
        env=environment_of_foreign_programs(),
        timeout=60,
    )
    return path


def test_openssls_own_responder(serve: Serve, authority: Authority) -> None:
    files = authority.issue("one.example")
    settings = settings_for(files, ocsp=(response_of_openssl(authority, files, "V"),))
    seen = status_seen(serve(hello, tls=settings), "one.example", "-status")
    assert b"OCSP Response Status: successful" in seen
    assert GOOD in seen
    assert serial_of(files) in seen
    revoked = settings_for(files, ocsp=(response_of_openssl(authority, files, "R"),))
    with pytest.raises(ConfigError, match="says of the certificate: revoked"):
        TlsAcceptor(revoked)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_each_certificate_has_its_own(serve: Serve, authority: Authority, version: str) -> None:
    one, two, bare = (authority.issue(f"{name}.example") for name in ("one", "two", "bare"))
    responses = authority.ocsp_response(two), authority.ocsp_response(one)
    server = serve(hello, tls=settings_for(one, two, bare, ocsp=responses))
    for files, name in ((one, "one.example"), (two, "two.example")):
        seen = status_seen(server, name, version, "-status")
        assert b"OCSP Response Status: successful" in seen
        assert GOOD in seen
        assert serial_of(files) in seen
    assert NONE_SENT in status_seen(server, "bare.example", version, "-status")
    assert GOOD not in status_seen(server, "one.example", version)  # nobody asks


def test_renewed_with_the_certificates(serve: Serve, authority: Authority) -> None:
    files = authority.issue("one.example")
    response = authority.ocsp_response(files)
    server = serve(hello, tls=settings_for(files, ocsp=(response,)))
    authority.issue("one.example", over=files)
    server.call(server.engine.tls.renew_if_changed)
    assert "is about none of the certificates" in server.reports.take_errors()[0]
    first = status_seen(server, "one.example", "-status")  # all is as it was
    assert GOOD in first
    assert serial_of(files) not in first
    authority.ocsp_response(files, over=response)
    server.call(server.engine.tls.renew_if_changed)
    second = status_seen(server, "one.example", "-status")
    assert GOOD in second
    assert serial_of(files) in second


def test_one_that_is_out_of_date_is_not_sent(
    serve: Serve, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = authority.issue("one.example")
    old = authority.ocsp_response(files, until=-HOUR)
    settings = settings_for(files, ocsp=(old,))
    TlsAcceptor(settings)
    assert f"An OCSP response is out of date, clients get none: {old}" in caplog.text
    assert NONE_SENT in status_seen(serve(hello, tls=settings), "one.example", "-status")


def test_what_cannot_be_used_is_said(authority: Authority, tmp_path: Path) -> None:
    files, other = authority.issue("one.example"), authority.issue("two.example")
    empty = tmp_path / "empty.der"
    empty.write_bytes(b"")
    for path, complaint in [
        (str(empty), "there is no answer of an authority in"),
        (files.certificate, "there is no answer of an authority in"),
        (authority.ocsp_response(other), "is about none of the certificates"),
        (authority.ocsp_response(files, is_revoked=True), "says of the certificate: revoked"),
        (str(tmp_path / "nowhere"), "cannot read"),
    ]:
        with pytest.raises(ConfigError, match=f"ssl_ocsp: .*{complaint}"):
            TlsAcceptor(settings_for(files, ocsp=(path,)))
