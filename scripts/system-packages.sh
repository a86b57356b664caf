#!/bin/sh
# Installs the Debian or Ubuntu packages that a make target needs and that are not there yet.
#
#     PYTHON=python3 scripts/system-packages.sh chat|test|screenshots|fuzz|bench
#
# Says which packages are missing, and asks before it installs them when there is somebody to ask
# (a terminal, and not CI=true). Does nothing at all when nothing is missing.
set -eu

purpose=${1:?"usage: $0 chat|test|screenshots|fuzz|bench"}
python=${PYTHON:-python3}
missing=""

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

need_package() {
    is_installed "$1" || missing="$missing $1"
}

# need_command COMMAND PACKAGE: for programs, which need not come from a package.
need_command() {
    command -v "$1" >/dev/null || missing="$missing $2"
}

need_llhttp() {
    # Debian 12 has no library, only the sources within a package for Node.js.
    is_installed libllhttp-dev || is_installed node-llhttp || missing="$missing llhttp"
}

need_python() {
    if [ "$python" = python3 ] && ! command -v python3 >/dev/null; then
        version=3 # the release's own
        missing="$missing python3"
    elif ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); then
        echo "There is no $python; casgi needs Python 3.11 or newer." >&2
        exit 1
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python$version-venv"
    "$python" -c 'import os, sysconfig, sys
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' 2>/dev/null ||
        missing="$missing python$version-dev"
}

need_for_chat() {
    need_command cc gcc
    need_command pkg-config pkgconf
    need_package libc6-dev
    need_package libuv1-dev
    need_package libwslay-dev
    need_package libssl-dev
    need_package zlib1g-dev
    # HTTP/2: frames, header compression, flow control.
    need_package libnghttp2-dev
    need_llhttp
    need_python
}

need_for_test() {
    need_for_chat
    # CPython's own tests of asyncio run on our loop; Debian has them in a package of their own.
    "$python" -c 'import test.test_asyncio' 2>/dev/null ||
        missing="$missing libpython$version-testsuite"
    [ -e /etc/services ] || missing="$missing netbase"
    need_command redis-server redis-server
    need_command curl curl
    need_command openssl openssl
    # Debian has its programs in no PATH.
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
    # nginx and HAProxy are where only root's PATH leads.
    [ -x /usr/sbin/nginx ] || need_command nginx nginx
    [ -x /usr/sbin/haproxy ] || need_command haproxy haproxy
    need_command caddy caddy
    need_command chromium chromium
    need_command chromedriver chromium-driver
    command -v firefox >/dev/null || need_command firefox-esr firefox-esr
    need_command wrk wrk
    need_command h2load nghttp2-client
    need_package logrotate
}

need_for_screenshots() {
    need_for_test
    need_package fonts-noto-color-emoji
}

need_for_fuzz() {
    need_for_chat
    need_command clang clang
    need_package libclang-rt-dev
}

need_for_bench() {
    need_for_chat
    need_command wrk wrk
    need_command h2load nghttp2-client
}

has_candidate() {
    apt-cache policy "$1" | grep -q 'Candidate: [^(]'
}

# As far as is known: without lists of packages nothing is.
has_new_python() {
    minor=$(apt-cache policy python3 | sed -n 's/^ *Candidate: 3\.\([0-9]*\).*/\1/p')
    [ "${minor:-11}" -ge 11 ]
}

# Replaces the names above that mean different packages on different releases.
resolve() {
    resolved=""
    for package in $missing; do
        case $package in
        python3)
            if ! has_new_python; then
                echo "This release has no Python 3.11 or newer; name one: make PYTHON=/path/to/python" >&2
                exit 1
            fi
            ;;
        libpython3-testsuite)
            package=libpython3${minor:+.$minor}-testsuite # of what is installed with it
            ;;
        llhttp)
            package=libllhttp-dev
            has_candidate $package || package=node-llhttp
            ;;
        chromium)
            if ! has_candidate chromium; then
                echo "This release has no package of Chromium: playwright's own will be used."
                continue
            fi
            ;;
        chromium-driver)
            if ! has_candidate chromium-driver; then
                echo "This release has no package of chromedriver: the Selenium example is skipped."
                continue
            fi
            ;;
        firefox-esr)
            if ! has_candidate firefox-esr; then
                echo "This release has no package of Firefox: its tests are skipped."
                continue
            fi
            ;;
        esac
        resolved="$resolved $package"
    done
    missing=$resolved
}

may_install() {
    if [ "${CI:-}" = true ] || [ ! -t 0 ]; then
        return 0
    fi
    printf 'Install them now? [Y/n] '
    read -r answer
    case $answer in
    "" | [Yy]*) return 0 ;;
    *) return 1 ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

if ! command -v dpkg-query >/dev/null; then
    echo "Not Debian or Ubuntu: libuv, wslay, llhttp, OpenSSL, zlib, nghttp2 and a C compiler have to be there already."
    exit 0
fi
case $purpose in
chat) need_for_chat ;;
test) need_for_test ;;
screenshots) need_for_screenshots ;;
fuzz) need_for_fuzz ;;
bench) need_for_bench ;;
*)
    echo "usage: $0 chat|test|screenshots|fuzz|bench" >&2
    exit 1
    ;;
esac
[ -n "$missing" ] || exit 0

echo "System packages that make $purpose needs and that are missing:$missing"
if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    resolve
    echo "Neither root nor sudo. As root: apt-get install$missing" >&2
    exit 1
fi
if ! may_install; then
    echo "Nothing was installed." >&2
    exit 1
fi
as_root apt-get update -q
resolve
[ -n "$missing" ] || exit 0
# shellcheck disable=SC2086  # A list of words.
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
