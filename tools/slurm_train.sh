#!/usr/bin/env bash
# Submits a training to Slurm, which goes on in a new job when its time is over; see
# usage below and docs/distributed.md.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: [NAME=VALUE ...] bash tools/slurm_train.sh CONFIG N [argument of train.py ...]

Submits a job that trains CONFIG in N processes, one for each GPU. The batch of the
config is that of each process. When the job is to end, because its time is over or it
makes room for another, it saves, and is queued again; a job always goes on where the
one before has stopped (--resume).

  TASKS_PER_NODE=8      processes on a machine (default: N, at most 8)
  GPUS_PER_NODE=8       default: as many as processes; 0 to train on CPUs
  CPUS_PER_TASK=8       cores of each process
  SECONDS_TO_SAVE=120   how long before the end of its time the job is told
  MAX_REQUEUES=100      after which it stays ended
  PYTHON=python3        instead of .venv/bin/python or python

Everything else is sbatch's own: SBATCH_PARTITION=..., SBATCH_TIMELIMIT=..., and so on.
TEXT
}

tools="$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=tools/_dist.sh
source "$tools/_dist.sh"

submit() {
    check_arguments 2 'CONFIG and the number of processes are needed' "$@"
    local count="$2"
    check_file "$1"
    check_number 'the number of processes' "$count"
    local here="${TASKS_PER_NODE:-$((count < 8 ? count : 8))}"
    local gpus="${GPUS_PER_NODE:-$here}"
    check_number TASKS_PER_NODE "$here"
    local options=(
        --job-name "$(basename "$1" .py)" --ntasks "$count" --ntasks-per-node "$here"
        --cpus-per-task "${CPUS_PER_TASK:-8}" --requeue --open-mode append
        # To the processes of training only; this script has nothing to save.
        --signal "TERM@${SECONDS_TO_SAVE:-120}"
    )
    [ "$gpus" = 0 ] || options+=(--gpus-per-node "$gpus")
    command -v sbatch >/dev/null || die 'sbatch is not here: Slurm is not installed'
    # sbatch copies what it runs to another folder, from which nothing can be found.
    printf '#!/usr/bin/env bash\nexec bash %s\n' \
        "$(printf '%q ' "$tools/slurm_train.sh" --inside-job "$@")" |
        sbatch "${options[@]}"
}

run_job() {
    local config="$1" code=0
    shift 2
    use_threads "${SLURM_CPUS_PER_TASK:-1}"
    # As long as the job has; torchrun would have less.
    export POSEGEN_SECONDS_TO_SAVE="${SECONDS_TO_SAVE:-120}"
    # Stay, to queue again; a handler is not passed on to srun, as ignoring would be.
    trap : TERM
    srun --kill-on-bad-exit=1 --cpus-per-task "${SLURM_CPUS_PER_TASK:-1}" \
        "$python" "$tools/train.py" "$config" "$@" --resume --launcher slurm || code=$?
    # 143: SIGTERM came, and the state is saved.
    if [ "$code" = 143 ]; then
        if [ "${SLURM_RESTART_COUNT:-0}" -ge "${MAX_REQUEUES:-100}" ]; then
            die "the job was queued ${MAX_REQUEUES:-100} times; submit it again to go on"
        fi
        scontrol requeue "$SLURM_JOB_ID"
    fi
    exit "$code"
}

if [ "${1-}" = --inside-job ]; then
    shift
    run_job "$@"
else
    submit "$@"
fi
