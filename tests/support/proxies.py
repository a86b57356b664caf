"""Real proxies in front of a server under test: nginx, HAProxy and Caddy, each a process."""

import os
import shutil
from pathlib import Path

from support.ports import free_port
from support.server_process import ServerProcess, environment_of_foreign_programs

NGINX = """
    client_max_body_size 0;
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
    server casgi 127.0.0.1:{upstream} {protocol}
"""

CADDY = """
http://127.0.0.1:{port} {{
    reverse_proxy h2c://127.0.0.1:{upstream}
}}
"""

# Caddy would listen on port 80 too, and by UDP for HTTP/3.
CADDY_AROUND = """
{{
    admin off
    auto_https disable_redirects
    servers {{
        protocols h1 h2
    }}
}}
{server}
"""


class ConfiguredProxy(ServerProcess):
    """A proxy with a configuration as an operator has written it, which names a port of ours."""

    def __init__(self, program: str, folder: Path, text: str, port: int) -> None:
        """Run `nginx`, `haproxy` or `caddy` with this text, within `folder`."""
        around = {"nginx": NGINX_AROUND, "caddy": CADDY_AROUND}.get(program, "{server}")
        configuration = folder / f"{program}.conf"
        configuration.write_text(around.format(folder=folder, server=text))
        arguments = {
            "nginx": ["-p", str(folder), "-c", str(configuration), "-e", "stderr"],
            "haproxy": ["-db", "-f", str(configuration)],
            "caddy": ["run", "--adapter", "caddyfile", "--config", str(configuration)],
        }
        command = [_program(program), *arguments[program]]
        environment = environment_of_foreign_programs() | {"HOME": str(folder)}
        super().__init__(command, port, folder / f"{program}.log", folder, environment)


class Proxy(ConfiguredProxy):
    """A proxy for a server on a port of 127.0.0.1, of which it keeps connections open.

    A request that fails is not tried again: the client sees a 502.
    """

    def __init__(self, kind: str, folder: Path, upstream: int) -> None:
        """Run `nginx`, `nginx-unbuffered` (bodies are passed on as they come) or `haproxy`.

        `haproxy-http2` and `caddy-http2` speak HTTP/2 to the server.
        """
        program, _, way = kind.partition("-")
        port = free_port()
        text = {"nginx": NGINX, "haproxy": HAPROXY, "caddy": CADDY}[program].format(
            port=port,
            upstream=upstream,
            buffering="off" if way == "unbuffered" else "on",
            protocol="proto h2" if way == "http2" else "",
        )
        super().__init__(program, folder, text, port)


def _program(name: str) -> str:
    """Return the path of a program, which Debian has where only root's PATH leads."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=path)
    assert found is not None, f"{name} is not installed: scripts/system-packages.sh test does that"
    return found
