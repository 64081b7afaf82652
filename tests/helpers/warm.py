"""A Python that has imported everything already, for commands that start others.

Importing takes longer than most of what tests do with a command. So `python()` is a
small program, which stands in for the interpreter: it hands its arguments, folder,
environment and open files to a server, which forks itself and runs the script there. It
passes signals on and ends as the fork ends, by the same code or signal; when it is
killed, so is the fork.

What a script does is the same but for what depends on a fresh interpreter. Modules are
imported, among them the components of these tests; the variables that libraries read
when they are imported have been read, and all forks hash alike; processes that it
spawns are forks; its parent is not who started it. Tests that are about such things
take `sys.executable`. So does all where there is a GPU, which a fork cannot use once
its parent has looked for one.
"""

from __future__ import annotations

import atexit
import functools
import json
import multiprocessing
import os
import random
import runpy
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import connection, util
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch

from tests.helpers.forked import ROOT, fork

_CLIENT = """\
#!{python} -SE
import json, os, signal, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
argv = {first!r} + sys.argv[1:]
said = json.dumps([argv, os.getcwd(), dict(os.environ)]).encode()
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


@functools.cache
def folder() -> Path:
    """A folder for ``PATH`` with ``python``, ``python3`` and ``posegen``."""
    installed = Path(sys.executable).parent
    if torch.cuda.is_available():
        return installed
    path = Path(tempfile.mkdtemp(prefix='warm'))
    address = path / 'server'
    server = fork(_serve, str(address))
    atexit.register(server.kill)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    while not address.exists():
        assert server.is_alive()
        time.sleep(0.01)
    programs = dict(python=[], python3=[], posegen=[str(installed / 'posegen')])
    for name, first in programs.items():
        program = path / name
        program.write_text(
            _CLIENT.format(python=sys.executable, address=str(address), first=first)
        )
        program.chmod(0o755)
    return path


def python() -> str:
    """Path of a program to start in place of ``sys.executable``."""
    return str(folder() / 'python')


def variables() -> dict[str, str]:
    """By which the scripts of tools/ and torchrun find the Python that they start."""
    return dict(PYTHON=python(), PYTHON_EXEC=python())


# -- the server ------------------------------------------------------------------------


def _serve(address: str) -> None:
    """Fork for each client, until the process that started this one has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the handlers
    inside = (sys.prefix, sys.base_prefix, str(ROOT))
    sys.path[:] = [path for path in sys.path if path.startswith(inside)]
    owner = multiprocessing.parent_process().sentinel
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f'{address}.new')
    listener.listen(64)
    os.rename(f'{address}.new', address)
    while owner not in connection.wait([listener, owner]):
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            try:
                _handle(client)
            finally:
                os._exit(1)
        client.close()
    shutil.rmtree(Path(address).parent, ignore_errors=True)


def _handle(client: socket.socket) -> None:
    """Run what a client asks for, in a child, and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, files, _, _ = socket.recv_fds(client, 4, 3)
    (size,) = struct.unpack('!I', header)
    said = client.makefile('rb').read(size)
    request = json.loads(said)
    child = os.fork()
    if child == 0:
        client.close()
        _become(files, *request)
    for file in files:
        os.close(file)
    with suppress(OSError):
        client.sendall(struct.pack('!i', child))
    ended = os.pidfd_open(child)
    ready, _, _ = select.select([ended, client], [], [])
    if ended not in ready:  # the client is gone
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        client.sendall(struct.pack('!i', os.waitstatus_to_exitcode(status)))


# -- its child -------------------------------------------------------------------------


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
    _forget_the_server(argv)
    code, deadly = 0, None
    try:
        _run(argv)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        deadly = signal.SIGINT
    except BaseException:
        traceback.print_exc()
        code = 1
    _end(code & 255, deadly)


def _forget_the_server(argv: Sequence[str]) -> None:
    multiprocessing.process._parent_process = None
    multiprocessing.set_start_method('fork', force=True)  # as in any other process
    # What it spawns would import everything again.
    contexts = multiprocessing.context._concrete_contexts
    contexts['spawn'] = contexts['fork']
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', 1)))
    torch.seed()
    np.random.seed()  # noqa: NPY002 - the global one, as after a start
    random.seed()
    at_once = argv[0] == '-u' or bool(os.environ.get('PYTHONUNBUFFERED'))
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, 'w', buffering=1 if at_once else -1, closefd=False)
    sys.stderr = os.fdopen(2, 'w', 1, errors='backslashreplace', closefd=False)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr


def _run(argv: Sequence[str]) -> None:
    """``python ARGV``, where the interpreter has no options but -u."""
    words = [*argv]
    if words[0] == '-u':
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


def _end(code: int, deadly: signal.Signals | None) -> NoReturn:
    """As an interpreter ends; a fork would leave out what `atexit` knows."""
    threading._shutdown()
    util._exit_function()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if deadly is not None:
        signal.signal(deadly, signal.SIG_DFL)
        os.kill(os.getpid(), deadly)
    os._exit(code)
