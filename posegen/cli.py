"""The command ``posegen``: arguments and which function does the work.

Nothing heavy is imported before a command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from posegen import __version__
from posegen.utils.errors import PosegenError, Preempted
from posegen.utils.processes import (
    let_first_speak,
    lost_process,
    process_rank,
    wait_for_end,
)
from posegen.utils.sizes import parse_size
from posegen.utils.startup import prepare_process

USER_ERROR = 2
# Another process of the group has ended, with a reason of its own.
LOST = 1
INTERRUPTED = 130
# What a shell calls a process that SIGTERM ended.
PREEMPTED = 143


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments; those of the process by default.

    Returns:
        The exit code: 0; 2 for an error that the user can mend, which is printed as one
        line (``--debug`` or the environment variable ``POSEGEN_DEBUG=1`` shows where it
        came from); 143 for a training that SIGTERM ended, after saving its state; 1 for
        a process of several that cannot go on because another one has ended.
    """
    prepare_process()
    args = make_parser().parse_args(argv)
    _see_current_folder()
    try:
        args.command(args)
    except Preempted as error:
        if os.environ.get('RANK', '0') == '0':
            sys.stderr.write(f'posegen: {error}\n')
        return PREEMPTED
    except Exception as error:
        return _explain(error, args.debug or os.environ.get('POSEGEN_DEBUG') == '1')
    except KeyboardInterrupt:
        if process_rank() == 0:
            sys.stderr.write('posegen: interrupted\n')
        return INTERRUPTED
    return 0


def _explain(error: Exception, debug: bool) -> int:
    """Print an error that the user can mend in a line; raise another one again."""
    rank = process_rank()
    if lost_process(error):
        if debug:
            traceback.print_exception(error)
        sys.stderr.write(
            f'posegen: process {rank} stops, since another one has ended; what that '
            'one said is the reason\n'
        )
        sys.stderr.flush()
        wait_for_end()
        return LOST
    let_first_speak()
    if not isinstance(error, PosegenError):
        raise error
    if debug:
        traceback.print_exception(error)
    where = f' (process {rank})' if rank else ''
    sys.stderr.write(f'posegen: error{where}: {error}\n')
    return USER_ERROR


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog='posegen', description='Pose-guided person image generation.'
    )
    parser.add_argument('--version', action='version', version=f'posegen {__version__}')
    commands = parser.add_subparsers(title='commands', required=True, metavar='COMMAND')
    for name, (add_arguments, command, text) in _COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=text)
        add_arguments(sub)
        sub.add_argument(
            '--debug', action='store_true', help='show where an error came from'
        )
        sub.set_defaults(command=command)
    return parser


def _see_current_folder() -> None:
    """Find the modules of ``custom_imports`` beside where the command is run."""
    folder = os.getcwd()
    if folder not in sys.path and '' not in sys.path:
        sys.path.insert(0, folder)


# -- train, test -----------------------------------------------------------------------


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        metavar='KEY=VALUE',
        help='changes to the config, as in train_dataloader.batch_size=4 or '
        'stages.full.train_cfg.max_iters=100',
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument(
        '--work-dir', metavar='DIR', help='default: work_dirs/<name of the config>'
    )
    parser.add_argument(
        '--launcher',
        choices=('none', 'pytorch', 'slurm', 'mpi'),
        help='who starts the processes; pytorch means torchrun (default: none)',
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on where the work dir stopped, or from a checkpoint',
    )
    parser.add_argument('--stage', metavar='NAME', help='train this stage only')
    parser.add_argument(
        '--amp',
        nargs='?',
        const='bf16',
        choices=('bf16', 'fp16'),
        help='mixed precision (default: bf16; fp16 needs a GPU)',
    )


def _train(args: argparse.Namespace) -> None:
    runner = _make_runner(args, amp=args.amp)
    runner.train(stage=args.stage, resume=args.resume or False)


def _add_test(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument('checkpoint', help='weights to test')
    parser.add_argument(
        '--out', metavar='DIR', help='write <from stem>___<to stem>.png for each pair'
    )
    parser.add_argument(
        '--stage',
        metavar='NAME',
        help='stage whose model to test; default: the one that wrote the checkpoint',
    )


def _test(args: argparse.Namespace) -> None:
    from posegen.engine.summary import print_metrics

    runner = _make_runner(args)
    metrics = runner.test(args.checkpoint, out=args.out, stage=args.stage)
    if os.environ.get('RANK', '0') == '0':
        print_metrics(metrics, title=str(args.checkpoint))


def _make_runner(args: argparse.Namespace, amp: str | None = None):
    from posegen.engine import StagedRunner, load_config
    from posegen.engine.config import use_amp

    cfg = load_config(args.config, args.cfg_options)
    for name in ('launcher', 'work_dir'):
        if getattr(args, name) is not None:
            cfg[name] = getattr(args, name)
    if amp:
        use_amp(cfg, amp)
    return StagedRunner.from_cfg(cfg)


# -- infer, evaluate -------------------------------------------------------------------


def _add_infer(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--model',
        default='limbwarp',
        metavar='NAME|CONFIG|FILE',
        help='see list-models; a published .safetensors file has its config inside '
        '(default: limbwarp)',
    )
    parser.add_argument(
        '--weights',
        metavar='FILE',
        help="default: those of the model; 'random' to see the plumbing only",
    )
    parser.add_argument('--source', required=True, metavar='IMAGE', help='the person')
    parser.add_argument(
        '--source-pose', metavar='JSON|NAME', help='joints of the source'
    )
    parser.add_argument(
        '--pose', required=True, metavar='JSON|NAME', help='the pose to put it into'
    )
    parser.add_argument(
        '--annotations',
        metavar='CSV',
        help='annotation file; a pose may then be the name of an image in it',
    )
    parser.add_argument(
        '--annotation-size',
        type=parse_size,
        metavar='HxW',
        help='size that the annotations refer to, if not that of the images',
    )
    for option, whose in (('--pose-size', 'pose'), ('--source-pose-size', 'source')):
        parser.add_argument(
            option,
            type=parse_size,
            metavar='HxW',
            help=f'size of the picture that the joints of the {whose} were found in '
            '(default: what their file states, else that of the source)',
        )
    parser.add_argument(
        '--min-score',
        type=float,
        metavar='S',
        help='joints of json files with a lower confidence become missing (0.05)',
    )
    parser.add_argument('--out', required=True, metavar='FILE', help='png or jpg')
    parser.add_argument('--seed', type=int, help='for models that draw random numbers')
    parser.add_argument('--device', metavar='NAME', help='cpu, cuda, cuda:1, ...')


def _infer(args: argparse.Namespace) -> None:
    from posegen.apis.infer_cli import run

    run(args)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--generated',
        required=True,
        nargs='+',
        metavar='[NAME=]DIR',
        help='folders of results, named in any published way',
    )
    parser.add_argument(
        '--real', required=True, metavar='DIR', help='images of the test set'
    )
    parser.add_argument(
        '--fid-real', metavar='DIR', help='other real images for Frechet distances'
    )
    parser.add_argument(
        '--annotations', metavar='CSV', help='joints, where a protocol needs masks'
    )
    parser.add_argument(
        '--truth',
        metavar='DIR',
        help='ground truth of the pairs, as of synthetic people, for hue_correlation',
    )
    parser.add_argument(
        '--protocol',
        nargs='+',
        default=['posegen'],
        metavar='NAME',
        help="how to compute the numbers; 'all' for every one, which also says where "
        'and why they disagree (default: posegen)',
    )
    parser.add_argument(
        '--offline-features',
        action='store_true',
        help='download nothing; metrics on networks whose weights come inside packages',
    )
    parser.add_argument(
        '--copy-source', action='store_true', help='add a row for the source as it is'
    )
    parser.add_argument(
        '--jpeg-round-trip',
        action='store_true',
        help='make results jpeg files first where the code of a protocol did',
    )
    parser.add_argument(
        '--naming',
        metavar='SCHEME',
        help='how results are named (default: found out for each folder)',
    )
    parser.add_argument(
        '--processes',
        type=int,
        metavar='N',
        help='that share the work, with the same numbers (default: one per core)',
    )
    parser.add_argument(
        '--slices',
        action='store_true',
        help='also print scores by pose distance, by what the source shows, and by '
        'part of the body; needs --annotations',
    )
    parser.add_argument(
        '--json', metavar='FILE', help='write the table, and what it was made from'
    )
    parser.add_argument('--per-pair', metavar='CSV', help='write what each pair got')
    parser.add_argument(
        '--sheet', metavar='FILE', help='write pictures of best, median and worst pairs'
    )
    parser.add_argument(
        '--sheet-by',
        default='ssim',
        metavar='METRIC',
        help='what the sheet is sorted by (default: ssim)',
    )


def _evaluate(args: argparse.Namespace) -> None:
    from posegen.evaluation.cli import run

    run(args)


# -- the rest --------------------------------------------------------------------------


def _add_print_config(parser: argparse.ArgumentParser) -> None:
    _add_config(parser)
    parser.add_argument(
        '--stage', metavar='NAME', help='merged and completed, as this stage runs it'
    )


def _print_config(args: argparse.Namespace) -> None:
    from posegen.engine import StagedRunner, load_config

    cfg = load_config(args.config, args.cfg_options)
    runner = StagedRunner.from_cfg(cfg)
    shown = runner.stage_config(args.stage) if args.stage else cfg
    sys.stdout.write(shown.pretty_text)


def _add_list_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('pattern', nargs='?', default='*', help="as in 'spig*'")
    parser.add_argument(
        '--weights',
        action='store_true',
        help='only those whose weights come with posegen or can be downloaded',
    )


def _list_models(args: argparse.Namespace) -> None:
    from posegen.apis import list_models

    for name in list_models(args.pattern, args.weights):
        sys.stdout.write(f'{name}\n')


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    pass


def _env(args: argparse.Namespace) -> None:
    from posegen.utils.env import describe_env

    env = describe_env()
    width = max(map(len, env))
    for name, value in env.items():
        sys.stdout.write(f'{name:<{width}} {value}\n')


_Entry = tuple[
    Callable[[argparse.ArgumentParser], None],
    Callable[[argparse.Namespace], None],
    str,
]
_COMMANDS: dict[str, _Entry] = {
    'train': (_add_train, _train, 'Train a model through the stages of a config.'),
    'test': (_add_test, _test, 'Run the test set through trained weights.'),
    'infer': (_add_infer, _infer, 'Put a person into a pose.'),
    'evaluate': (_add_evaluate, _evaluate, 'Score folders of generated images.'),
    'print-config': (_add_print_config, _print_config, 'Check and show a config.'),
    'list-models': (_add_list_models, _list_models, 'List the models with a config.'),
    'env': (_add_nothing, _env, 'Show versions and devices, for bug reports.'),
}

if __name__ == '__main__':
    sys.exit(main())
