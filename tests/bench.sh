#!/usr/bin/env bash
# Measures Sluis: `tests/bench.sh commit|decide|release|verify`. One JSON object per line on stdout, progress on stderr.
# `tests/bench.sh commit --quick` shows in a minute that the bench works; `tests/bench.sh commit --engine sqlite` or
# `--engine postgres` measures one engine. PostgreSQL is a server of the bench's own: the package `postgresql` is needed.
# `tests/bench.sh release --runtimes 2` spreads the connections over two runtimes of one thread each;
# `tests/bench.sh release --engine postgres` keeps log and keys on PostgreSQL. `tests/bench.sh verify` needs 4 GB in the temporary
# folder; `--quick` is a look at whether it works, `--engine postgres` takes the proofs from PostgreSQL.
#
# Works from a fresh clone; each bench takes at most ten minutes on two cores, the build apart. Gateway and floor are built as
# they are shipped, optimised over all crates (profile `dist`): ten minutes on two cores. SLUIS_PROFILE=release builds sooner
# and measures less: a release of data costs a fifth more there.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
    commit | decide | release | verify) ;;
    *)
        echo "usage: tests/bench.sh commit|decide|release|verify" >&2
        exit 2
        ;;
esac

target="${CARGO_TARGET_DIR:-$PWD/target}"
profile="${SLUIS_PROFILE:-dist}"
echo "building, profile $profile" >&2
cargo build --profile "$profile" --locked -p sluis -p sluis-tests --bin sluis --bin bench >&2
exec "$target/$profile/bench" "$@"
