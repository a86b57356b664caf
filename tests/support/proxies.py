"""Real proxies in front of a server under test: nginx, HAProxy and Caddy, each a process."""

import os
import shutil
from pathlib import Path

from support.server_process import ServerProcess, environment_of_foreign_programs, free_port

NGINX = """
daemon off;
master_process off;
worker_processes 1;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream casgi {{ server 127.0.0.1:{upstream}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://casgi;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream off;
            proxy_request_buffering {buffering};
        }}
    }}
}}
"""

NGINX_AROUND = """
daemon off;
master_process off;
error_log stderr warn;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""

HAPROXY = """
defaults
    mode http
    timeout connect 10s
    timeout client 10s
    timeout server 10s
    timeout http-keep-alive 10s
    retries 0
    http-reuse always
listen casgi
    bind 127.0.0.1:{port}
    server casgi 127.0.0.1:{upstream}
"""


class Proxy(ServerProcess):
    """A proxy for a server on a port of 127.0.0.1, of which it keeps connections open.

    A request that fails is not tried again: the client sees a 502.
    """

    def __init__(self, kind: str, folder: Path, upstream: int) -> None:
        """Run `nginx`, `nginx-unbuffered` (bodies are passed on as they come) or `haproxy`."""
        port = free_port()
        is_haproxy = kind == "haproxy"
        text = (HAPROXY if is_haproxy else NGINX).format(
            folder=folder,
            port=port,
            upstream=upstream,
            buffering="off" if kind == "nginx-unbuffered" else "on",
        )
        configuration = folder / f"{kind}.conf"
        configuration.write_text(text)
        program = _program("haproxy" if is_haproxy else "nginx")
        command = [program, "-db", "-f", str(configuration)]
        if not is_haproxy:
            command = [program, "-p", str(folder), "-c", str(configuration), "-e", "stderr"]
        log = folder / f"{kind}.log"
        super().__init__(command, port, log, folder, environment_of_foreign_programs())


class ConfiguredProxy(ServerProcess):
    """A proxy with a configuration as an operator has written it, which names a port of ours."""

    def __init__(self, program: str, folder: Path, text: str, port: int) -> None:
        """Run `nginx`, `haproxy` or `caddy` with this text, within `folder`."""
        configuration = folder / f"{program}.conf"
        if program == "nginx":
            text = NGINX_AROUND.format(folder=folder, server=text)
        elif program == "caddy":
            text = "{\n    admin off\n}\n" + text
        configuration.write_text(text)
        arguments = {
            "nginx": ["-p", str(folder), "-c", str(configuration), "-e", "stderr"],
            "haproxy": ["-db", "-f", str(configuration)],
            "caddy": ["run", "--adapter", "caddyfile", "--config", str(configuration)],
        }
        command = [_program(program), *arguments[program]]
        environment = environment_of_foreign_programs() | {"HOME": str(folder)}
        super().__init__(command, port, folder / f"{program}.log", folder, environment)


def _program(name: str) -> str:
    """Return the path of a program, which Debian has where only root's PATH leads."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is not installed: scripts/system-packages.sh test does that"
    return found
