#!/bin/sh
# Builds examples/container/Dockerfile with buildah, and runs the image: make test-containers.
#
#     scripts/try-container.sh FOLDER-OF-WHEELS ROOT
#
# Its project is the example chat; its base is ROOT, the root folder of a Debian 13 that debootstrap
# has made, under the name that the Dockerfile has for it. What is built is thrown away. For root.
set -eu

wheels=${1:?"usage: $0 FOLDER-OF-WHEELS ROOT"}
root=${2:?"usage: $0 FOLDER-OF-WHEELS ROOT"}
here=$(cd "$(dirname "$0")/.." && pwd)
port=${PORT:-8799}
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
storage=$(mktemp -d)
pid=
finish() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    buildah $stores rm --all >/dev/null 2>&1 || true
    rm -rf "$storage"
}
stores="--root $storage/root --runroot $storage/run"
trap finish EXIT

echo "The base image, from $root"
empty=$(buildah $stores from scratch)
tar -C "$root" --one-file-system -cf "$storage/base.tar" .
buildah $stores add --quiet "$empty" "$storage/base.tar" / >/dev/null
rm "$storage/base.tar"
buildah $stores commit --quiet "$empty" docker.io/library/debian:13-slim >/dev/null
buildah $stores rm "$empty" >/dev/null

echo "The image of the project"
cp -r "$here/examples/chat" "$storage/project"
cp "$here/examples/container/Dockerfile" "$here/examples/container/.dockerignore" "$storage/project"
mkdir "$storage/project/wheels"
cp "$wheels"/casgi-*-cp313-*manylinux*.whl "$storage/project/wheels"
buildah $stores build --quiet --format docker --pull-never --tag site "$storage/project" >/dev/null

echo "A container"
container=$(buildah $stores from --pull-never localhost/site)
# buildah has no PID namespace of its own here: the number is that of the whole machine.
buildah $stores run "$container" -- sh -c "echo \$\$ >/tmp/pid
    exec casgi --workers 2 -p $port --metrics $((port + 1)) project.asgi:application" \
    >"$storage/log" 2>&1 &
running=$!
until curl --silent --fail --output /dev/null "http://127.0.0.1:$((port + 1))/ready"; do
    kill -0 $running || {
        cat "$storage/log"
        exit 1
    }
    sleep 0.2
done
pid=$(buildah $stores run "$container" -- cat /tmp/pid)
curl --silent --fail --output "$storage/page" "http://127.0.0.1:$port/"
grep "^Uid" "/proc/$pid/status"
kill "$pid"
wait $running
echo "It has answered with $(wc -c <"$storage/page") bytes, and stopped."
