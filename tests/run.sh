#!/usr/bin/env bash
# Runs everything that proves Sluis, on a machine with Rust and a C compiler; installs what else it needs.
#
#   tests/run.sh            from a fresh clone, in any directory, as root or not
#
# The last line is `N passed, N failed`, over all runners; the exit status is 0 only if nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
target="${CARGO_TARGET_DIR:-$PWD/target}"
logs="$target/run"
mkdir -p "$logs"
passed=0
failed=0

say() { printf '== %s %s\n' "$(date +%H:%M:%S)" "$*"; }

# What this machine does not let the tests prove, one line each; they write it themselves.
skipped="$target/skipped"
rm -f "$skipped"

# Why tests failed, last of all: whoever sees only the end of a long output finds it there.
tell_failures() {
    local log
    for log in "$logs"/*.log; do
        [ -f "$log" ] && awk -v log_name="${log##*/}" '
            /^---- .* stdout ----$/ { print "== FAILED in " log_name ": " $2; left = 12; next }
            left > 0 && !/^$|^stack backtrace:|^ +[0-9]+: |^ +at / { print substr($0, 1, 600); left-- }
            /^failures:$/ { left = 0 }' "$log"
    done
}

finish() {
    [ "$failed" -eq 0 ] || tell_failures
    if [ -s "$skipped" ]; then
        printf '== SKIPPED, NOTHING PROVEN: %s\n' "$(wc -l <"$skipped")"
        sort "$skipped" | uniq -c
    fi
    printf '%s passed, %s failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

# One check of a runner that does not count by itself.
check() {
    local name="$1"
    shift
    say "check: $name"
    if "$@"; then
        passed=$((passed + 1))
        say "check: $name: passed"
    else
        failed=$((failed + 1))
        say "check: $name: FAILED"
    fi
}

# A cargo test run: counts its `test result:` lines; one that breaks off without a failed test counts as a failure.
rust() {
    local name="$1" log="$logs/$1.log" status=0 before="$failed" good bad
    shift
    say "cargo test: $name"
    cargo test "$@" 2>&1 | tee "$log" || status=1
    good=$(awk '/^test result: /{n += $4} END{print n + 0}' "$log")
    bad=$(awk '/^test result: /{n += $6} END{print n + 0}' "$log")
    passed=$((passed + good))
    failed=$((failed + bad))
    if [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
        failed=$((failed + 1))
        say "cargo test: $name: did not end well, see $log"
    fi
    say "cargo test: $name: $good passed, $bad failed"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# Debian packages for commands that are absent.
install_commands() {
    local packages=()
    command -v python3 >/dev/null || packages+=(python3)
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
    command -v strace >/dev/null || packages+=(strace)
    command -v xmllint >/dev/null || packages+=(libxml2-utils)
    command -v cc >/dev/null || packages+=(gcc libc6-dev)
    command -v curl >/dev/null || packages+=(curl ca-certificates)
    command -v node >/dev/null || packages+=(nodejs)
    command -v npm >/dev/null || packages+=(npm)
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || packages+=(postgresql)
    [ "${#packages[@]}" -eq 0 ] && return 0
    say "installing ${packages[*]}"
    # Tests start a PostgreSQL of their own: while this file stands, the package makes and starts none.
    local no_cluster=/etc/postgresql-common/createcluster.d/sluis-tests.conf status=0
    as_root mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
    as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}" || status=1
    as_root rm -f "$no_cluster"
    return "$status"
}

# Python with the pinned packages, in the target folder.
install_python() {
    local venv="$target/venv"
    if ! cmp -s tests/requirements.txt "$venv/requirements.txt"; then
        say "making a Python environment"
        python3 -m venv --clear "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements.txt &&
            cp tests/requirements.txt "$venv/requirements.txt" || return 1
    fi
    export SLUIS_PYTHON="$venv/bin/python" PATH="$venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
}

# The scanner of TLS, in an environment of its own.
install_scanner() {
    local venv="$target/venv-scan"
    cmp -s tests/requirements-scan.txt "$venv/requirements.txt" && return 0
    say "making the environment of the TLS scanner"
    python3 -m venv --clear "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r tests/requirements-scan.txt &&
        cp tests/requirements-scan.txt "$venv/requirements.txt"
}

# The pinned packages of the Node example, in the target folder; their install scripts are not run.
install_node() {
    local folder="$target/node" wanted=docs/partner/node/package.json
    if ! cmp -s "$wanted" "$folder/installed.json"; then
        say "installing the packages of the Node example"
        mkdir -p "$folder" && cp "$wanted" "$folder/package.json" &&
            (cd "$folder" && npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error) &&
            cp "$wanted" "$folder/installed.json" || return 1
    fi
    export NODE_PATH="$folder/node_modules"
}

vectors_are_current() {
    "$SLUIS_PYTHON" tests/verify.py vectors >"$logs/log-vectors.json" && diff -u tests/golden/log-vectors.json "$logs/log-vectors.json"
}

# The demo, played once by the real binary; its export and receipts are then verified by the other implementation.
demo_is_verified() {
    local dir="$target/run/demo" ended=0 proof body
    "$target/release/sluis" demo --once --dir "$dir" || return 1
    "$SLUIS_PYTHON" tests/verify.py log "$dir/export" || return 1
    for proof in "$dir"/receipts/*.proof; do
        body=()
        [ -f "${proof%.proof}.body" ] && body=(--body "${proof%.proof}.body" --salt "${proof%.proof}.salt")
        "$SLUIS_PYTHON" tests/verify.py receipt "$proof" --vkey "$dir/export/vkey" "${body[@]}" || ended=1
    done
    if "$SLUIS_PYTHON" tests/verify.py log "$dir/export-changed"; then
        say "the export in which one byte was changed was accepted"
        ended=1
    fi
    return "$ended"
}

# A client in another language goes through the table of cases, on the folder that the demo made: with the proto files and
# a certificate only.
foreign_client_holds() {
    "$SLUIS_PYTHON" tests/foreign/run.py "$target/release/sluis" "$target/run/demo" "$1"
}

tls_has_nothing_to_complain_of() {
    "$target/venv-scan/bin/python" tests/foreign/tls_scan.py "$target/release/sluis" "$target/run/demo"
}

abuses_hold() {
    "$SLUIS_PYTHON" tests/foreign/http2_abuse.py "$target/release/sluis" "$target/run/demo"
}

if ! command -v cargo >/dev/null; then
    say "cargo is absent: install Rust first"
    failed=1
    finish
fi
install_commands || say "could not install packages; what needs them will fail"
if ! install_python; then
    say "no Python environment: the checks that need it fail"
    export SLUIS_PYTHON=python3
fi
install_node || say "no Node packages: the checks that need them fail"

install_scanner || say "no TLS scanner: the check that needs it fails"

say "building"
if ! cargo test --release --workspace --locked --no-run; then
    say "the build of the tests failed"
    failed=$((failed + 1))
fi
if ! cargo build --release --workspace --locked --bins; then
    say "the build of the programs failed"
    failed=$((failed + 1))
fi

check "buf lint" buf lint proto
check "verifier: own tests" "$SLUIS_PYTHON" tests/verify_selftest.py
check "verifier: golden vectors are current" vectors_are_current
check "demo, verified independently" demo_is_verified
check "foreign client: Python" foreign_client_holds python
check "foreign client: Node" foreign_client_holds node
check "foreign client: buf curl" foreign_client_holds buf
check "TLS scan" tls_has_nothing_to_complain_of
check "HTTP/2 abuses" abuses_hold
rust workspace --release --workspace --locked --no-fail-fast

finish
