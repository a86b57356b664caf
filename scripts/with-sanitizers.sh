#!/bin/sh
# Builds casgi with AddressSanitizer and UndefinedBehaviorSanitizer into build/asan, beside the
# ordinary build, and runs a command on it:
#
#     scripts/with-sanitizers.sh .venv/bin/python -m pytest tests/http
#
# Leaks are not looked for: Python itself keeps memory until its process ends. The tests count
# casgi's own objects instead.
set -eu

python=$1
rm -rf build/asan
mkdir -p build/asan
cp -R pyshim/casgi build/asan/casgi
rm -f build/asan/casgi/_core*.so
CASGI_DEBUG=1 CASGI_SANITIZE=address,undefined \
    "$python" setup.py --quiet build_ext --build-lib build/asan

# Python itself is not instrumented, so that the sanitizers have to be loaded before it.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
export LD_PRELOAD
export PYTHONPATH=build/asan${PYTHONPATH:+:$PYTHONPATH}
export PYTHONMALLOC=malloc
export ASAN_OPTIONS=detect_leaks=0
export UBSAN_OPTIONS=print_stacktrace=1
exec "$@"
