#!/bin/sh
# Make the virtual environment $2 with the interpreter $1. Debian splits venv into a package of its own: without it fall
# back on the virtualenv package, and, as root, on apt; otherwise say what to install.
set -eu
python=$1
venv=$2
[ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 && exit 0
rm -rf "$venv"
"$python" -m venv "$venv" >/dev/null 2>&1 && exit 0
rm -rf "$venv"
"$python" -m virtualenv "$venv" >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    "$python" -m venv "$venv" && exit 0
fi
echo "make-venv: $python cannot build a virtual environment; install python3-venv (Debian, Ubuntu) or virtualenv" >&2
exit 1
