"""A Python that has imported everything already, for commands that start others.

Importing takes longer than most of what tests do with a command. So `python()` is a
small program, which stands in for the interpreter: it hands its arguments, folder,
environment and open files to a server, which forks itself and runs the script there. It
passes signals on and ends as the fork ends, by the same code or signal; when it is
killed, so is the fork.

What a script does is the same but for what depends on a fresh interpreter: modules are
imported, among them the components of these tests, the parent of a script is not who
started it, and processes that it spawns are forks. Tests that are about such things
take `sys.executable`.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import random
import runpy
import select
import signal
import socket
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from tests.helpers.forked import fork

_CLIENT = """\
#!{python} -SE
import json, os, signal, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
argv = {first!r} + sys.argv[1:]
said = json.dumps([argv, os.getcwd(), dict(os.environ, PWD=os.getcwd())]).encode()
socket.send_fds(server, [struct.pack('!I', len(said))], [0, 1, 2])
server.sendall(said)
answers = server.makefile('rb')
(pid,) = struct.unpack('!i', answers.read(4))
def tell(number, frame):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, tell)
(code,) = struct.unpack('!i', answers.read(4))
if code < 0:
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""
_POSEGEN = 'import sys; from posegen.cli import main; sys.exit(main())'
#: Programs of `folder()`, and the arguments that they put first.
_PROGRAMS = dict(python=[], python3=[], posegen=['-c', _POSEGEN])


@functools.cache
def folder() -> Path:
    """A folder for ``PATH`` with ``python``, ``python3`` and ``posegen``."""
    path = Path(tempfile.mkdtemp(prefix='warm'))
    address = str(path / 'server')
    server = fork(_serve, address, os.getpid())
    atexit.register(server.kill)
    while not Path(address).exists():
        assert server.is_alive()
        time.sleep(0.01)
    for name, first in _PROGRAMS.items():
        program = path / name
        program.write_text(
            _CLIENT.format(python=sys.executable, address=address, first=first)
        )
        program.chmod(0o755)
    return path


def python() -> str:
    """Path of a program to start in place of ``sys.executable``."""
    return str(folder() / 'python')


def variables() -> dict[str, str]:
    """By which the scripts of tools/ and torchrun find the Python that they start."""
    return dict(PYTHON=python(), PYTHON_EXEC=python())


def _serve(address: str, owner: int) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the handlers
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(1)
    listener.bind(f'{address}.new')
    listener.listen(64)
    os.rename(f'{address}.new', address)
    while True:
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _handle(connection)
            connection.close()
        try:
            os.kill(owner, 0)
        except ProcessLookupError:
            return


def _handle(connection: socket.socket) -> NoReturn:
    """Run what one client asks for, in a child, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.setblocking(True)
    header, files, _, _ = socket.recv_fds(connection, 4, 3)
    (size,) = struct.unpack('!I', header)
    said = b''
    while len(said) < size:
        said += connection.recv(size - len(said))
    child = os.fork()
    if child == 0:
        connection.close()
        _become(files, *json.loads(said))
    for file in files:
        os.close(file)
    connection.sendall(struct.pack('!i', child))
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, connection], [], [])
    if ended not in ready:  # the client is gone
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        connection.sendall(struct.pack('!i', os.waitstatus_to_exitcode(status)))
    os._exit(0)


def _become(
    files: Sequence[int], argv: list[str], cwd: str, env: dict[str, str]
) -> NoReturn:
    """Be a new interpreter with these arguments."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    _forget_the_server()
    code = 0
    try:
        _run(argv)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = -signal.SIGINT
    except BaseException:
        traceback.print_exc()
        code = 1
    _end(code)


def _forget_the_server() -> None:
    import multiprocessing

    import numpy as np
    import torch

    multiprocessing.set_start_method('fork', force=True)  # as in any other process
    # What it spawns would import everything again.
    contexts = multiprocessing.context._concrete_contexts
    contexts['spawn'] = contexts['fork']
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 1)))
    torch.seed()
    np.random.seed()  # noqa: NPY002 - the global one, as after a start
    random.seed()
    sys.stdin = os.fdopen(0, closefd=False)
    for name, number in (('stdout', 1), ('stderr', 2)):
        stream = os.fdopen(number, 'w', buffering=1, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f'__{name}__', stream)


def _run(argv: list[str]) -> None:
    """``python ARGV``, where the interpreter has no options but -u."""
    words = [*argv]
    while words and words[0] == '-u':
        words.pop(0)
    kind = words[0]
    extra = os.environ.get('PYTHONPATH', '').split(os.pathsep)
    sys.path[:0] = [path for path in extra if path]
    if kind == '-m':
        sys.argv = words[1:]
        sys.path.insert(0, os.getcwd())
        sys.modules.pop(words[1], None)
        runpy.run_module(words[1], run_name='__main__', alter_sys=True)
    elif kind in ('-', '-c'):
        code = words.pop(1) if kind == '-c' else sys.stdin.read()
        sys.argv = words
        sys.path.insert(0, '')
        exec(compile(code, '<string>', 'exec'), {'__name__': '__main__'})
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(kind).resolve().parent))
        runpy.run_path(kind, run_name='__main__')


def _end(code: int) -> NoReturn:
    """As an interpreter ends; a fork would leave out what `atexit` knows."""
    import threading
    from multiprocessing import util

    threading._shutdown()
    util._exit_function()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
