#!/bin/sh
# Make the virtual environment $2 with the interpreter $1. Debian splits venv into a package of its own: without it fall
# back on the virtualenv package, and, as root, on apt; otherwise say what to install.
set -eu
python=$1
venv=$2
fail() {
    echo "make-venv: $*" >&2
    exit 1
}

[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
command -v "$python" >/dev/null 2>&1 || fail "no $python here; install Python 3.10 to 3.13, or: make PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' ||
    fail "$("$python" --version) is not supported; name a Python 3.10 to 3.13: make PYTHON=python3.12"

rm -rf "$venv"
"$python" -m venv "$venv" >/dev/null 2>&1 && exit 0
rm -rf "$venv"
"$python" -m virtualenv "$venv" >/dev/null 2>&1 && exit 0
rm -rf "$venv"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq "python$version-venv" >/dev/null || apt-get install -y -qq python3-venv >/dev/null
    "$python" -m venv "$venv" && exit 0
    rm -rf "$venv"
fi
fail "$python cannot build a virtual environment; install python3-venv (Debian, Ubuntu) or virtualenv"
