#!/usr/bin/env bash
# Measures Sluis: `tests/bench.sh decide|release`. One JSON object per line on stdout, progress on stderr.
# `tests/bench.sh release --runtimes 2` spreads the connections over two runtimes of one thread each.
#
# Works from a fresh clone; each bench takes at most ten minutes on two cores, the build apart.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    decide | release) ;;
    *)
        echo "usage: tests/bench.sh decide|release" >&2
        exit 2
        ;;
esac

target="${CARGO_TARGET_DIR:-$PWD/target}"
echo "building" >&2
cargo build --release --locked -p sluis -p sluis-tests --bin sluis --bin bench >&2
exec "$target/release/bench" "$@"
