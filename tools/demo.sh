#!/usr/bin/env bash
# The whole of posegen in one go. First the weights that ship: pictures of synthetic
# people whom no training has seen, within a minute of the install. Then a training of
# five minutes: people to train on, all stages, test, and one table of the copied source,
# the shipped and the trained weights.
# Needs Python >= 3.11 and the package registry; made for two CPU cores.
# Leaves work_dirs/demo/{shipped.png,comparison.png,table.md,table.json}. When it was
# stopped, run it again: it goes on where it was.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_venv.sh"

config=configs/limbwarp/limbwarp_synthetic-256x192_demo.py
weights=posegen/weights/limbwarp_synthetic-256x192.safetensors
data=data/synthetic-demo
unseen=data/synthetic-demo-unseen
out=work_dirs/demo
again="rm -rf $out $data $unseen && bash tools/demo.sh"
# The people to test on are in a set of their own.
places=(data_root="$data" val_dataloader.dataset.data_root="$unseen"
    test_dataloader.dataset.data_root="$unseen")

make_people() {
    python tools/datasets/make_synthetic.py --size 256x192 --look varied "$@"
}

make_unseen() {
    make_people --out "$unseen" --train-people 0 --test-people 12 --seed 1000
}

test_shipped() {
    rm -rf "$out/shipped"
    posegen test "$config" "$weights" --out "$out/shipped" \
        --work-dir "$out/test-shipped" --cfg-options "${places[@]}"
    python tools/demo/report.py --data "$unseen" --results "$out/shipped" \
        --out "$out/shipped.png"
    echo "pictures by the shipped weights: $out/shipped.png"
}

make_training() {
    make_people --out "$data" --train-people 60 --test-people 0
}

train() {
    posegen train "$config" --work-dir "$out/train" --resume --cfg-options "${places[@]}"
}

test_trained() {
    rm -rf "$out/trained"
    posegen test "$config" "$out/train/fine/latest.pth" --out "$out/trained" \
        --work-dir "$out/train" --cfg-options "${places[@]}"
}

evaluate() {
    posegen evaluate --generated shipped="$out/shipped" trained="$out/trained" \
        --real "$unseen/test" --truth "$unseen/truth/test" --copy-source \
        --offline-features --json "$out/table.json"
}

report() {
    python tools/demo/report.py --data "$unseen" --results shipped="$out/shipped" \
        trained="$out/trained" --scores "$out/table.json" --out "$out/comparison.png" \
        --table "$out/table.md"
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
    for name in make_unseen test_shipped make_training train test_trained evaluate report
    do
        printf '%-16s %5d\n' "$name" "$(cat "$out/.done/$name")"
    done
    note "the demo is complete"
    cat "$out/table.md"
    printf '\npicture  %s\ntable    %s\nmodel    %s\nagain    %s\n' \
        "$out/comparison.png" "$out/table.md" "$out/train/fine/latest.pth" "$again"
}

install_posegen synthetic,offline-features
mkdir -p "$out/.done"
step make_unseen '1/7 making synthetic people whom no training sees'
step test_shipped '2/7 putting them into other poses with the shipped weights'
step make_training '3/7 making people to train on'
step train '4/7 training all stages'
step test_trained '5/7 testing what was trained'
step evaluate '6/7 scoring: copied source, shipped, trained'
step report '7/7 picture and table'
summary
