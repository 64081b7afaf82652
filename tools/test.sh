#!/usr/bin/env bash
# Installs posegen into .venv, checks the style, builds the docs and runs the tests.
# Needs Python >= 3.11 and the package registry. Arguments go to pytest:
#   bash tools/test.sh                       everything
#   bash tools/test.sh tests/codecs -k mask  some tests
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/_venv.sh"

install_posegen dev,docs,synthetic,offline-features,convert

note 'style: ruff'
ruff check .
ruff format --check .

note 'docs: sphinx'
sphinx-build -W --keep-going -q -b html docs docs/_build/html

note 'tests: pytest'
# Two processes with one thread each do more than one process with two.
workers="$(python -c 'import os; print(min(4, os.cpu_count() or 1))')"
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
python -m pytest -n "$workers" --dist loadfile --durations 10 "$@"
