# Makes .venv and installs posegen into it; sourced by test.sh and demo.sh.
#
# Afterwards the shell stands in the repository and `python` and `posegen` are those of
# .venv. Nothing is installed again while the files that say what to install are unchanged.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

note() { printf '\n==> %s\n' "$*"; }

# The first Python >= 3.11 that can make a virtual environment. Version managers put
# names on PATH that do not run, so each candidate is asked.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "posegen needs Python 3.11 or newer with the venv module, and found none" \
        "(on Debian: apt install python3-venv; or name one: PYTHON=/path/to/python3 bash $0)" >&2
    return 1
}

# install_posegen EXTRAS: a virtual environment with the tested versions.
install_posegen() {
    local python version done=.venv/posegen-installed
    version="$(cat setup.cfg setup.py pyproject.toml constraints.txt | cksum)"
    if ! .venv/bin/python -c '' 2>/dev/null; then
        python="$(find_python)"
        note "making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv
    fi
    export PATH="$PWD/.venv/bin:$PATH" VIRTUAL_ENV="$PWD/.venv"
    unset PYTHONHOME PYTHONPATH
    hash -r
    if grep -qxF "$version $1" "$done" 2>/dev/null; then
        return
    fi
    note "installing posegen[$1] into .venv (PyTorch brings several GB the first time)"
    python -m pip install --quiet --disable-pip-version-check \
        -c constraints.txt -e ".[$1]"
    use_headless_opencv_without_gl
    if ! grep -qF "$version " "$done" 2>/dev/null; then
        : >"$done"  # what was installed by other versions of these files does not count
    fi
    echo "$version $1" >>"$done"
}

# MMEngine asks for opencv-python, which does not load on servers without libGL.
use_headless_opencv_without_gl() {
    if python -c 'import cv2' 2>/dev/null; then
        return
    fi
    note "OpenCV does not load here (no libGL?): taking its headless build"
    python -m pip uninstall --quiet --yes opencv-python
    python -m pip install --quiet --disable-pip-version-check --no-deps \
        -c constraints.txt opencv-python-headless
    python -c 'import cv2'
}
