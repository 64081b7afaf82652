#!/usr/bin/env bash
# Tests weights in several processes that Slurm starts; see usage below and
# docs/distributed.md.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: [NAME=VALUE ...] bash tools/slurm_test.sh CONFIG CHECKPOINT N [argument of test.py ...]

Runs the test set of CONFIG through CHECKPOINT in N processes, one for each GPU, and waits
for the result. Metrics and pictures (--out DIR) are those of one process.

  TASKS_PER_NODE=8      processes on a machine (default: N, at most 8)
  GPUS_PER_NODE=8       default: as many as processes; 0 to test on CPUs
  CPUS_PER_TASK=8       cores of each process
  PYTHON=python3        instead of .venv/bin/python or python

Everything else is srun's own: SLURM_PARTITION=..., SLURM_TIMELIMIT=..., and so on.
TEXT
}

# shellcheck source=tools/_dist.sh
source "$(dirname "${BASH_SOURCE[0]}")/_dist.sh"

check_arguments 3 'CONFIG, CHECKPOINT and the number of processes are needed' "$@"
config="$1" checkpoint="$2" count="$3"
shift 3
check_file "$config"
check_file "$checkpoint"
check_number 'the number of processes' "$count"
here="${TASKS_PER_NODE:-$((count < 8 ? count : 8))}"
gpus="${GPUS_PER_NODE:-$here}"
options=(--ntasks "$count" --ntasks-per-node "$here" --kill-on-bad-exit=1
    --cpus-per-task "${CPUS_PER_TASK:-8}")
[ "$gpus" = 0 ] || options+=(--gpus-per-node "$gpus")
command -v srun >/dev/null || die 'srun is not here: Slurm is not installed'
use_threads "${CPUS_PER_TASK:-8}"

exec srun "${options[@]}" "$python" "$repository/tools/test.py" "$config" "$checkpoint" \
    "$@" --launcher slurm
