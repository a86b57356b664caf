#!/usr/bin/env bash
# Fuzzes every target for the given number of seconds each: fuzz/run.sh [SECONDS [TARGET...]]
#
# A target is a file fuzz_<layer>_<what>.c, named without its ending; fuzz_http1_... is of layer http.
# What the fuzzer learns stays in build/fuzz/ and is used again the next time. What crashes a target is
# left in build/fuzz/crashes/: mend it, and add the file to fuzz/corpus/<target>/.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
compiler=${CLANG:-clang}
flags=(-std=c11 -D_GNU_SOURCE -DCASGI_TEST_ALLOCATIONS -O1 -g
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Icsrc -Itests/c)

# The same libraries as the extension's, one argument a line.
mapfile -t foreign < <(PYTHONPATH=scripts python3 - <<'END'
from native_libraries import find_native_libraries

found = find_native_libraries()
print(*found.compile_args, *found.sources, *found.link_args, sep="\n")
END
)

if [ $# -eq 0 ]; then
    for source in fuzz/fuzz_*.c; do
        set -- "$@" "$(basename "$source" .c)"
    done
fi

for name in "$@"; do
    layer=${name#fuzz_}
    layer=${layer%%[0-9_]*}
    work=build/fuzz/$name
    mkdir -p "$work" build/fuzz/crashes "fuzz/corpus/$name"
    sources=(csrc/base/*.c csrc/"$layer"/*.c)
    if [ "$layer" = server ] || [ "$layer" = hub ]; then
        sources+=(csrc/net/*.c csrc/http/*.c csrc/http2/*.c csrc/ws/*.c)
    fi
    if [ "$layer" = tls ]; then
        sources+=(csrc/net/*.c)
    fi
    if [ "$layer" = hub ]; then
        sources+=(csrc/server/*.c)
    fi
    "$compiler" "${flags[@]}" "fuzz/$name.c" "${sources[@]}" "${foreign[@]}" -o "$work.bin"
    dictionary=()
    if [ -e "fuzz/dictionaries/$name.dict" ]; then
        dictionary=("-dict=fuzz/dictionaries/$name.dict")
    fi
    echo "fuzz: $name, $seconds s"
    "$work.bin" -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="build/fuzz/crashes/$name-" "${dictionary[@]}" \
        "$work" "fuzz/corpus/$name"
done
