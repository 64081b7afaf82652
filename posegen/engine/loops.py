"""A training loop that resumes at its place in the data."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader

from posegen.datasets.draws import number_draws
from posegen.engine.finite import as_numbers, stop_run
from posegen.engine.random_state import preserved
from posegen.registry import LOOPS
from posegen.utils.errors import DataError, NonFiniteError

#: A collated batch, or several of them.
Data = Mapping[str, Any] | list[Mapping[str, Any]]


@LOOPS.register_module()
class ResumableIterLoop(BaseLoop):
    """Iteration-based training; what ``train_cfg=dict(by_epoch=False)`` stands for.

    It differs from MMEngine's ``IterBasedTrainLoop`` in these points:

    - resumed at iteration n, it goes on with the samples that would have come next,
      and reads none of those before (MMEngine reads all of them again);
    - validation leaves the random generators of training as they were, so that a run
      is the same whether or not it was interrupted around a validation;
    - a validation that was due when the run was killed is made up for;
    - an iteration may take several batches, whose gradients are accumulated;
    - gradients that are not finite end it before they reach the weights, with the
      state saved.

    Args:
        runner: The runner.
        dataloader: The dataloader or its config.
        max_iters: Iterations in all; each is one step of every optimizer.
        val_interval: Iterations between validations; the last is always validated.
        val_begin: First iteration that may be validated.
        accumulate: Batches of an iteration. Above 1, the model's ``train_step`` is
            given a list of them, and its step is that of one batch that holds them all.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_interval: int = 1000,
        val_begin: int = 1,
        accumulate: int = 1,
    ) -> None:
        super().__init__(runner, dataloader)
        numbers = dict(
            max_iters=max_iters, val_interval=val_interval, accumulate=accumulate
        )
        for name, value in numbers.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(f'{name} must be a whole number >= 1, got {value!r}')
        self.max_iters = max_iters
        self.max_epochs = 1  # MMEngine's hooks ask for it
        self.val_interval = val_interval
        self.val_begin = val_begin
        self.accumulate = accumulate
        #: Last validated iteration; set by whoever keeps the record of a run.
        self.validated_at = 0
        #: Set by MMEngine's EarlyStoppingHook.
        self.stop_training = False
        # MMEngine's Runner writes these when it resumes.
        self._epoch = 0
        self._iter = 0

    @property
    def epoch(self) -> int:
        """Passes over a finite sampler; 0 throughout with an infinite one."""
        return self._epoch

    @property
    def iter(self) -> int:
        """Iterations done."""
        return self._iter

    def run(self) -> nn.Module:
        """Train.

        Returns:
            The model.
        """
        self.runner.call_hook('before_train')
        batches = EndlessBatches(self.dataloader, self._iter * self.accumulate)
        # Hooks bring the random state back here: opening the dataloader drew from it.
        self.runner.call_hook('before_train_epoch')
        if self._iter > self.validated_at and self._validation_is_due():
            self._validate()
        while self._iter < self.max_iters and not self.stop_training:
            self.runner.model.train()
            self._run_iter(self._next(batches))
            self._epoch = batches.epoch
            if self._validation_is_due():
                self._validate()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def _next(self, batches: EndlessBatches) -> Data:
        if self.accumulate == 1:
            return next(batches)
        return list(islice(batches, self.accumulate))

    def _run_iter(self, data: Data) -> None:
        position = dict(batch_idx=self._iter, data_batch=data)
        self.runner.call_hook('before_train_iter', **position)
        outputs = as_numbers(self._step(data))
        self.runner.call_hook('after_train_iter', outputs=outputs, **position)
        self._iter += 1

    def _step(self, data: Data) -> dict[str, Tensor | float]:
        try:
            return self.runner.model.train_step(
                data, optim_wrapper=self.runner.optim_wrapper
            )
        except NonFiniteError as error:
            done = self._iter
            stop_run(self.runner, error.found, data, iteration=done + 1, done=done)

    def _validation_is_due(self) -> bool:
        if self.runner.val_loop is None or not 0 < self.val_begin <= self._iter:
            return False
        return self._iter % self.val_interval == 0 or self._iter == self.max_iters

    def _validate(self) -> None:
        with preserved():
            self.runner.val_loop.run()
        self.validated_at = self._iter


class EndlessBatches(Iterator):
    """The batches of a dataloader for ever, from any place on.

    With an infinite sampler the dataset is given indices that know their place, so that
    random transforms go on exactly as well (see :mod:`posegen.datasets.draws`).

    Args:
        dataloader: The dataloader.
        start: Batches to leave out. With an infinite sampler only their indices are
            drawn; with a finite one whole epochs are skipped and the rest of the last
            epoch is read.

    Raises:
        DataError: The dataloader has no batch at all.
    """

    def __init__(self, dataloader: DataLoader, start: int = 0) -> None:
        self.dataloader = dataloader
        self.epoch = 0
        unread = self._skip(start) if start else 0
        sampler = dataloader.batch_sampler.sampler
        if isinstance(sampler, InfiniteSampler):
            read = start * dataloader.batch_sampler.batch_size
            sampler.indices = number_draws(sampler, read)
        self._set_epoch()
        self._batches = iter(dataloader)
        if unread:
            print_log(
                f'Reading {unread} batches again to come back to the place in the '
                'epoch; an InfiniteSampler would not need it',
                'current',
                logging.WARNING,
            )
            next(islice(self._batches, unread, unread), None)

    def __next__(self) -> Any:
        batch = next(self._batches, None)
        if batch is None:
            self.epoch += 1
            self._set_epoch()
            self._batches = iter(self.dataloader)
            batch = next(self._batches, None)
        if batch is None:
            raise DataError(
                'the training set has no batch: it is empty, or drop_last=True and it '
                'is smaller than the batch'
            )
        return batch

    def _skip(self, count: int) -> int:
        """Go forward without reading; returns how many batches are left to read."""
        batch_sampler = self.dataloader.batch_sampler
        sampler = batch_sampler.sampler
        if isinstance(sampler, InfiniteSampler):
            # Iterating over the sampler itself would end its indices with the iterator.
            indices = count * batch_sampler.batch_size
            next(islice(sampler.indices, indices, indices), None)
            return 0
        self.epoch, unread = divmod(count, max(len(self.dataloader), 1))
        return unread

    def _set_epoch(self) -> None:
        sampler = self.dataloader.batch_sampler.sampler
        if hasattr(sampler, 'set_epoch'):
            sampler.set_epoch(self.epoch)
