#!/usr/bin/env bash
# The long campaigns: what tests/run.sh does in small, until it would show a rare fault. Takes some hours.
#
#   tests/campaign.sh [kill|disk|policy|race|fault|pairs|simulation|nodes|full ...]     all of them when none is named
#
#   kill     1,000 rounds of `kill -9` under load, on each engine; on PostgreSQL as many of the server, and of failed flushes;
#            and at each of 1,000 steps of writing a file  SLUIS_KILL_ROUNDS, SLUIS_KILL_STEPS,
#                                                         SLUIS_KILL_SEED (printed; repeats the moments)
#   disk     1,000 rounds of a full disk under the log and under the keys, on each engine, and of a failed flush under a file
#                                                         SLUIS_DISK_ROUNDS, SLUIS_FSYNC_ROUNDS
#   policy   every fact of every shipped policy, not only those that its rules and properties mention (minutes each)
#   race     100,000 rounds of withdrawal against release SLUIS_RACE_ROUNDS
#   fault    5,000 programs of calls and failing stores   SLUIS_FAULT_PROGRAMS, SLUIS_FAULT_SEED
#   pairs    1,000 programs of two faults in a row, on each engine; connections cut at every message of an erasure and a start
#                                                         SLUIS_PAIRS_ROUNDS, SLUIS_PAIRS_SEED, SLUIS_PAIRS_STEP
#   simulation 100,000 programs of the sequencer simulated     SLUIS_SIM_SEEDS, SLUIS_SIM_FROM; one alone: SLUIS_SIM_SEED
#   nodes    1,000 rounds of killed primaries and cut connections, on two servers      SLUIS_NODES_ROUNDS
#   full     tests that are ignored in a normal run because they take long
#
# The last line is `campaign: N held, N failed`; the status is 0 only if everything held. Run tests/run.sh first: it
# installs what is needed.
set -uo pipefail
cd "$(dirname "$0")/.."

export CARGO_TERM_COLOR=never
held=0
failed=0

campaign() {
    local name="$1"
    shift
    printf '== %s %s\n' "$(date +%H:%M:%S)" "$name"
    if "$@"; then held=$((held + 1)); else
        failed=$((failed + 1))
        printf '== %s %s: FAILED\n' "$(date +%H:%M:%S)" "$name"
    fi
}

# A cargo test run of which at least one test must have run.
some() {
    local log status=0
    log=$(mktemp)
    cargo test --release --locked -p sluis-tests "$@" 2>&1 | tee "$log" || status=1
    grep -Eq '^test result: ok\. [1-9]' "$log" || status=1
    rm -f "$log"
    return "$status"
}

kill_under_load() {
    SLUIS_KILL_ROUNDS="${SLUIS_KILL_ROUNDS:-1000}" SLUIS_KILL_STEPS="${SLUIS_KILL_STEPS:-1000}" \
        some --lib journey::kill -- --nocapture
}

disks_that_fail() {
    SLUIS_DISK_ROUNDS="${SLUIS_DISK_ROUNDS:-1000}" SLUIS_FSYNC_ROUNDS="${SLUIS_FSYNC_ROUNDS:-1000}" \
        some --lib journey::disk -- --nocapture
}

policy_in_full() {
    local name ended=0
    for name in kracht akj statutory; do
        cargo run --release --locked -q -p sluis -- policy check --full "gateway/policy/$name.toml" || ended=1
    done
    return "$ended"
}

withdrawal_against_release() {
    SLUIS_RACE_ROUNDS="${SLUIS_RACE_ROUNDS:-100000}" some --lib race -- --nocapture
}

failing_stores() {
    SLUIS_FAULT_PROGRAMS="${SLUIS_FAULT_PROGRAMS:-5000}" some --lib fault:: -- --nocapture
}

faults_in_pairs() {
    SLUIS_PAIRS_ROUNDS="${SLUIS_PAIRS_ROUNDS:-1000}" SLUIS_PAIRS_STEP="${SLUIS_PAIRS_STEP:-1}" some --lib pairs:: -- --nocapture
}

sequencer_simulated() {
    SLUIS_SIM_SEEDS="${SLUIS_SIM_SEEDS:-100000}" some --lib simulation:: -- --nocapture
}

primaries_that_die() {
    SLUIS_NODES_ROUNDS="${SLUIS_NODES_ROUNDS:-1000}" some --lib nodes:: -- --nocapture
}

# Of the whole workspace: the core has its own.
ignored_tests() {
    cargo test --release --locked --workspace -- --ignored
}

[ "$#" -gt 0 ] || set -- kill disk policy race fault pairs simulation nodes full
for name in "$@"; do
    case "$name" in
        kill) campaign "kill -9 under load" kill_under_load ;;
        disk) campaign "disks that are full or do not flush" disks_that_fail ;;
        policy) campaign "policies in full" policy_in_full ;;
        race) campaign "withdrawal against release" withdrawal_against_release ;;
        fault) campaign "failing stores" failing_stores ;;
        pairs) campaign "two faults in a row, every message cut" faults_in_pairs ;;
        simulation) campaign "sequencer simulated" sequencer_simulated ;;
        nodes) campaign "primaries that die, connections that are cut" primaries_that_die ;;
        full) campaign "long tests" ignored_tests ;;
        *) printf 'unknown campaign `%s`: kill, disk, policy, race, fault, pairs, simulation, nodes or full\n' "$name" >&2; exit 2 ;;
    esac
done
printf 'campaign: %s held, %s failed\n' "$held" "$failed"
[ "$failed" -eq 0 ]
