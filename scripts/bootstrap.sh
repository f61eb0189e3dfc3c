#!/bin/sh
# Makes or refreshes .venv, pinned by constraints.txt. Does nothing (in milliseconds) when it is current.
#
#   scripts/bootstrap.sh demo   the server with DuckDB: core and plugins/duckdb
#   scripts/bootstrap.sh dev    every plugin, and the tools and servers that make test, check and bench need
#
# PYTHON=... chooses the interpreter; without it the first suitable one of python3.11 and python3 is taken.
set -eu

kind=${1:-demo}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
python=.venv/bin/python

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "error: $*"
    exit 1
}

case $kind in
demo | dev) ;;
*) fail "unknown environment '$kind'; use demo or dev" ;;
esac

# The stamp holds what the environment was made from. The path counts: a moved .venv has stale scripts.
stamp() { { echo "$root"; cat constraints.txt scripts/bootstrap.sh core/pyproject.toml client/pyproject.toml plugins/*/pyproject.toml; } | cksum; }

current() {
    [ -x "$python" ] && [ -f ".venv/cuboid-$1" ] && [ "$(cat ".venv/cuboid-$1")" = "$(stamp)" ]
}

# What is enough for development is enough for the demo.
if current "$kind" || current dev; then
    exit 0
fi

suitable() { command -v "$1" >/dev/null 2>&1 && "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3 python3.12 python3.13; do
        if suitable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found; install it (Debian 12: apt-get install python3 python3-venv) or set PYTHON="
}

# Debian keeps the venv module's other half, ensurepip, in a package of its own.
make_venv() {
    base=$(find_python)
    if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
            say "Installing python3-venv: this Python cannot make virtual environments yet."
            DEBIAN_FRONTEND=noninteractive
            export DEBIAN_FRONTEND
            { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } >&2 ||
                fail "apt-get could not install python3-venv (see above)"
        fi
        "$base" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "$base cannot make virtual environments; run: sudo apt-get install python3-venv"
    fi
    rm -rf .venv
    "$base" -m venv .venv
}

working_venv() {
    [ -x "$python" ] && [ "$(cat .venv/cuboid-root 2>/dev/null)" = "$root" ] && "$python" -m pip --version >/dev/null 2>&1
}

# uv does not read pip's configuration: what pip was told about index and certificates is passed on, unless
# uv has been told something itself. (pip config get misses the system-wide file in pip 23, list does not.)
pip_setting() { "$python" -m pip config list 2>/dev/null | sed -n "s/^[a-z:]*[.]$1='\(.*\)'\$/\1/p" | tail -n 1; }

configure_uv() {
    index=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-$(pip_setting index-url)}}
    if [ -n "$index" ]; then
        UV_DEFAULT_INDEX=$index
        export UV_DEFAULT_INDEX
    fi
    certificates=${SSL_CERT_FILE:-$(pip_setting cert)}
    if [ -n "$certificates" ]; then
        SSL_CERT_FILE=$certificates
        export SSL_CERT_FILE
    fi
}

install() {
    # The build backend is pinned by the same file: by option for uv, by environment for pip. pip splits the
    # variable at spaces, hence the relative path.
    if "$python" -m pip install -q --disable-pip-version-check -c constraints.txt uv 2>/dev/null; then
        configure_uv
        if .venv/bin/uv pip install -q --compile-bytecode --python "$python" -c constraints.txt --build-constraints constraints.txt "$@"; then
            return
        fi
        say "uv could not install the packages; trying pip."
    fi
    PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
        "$python" -m pip install -q --disable-pip-version-check "$@"
}

say "Preparing the $kind environment in .venv (once; later runs start at once) ..."
working_venv || make_venv
echo "$root" >.venv/cuboid-root
rm -f .venv/cuboid-demo .venv/cuboid-dev
if [ "$kind" = dev ]; then
    set -- -e "./core[dev,engines]" -e "./client[pandas,polars]"
    for plugin in plugins/*/pyproject.toml; do
        set -- "$@" -e "./$(dirname "$plugin")"
    done
else
    set -- -e ./core -e ./plugins/duckdb
fi
install "$@"
stamp >".venv/cuboid-$kind"
