#!/usr/bin/env bash
# The whole of posegen in one go, on people made here: data, both stages of training,
# test on people who were not in training, scores against copying the source.
# Needs Python >= 3.11 and the package registry; made for two CPU cores.
# Leaves work_dirs/demo/{comparison.png,table.md,table.json}. When it was stopped, run it
# again: it goes on where it was.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_venv.sh"

config=configs/spig/spig_synthetic-128x64_demo.py
data=data/synthetic-demo
out=work_dirs/demo
again="rm -rf $out $data && bash tools/demo.sh"

make_people() {
    python tools/datasets/make_synthetic.py --out "$data" --size 128x64 \
        --train-people 80 --test-people 12 --views 6 --pairs-per-person 20 \
        --truth test
}

train() {
    posegen train "$config" --work-dir "$out/train" --resume \
        --cfg-options data_root="$data"
}

test_on_unseen() {
    rm -rf "$out/results"
    posegen test "$config" "$out/train/full/latest.pth" --out "$out/results" \
        --work-dir "$out/train" --cfg-options data_root="$data"
}

evaluate() {
    posegen evaluate --generated spig="$out/results" --real "$data/test" \
        --copy-source --offline-features --json "$out/table.json"
}

report() {
    python tools/demo/report.py --data "$data" --results "$out/results" \
        --scores "$out/table.json" --out "$out"
}

# step COMMAND TITLE: does it once; a file with its seconds says that it is done.
step() {
    local done="$out/.done/$1" start=$SECONDS
    if [[ -e "$done" ]]; then
        note "$2: there from an earlier run"
        return
    fi
    note "$2"
    "$1"
    echo $((SECONDS - start)) >"$done"
}

summary() {
    local name
    note 'seconds per step (of the run that finished it)'
    for name in make_people train test_on_unseen evaluate report; do
        printf '%-16s %5d\n' "$name" "$(cat "$out/.done/$name")"
    done
    note "the demo is complete"
    cat "$out/table.md"
    printf '\npicture  %s\ntable    %s\nmodel    %s\nagain    %s\n' \
        "$out/comparison.png" "$out/table.md" "$out/train/full/latest.pth" "$again"
}

install_posegen synthetic,offline-features
mkdir -p "$out/.done"
step make_people '1/5 making synthetic people'
step train '2/5 training both stages'
step test_on_unseen '3/5 testing on people who were not in training'
step evaluate '4/5 scoring against copying the source'
step report '5/5 picture and table'
summary
