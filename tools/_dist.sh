# shellcheck shell=bash
# What the scripts for several processes share; sourced by them. Each has a function
# `usage`. The folder stays that of the caller, since paths are relative to it.

die() {
    echo "$(basename "$0"): $1" >&2
    exit 2
}

# check_arguments N TEXT ARGUMENT...: at least N arguments, or the usage is shown.
check_arguments() {
    local least="$1" text="$2"
    shift 2
    case "${1-}" in -h | --help) usage && exit ;; esac
    if [ $# -lt "$least" ]; then
        usage >&2
        die "$text"
    fi
}

is_number() { [[ "$1" =~ ^[1-9][0-9]*$ ]]; }

# check_number NAME VALUE: a whole number above 0.
check_number() { is_number "$2" || die "$1 must be a whole number above 0, got '$2'"; }

check_file() { [ -e "$1" ] || die "there is no file $1"; }

repository="$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# The Python of .venv, where there is one; PYTHON=... names another.
python="${PYTHON:-}"
if [ -z "$python" ]; then
    python="$repository/.venv/bin/python"
    [ -x "$python" ] || python=python
fi
export PYTHONPATH="$repository${PYTHONPATH:+:$PYTHONPATH}"

# use_threads N: of each process. Without a word from here, torch would take one.
use_threads() {
    export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$1}"
    export MKL_NUM_THREADS="${MKL_NUM_THREADS:-$OMP_NUM_THREADS}"
}

share_out_cores() {
    local cores
    cores="$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)"
    use_threads "$((cores > $1 ? cores / $1 : 1))"
}

# Arguments of torchrun by which processes find each other.
meeting=()
find_meeting() {
    local nodes="${NNODES:-1}"
    [[ "$nodes" =~ ^[1-9][0-9]*(:[1-9][0-9]*)?$ ]] ||
        die "NNODES must be a number of machines (2) or a range (2:4), got '$nodes'"
    meeting=(--nnodes "$nodes")
    if [ -n "${RDZV_ENDPOINT-}" ]; then
        meeting+=(--rdzv-backend c10d --rdzv-endpoint "$RDZV_ENDPOINT")
        meeting+=(--rdzv-id "${RDZV_ID:-posegen}")
    elif [ "$nodes" != 1 ] && [ -n "${MASTER_ADDR-}" ]; then
        is_number "$nodes" || die "NNODES=$nodes, a range, needs RDZV_ENDPOINT=HOST:PORT"
        [[ "${NODE_RANK-}" =~ ^[0-9]+$ ]] ||
            die "MASTER_ADDR needs NODE_RANK too: 0 on that machine, then 1, 2, ..."
        [ "${MAX_RESTARTS:-0}" = 0 ] ||
            die "MAX_RESTARTS on several machines needs RDZV_ENDPOINT=HOST:PORT"
        meeting+=(--node-rank "$NODE_RANK")
        meeting+=(--master-addr "$MASTER_ADDR" --master-port "${PORT:-29500}")
    elif [ "$nodes" != 1 ]; then
        die "NNODES=$nodes needs RDZV_ENDPOINT=HOST:PORT, or MASTER_ADDR and NODE_RANK"
    elif [ -n "${PORT-}" ]; then
        meeting+=(--rdzv-backend c10d --rdzv-endpoint "localhost:$PORT")
    else
        meeting+=(--standalone) # on a port that is free
    fi
}

# launch N RESTARTS PROGRAM [ARGUMENT...]: N processes here, and what the environment
# says of other machines. Does not return.
launch() {
    local count="$1" restarts="$2"
    shift 2
    check_number 'the number of processes' "$count"
    find_meeting
    share_out_cores "$count"
    exec "$python" -m posegen.utils.launch "${meeting[@]}" --nproc-per-node "$count" \
        --max-restarts "$restarts" "$@" --launcher pytorch
}
