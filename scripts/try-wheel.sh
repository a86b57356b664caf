#!/bin/sh
# Installs a wheel of casgi in a bare Debian, and has it serve: make test-wheels.
#
#     scripts/try-wheel.sh FOLDER-OF-WHEELS ROOT
#
# ROOT is the root folder of a Debian that has Python and nothing else, as
#     debootstrap --include=python3-venv,ca-certificates trixie ROOT
# makes it. It is entered by chroot, so this is for root. Says how long the installation and the
# first answer took, in seconds and in seconds of CPU; ends with 1 if there was no answer.
set -eu

wheels=${1:?"usage: $0 FOLDER-OF-WHEELS ROOT"}
root=${2:?"usage: $0 FOLDER-OF-WHEELS ROOT"}
tag=$(chroot "$root" python3 -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
wheel=$(ls -t "$wheels"/casgi-*-"$tag"-*manylinux*.whl 2>/dev/null | head -1)
[ -n "$wheel" ] || {
    echo "There is no wheel for $tag in $wheels: make wheel makes it." >&2
    exit 1
}
if [ -e "$root/usr/bin/gcc" ] || [ -e "$root/usr/include/uv.h" ]; then
    echo "$root has more than Python: there a wheel proves nothing." >&2
    exit 1
fi

folder=$(chroot "$root" mktemp -d)
mounted=
trap '[ -z "$mounted" ] || umount "$root/proc"; rm -rf "$root$folder"' EXIT
if ! [ -e "$root/proc/self" ]; then
    mount -t proc proc "$root/proc"
    mounted=yes
fi
cp "$wheel" "$root$folder"
cat >"$root$folder/hello.py" <<'END'
async def application(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"from the wheel"})
END
cat >"$root$folder/try.py" <<'END'
import os, pathlib, re, signal, subprocess, sys, time, urllib.request

os.chdir(os.path.dirname(os.path.abspath(__file__)))
subprocess.run([sys.executable, "-m", "venv", "venv"], check=True)


def used():
    spent = os.times()
    return spent.children_user + spent.children_system


begun, cpu = time.monotonic(), used()
(wheel,) = pathlib.Path().glob("*.whl")
subprocess.run(["venv/bin/pip", "install", "--quiet", str(wheel)], check=True)
installed = time.monotonic()
command = ["venv/bin/casgi", "-p", "0", "--no-access-log", "hello:application"]
server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
try:
    for line in server.stderr:
        if found := re.search(r"Serving (http://\S+)", line):
            break
    answer = urllib.request.urlopen(found[1], timeout=60).read()
    answered = time.monotonic()
    maps = pathlib.Path(f"/proc/{server.pid}/maps").read_text()
finally:
    server.send_signal(signal.SIGTERM)
    status = server.wait(60)
assert (answer, status) == (b"from the wheel", 0)
for library in ("libuv", "libwslay", "libnghttp2", "libssl", "libcrypto"):
    assert re.search(rf"/casgi\.libs/{library}-", maps), f"{library} is not the wheel's"
print(
    f"{wheel}: installed in {installed - begun:.1f} s, answered {answered - installed:.1f} s later;"
    f" {used() - cpu:.1f} s of CPU"
)
END
chroot "$root" env -i PATH=/usr/bin:/bin HOME="$folder" PYTHONDONTWRITEBYTECODE=1 \
    python3 "$folder/try.py"
