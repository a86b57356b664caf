#!/bin/sh
# Prints the first Python that works: of the given versions, or the system's if it is new enough.
# Where there is none yet that scripts/system-packages.sh could install, that is "python3".
#
#     scripts/find-python.sh [3.13 ...]
#
# Looks on the PATH, and among the versions of pyenv, whose commands on the PATH may be inactive.
set -u

works() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# shellcheck disable=SC2048  # A list of words.
for version in ${*:-3 3.13 3.12 3.11}; do
    for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python; do
        if works "$python"; then
            echo "$python"
            exit 0
        fi
    done
done
if [ $# = 0 ] && ! command -v python3 >/dev/null && command -v dpkg-query >/dev/null; then
    echo python3
    exit 0
fi
exit 1
