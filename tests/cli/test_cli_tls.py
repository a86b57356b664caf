"""TLS by the command's options: what is served, and what is said of files that cannot be used."""

import http.client
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from support.casgi_process import DEADLINE, CasgiProcess
from support.certificates import Authority

StartCasgi = Callable[..., CasgiProcess]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def get(port: int, authority: Authority) -> str:
    context = ssl.create_default_context(cafile=authority.certificate)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=DEADLINE, context=context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_certificate_and_key(casgi: StartCasgi, authority: Authority) -> None:
    files = authority.issue("127.0.0.1")
    process = casgi(
        "-p", "0", "--ssl-certfile", files.certificate, "--ssl-keyfile", files.key, "served:hello"
    )
    assert get(process.port(), authority) == "hello"
    assert process.stop() == 0


def test_password_from_the_environment(casgi: StartCasgi, authority: Authority) -> None:
    files = authority.issue("127.0.0.1", password="secret")
    options = ["-p", "0", "--ssl-certfile", files.certificate, "--ssl-keyfile", files.key]
    process = casgi(*options, "served:hello", variables={"CASGI_SSL_KEYFILE_PASSWORD": "secret"})
    assert get(process.port(), authority) == "hello"
    process = casgi(*options, "--ssl-keyfile-password", "wrong", "served:hello")
    assert process.wait() == 2
    assert process.stderr.wait_for("casgi: ssl_keyfile_password: it does not open the key in ")
    process = casgi(*options, "served:hello")
    assert process.wait() == 2
    assert process.stderr.wait_for(r"the key in .* is encrypted: give ssl_keyfile_password")


@pytest.mark.parametrize(
    "argument", ["privateKey={key}:certKey={certificate}", "{key}:{certificate}"]
)
def test_endpoint_of_daphne(casgi: StartCasgi, authority: Authority, argument: str) -> None:
    files = authority.issue("127.0.0.1")
    described = argument.format(key=files.key, certificate=files.certificate)
    process = casgi("-e", f"ssl:0:{described}:interface=127.0.0.1", "served:hello")
    assert get(process.port(), authority) == "hello"


def test_chain_in_a_file_of_its_own(casgi: StartCasgi, authority: Authority) -> None:
    files = authority.issue("127.0.0.1")
    endpoint = f"ssl:0:privateKey={files.key}:certKey={files.certificate}:interface=127.0.0.1"
    process = casgi("-e", f"{endpoint}:extraCertChain={authority.certificate}", "served:hello")
    assert get(process.port(), authority) == "hello"
    process = casgi("-e", f"{endpoint}:extraCertChain={files.key}", "served:hello")
    assert process.wait() == 2
    assert process.stderr.wait_for("extraCertChain: there is no certificate in ")


def openssl_configuration(folder: Path, suites: str) -> str:
    """Write an openssl.cnf that says which suites of TLS 1.3 there are; return its path."""
    path = folder / "openssl.cnf"
    lines = ["openssl_conf = all", "[all]", "ssl_conf = ssl", "[ssl]", "system_default = default"]
    path.write_text("\n".join([*lines, "[default]", f"Ciphersuites = {suites}", ""]))
    return str(path)


@pytest.mark.parametrize(
    ("suites", "taken"),
    [
        ("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"),
        ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
        (
            "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
            "TLS_CHACHA20_POLY1305_SHA256",
        ),
    ],
)
def test_suites_of_openssls_configuration(
    casgi: StartCasgi, authority: Authority, tmp_path: Path, suites: str, taken: str
) -> None:
    files = authority.issue("127.0.0.1")
    options = ["-p", "0", "--ssl-certfile", files.certificate, "--ssl-keyfile", files.key]
    variables = {"OPENSSL_CONF": openssl_configuration(tmp_path, suites)}
    process = casgi(*options, "served:hello", variables=variables)
    context = ssl.create_default_context(cafile=authority.certificate)
    with (
        socket.create_connection(("127.0.0.1", process.port()), DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        chosen = secure.cipher()
        assert chosen is not None
        assert chosen[0] == taken


def test_renewed_at_sighup(casgi: StartCasgi, authority: Authority) -> None:
    files = authority.issue("127.0.0.1")
    options = ("-p", "0", "--ssl-certfile", files.certificate, "--ssl-keyfile", files.key)
    process = casgi(*options, "served:hello", start_new_session=True)
    port = process.port()
    authority.issue("127.0.0.1", over=files)
    process.signal(signal.SIGHUP)
    process.stderr.wait_for(f"New certificates are in use: {files.certificate}")
    process.stderr.wait_for("The logs were opened anew")
    assert ssl.get_server_certificate(("127.0.0.1", port)) == Path(files.certificate).read_text()
    assert get(port, authority) == "hello"
    assert process.stop() == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--ssl-certfile", "nowhere.pem"], "ssl_certfile: cannot read nowhere.pem: No such file"),
        (["--ssl-keyfile", "key.pem"], "ssl_keyfile is given 1 times, and ssl_certfile 0 times"),
        (["--ssl-ciphers", "AES"], "ssl_ciphers has no effect without ssl_certfile"),
        (["--ssl-ocsp", "a.der"], "ssl_ocsp has no effect without ssl_certfile"),
        (["--ssl-cert-reqs", "2"], "'2' is not one of 'none', 'optional', 'required'"),
    ],
)
def test_mistakes(casgi: StartCasgi, options: list[str], complaint: str) -> None:
    process = casgi("-p", "0", *options, "served:hello")
    assert process.wait() == 2
    assert complaint in "\n".join(process.stderr.lines())


def test_key_of_another_certificate(casgi: StartCasgi, authority: Authority) -> None:
    one, other = authority.issue("127.0.0.1"), authority.issue("127.0.0.1")
    process = casgi(
        "--ssl-certfile", one.certificate, "--ssl-keyfile", other.key, "-p", "0", "served:hello"
    )
    assert process.wait() == 2
    assert process.stderr.lines() == [
        f"casgi: ssl_keyfile: the key in {other.key} is not that of the certificate in"
        f" {one.certificate}"
    ]
