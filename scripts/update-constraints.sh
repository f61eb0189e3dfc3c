#!/bin/sh
# Writes constraints.txt anew: the newest versions that the pyproject.toml files allow, one name==version a line.
#
# Resolves by installing everything into a throw-away environment, so that the file is what was really
# installed, and never an address: whatever index is configured leaves no trace.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

"${PYTHON:-python3.11}" -m venv "$scratch/venv"
python=$scratch/venv/bin/python
"$python" -m pip install -q --disable-pip-version-check --upgrade pip

set -- -e "./core[dev,engines]" -e "./client[pandas,polars]"
for plugin in plugins/*/pyproject.toml; do
    set -- "$@" -e "./$(dirname "$plugin")"
done
# hatchling and editables build the packages; uv installs them: pinned like everything else.
"$python" -m pip install -q --disable-pip-version-check --upgrade "$@" uv hatchling editables

"$python" -m pip freeze --exclude-editable | LC_ALL=C sort -f >"$scratch/constraints.txt"
if grep -vnE '^[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+$' "$scratch/constraints.txt"; then
    echo "error: the lines above are not name==version; constraints.txt is unchanged" >&2
    exit 1
fi
cat "$scratch/constraints.txt" >constraints.txt
echo "constraints.txt: $(wc -l <constraints.txt) packages. Run make check test, then commit it."
