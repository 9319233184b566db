#!/bin/sh
# Make .venv with the locked packages and the package itself, or do nothing when it is already so.
# Run by the Makefile from the root of the clone; PYTHON may name the interpreter to use.
set -eu

venv=.venv
stamp=$venv/.ready

say() { printf '==> %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# A name on the PATH proves nothing: a pyenv shim is there for versions that are not active.
choose_python() {
    if [ -n "${PYTHON:-}" ]; then
        "$PYTHON" -c '' >/dev/null 2>&1 || die "PYTHON=$PYTHON does not run; give the path of a Python 3.11 or newer."
        is_new_enough "$PYTHON" || die "PYTHON=$PYTHON is $("$PYTHON" -V 2>&1), and Python 3.11 or newer is needed."
        can_make_venvs "$PYTHON" || die "$PYTHON has no venv module: run 'apt-get install python3-venv' (or your system's package for it)."
        python=$PYTHON
        return
    fi
    without_venv=
    for candidate in python3.11 python3.12 python3.13 python3.14 python3; do
        is_new_enough "$candidate" || continue
        if can_make_venvs "$candidate"; then
            python=$candidate
            return
        fi
        without_venv=${without_venv:-$candidate}
    done
    [ -z "$without_venv" ] || die "$without_venv has no venv module: run 'apt-get install python3-venv' (or your system's package for it)."
    die "Python 3.11 or newer is needed and none was found: run 'apt-get install python3 python3-venv', or say 'make PYTHON=/path/to/python3.11'."
}

# What the environment depends on: change any of it and it is made anew. The path is part of it,
# because scripts in .venv/bin name their interpreter absolutely.
wanted() {
    "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
    pwd
    cksum requirements/dev.txt requirements/cluster.txt pyproject.toml scripts/setup.sh
}

is_ready() { [ -x $venv/bin/python ] && [ -f $stamp ] && [ "$(cat $stamp)" = "$wanted" ]; }

pip_install() {
    log=$venv/setup.log
    $venv/bin/python -m pip --disable-pip-version-check --no-input install --progress-bar off "$@" >"$log" 2>&1 && return
    tail -n 15 "$log" >&2
    if grep -q 'DO NOT MATCH THE HASHES' "$log"; then
        die "a downloaded package is not the one that was locked (see above); nothing of it was installed."
    fi
    if grep -qE 'NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|ProxyError|Connection (refused|reset|broken)|Network is unreachable|Temporary failure in name resolution|SSLError' "$log"; then
        die "pip could not reach its package registry: check the network, the proxy and pip's index settings, then run make again."
    fi
    die "pip could not install the locked packages (see above)."
}

build() {
    say "Making $venv with $("$python" -V 2>&1)"
    # Always from nothing: an interrupted or older environment leaves no trace.
    rm -rf $venv
    "$python" -m venv $venv || die "$python could not make a virtual environment in $PWD/$venv."
    say "Installing $(cat requirements/dev.txt requirements/cluster.txt | grep '^[a-z].*==' | sort -u | wc -l) locked packages, the embedded MongoDB among them (under a minute)"
    pip_install --require-hashes --no-deps --only-binary :all: \
        -r requirements/dev.txt -r requirements/cluster.txt
    pip_install --no-deps --no-build-isolation --no-index -e .
    printf '%s\n' "$wanted" >$stamp.new
    mv $stamp.new $stamp
    say "Set up"
}

[ -f requirements/dev.txt ] || die "run it from the root of the clone, as 'make setup' does."
choose_python
wanted=$(wanted)
is_ready && exit 0

# Two makes at once: the second waits, then finds the work done. The lock dies with its holder.
if command -v flock >/dev/null 2>&1; then
    exec 9<scripts/setup.sh
    flock -n 9 || { say "Waiting for another set-up of this clone"; flock 9; }
    is_ready && exit 0
fi
build
