#!/usr/bin/env bash
# Tests weights in several processes, which share the pairs; see usage below and
# docs/distributed.md.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: [NAME=VALUE ...] bash tools/dist_test.sh CONFIG CHECKPOINT N [argument of test.py ...]

Runs the test set of CONFIG through CHECKPOINT in N processes on this machine: one for
each GPU, or on the CPU where there is none. Metrics and pictures (--out DIR) are those
of one process. PORT, PYTHON, and for several machines NNODES, RDZV_ENDPOINT, MASTER_ADDR
and NODE_RANK are as in tools/dist_train.sh.
TEXT
}

# shellcheck source=tools/_dist.sh
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

check_arguments 3 'CONFIG, CHECKPOINT and the number of processes are needed' "$@"
config="$1" checkpoint="$2" count="$3"
shift 3
check_file "$config"
check_file "$checkpoint"

launch "$count" 0 "$repository/tools/test.py" "$config" "$checkpoint" "$@"
