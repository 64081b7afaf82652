"""Where images may lie, and what worker processes share."""

from __future__ import annotations

import json
import re
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine import fileio
from mmengine.fileio.backends import BaseStorageBackend, LocalBackend
from torch.utils.data import DataLoader, Subset

from posegen.datasets import PosePairDataset, write_pairs
from posegen.datasets.annotations import ANNOTATION_HEADER
from posegen.utils.errors import DataError
from tests.helpers.pair_set import write_pair_set

LARGE = 100_000
IMAGE_KEYS = ('source_image', 'target_image', 'flow')


@pytest.fixture
def pair_set(tmp_path):
    return write_pair_set(tmp_path, num_people=3, size=(64, 48), truth=True)


def assert_same(dataset: PosePairDataset, pair_set: dict, workers: int = 0) -> None:
    """Every sample is that of the local disk."""
    local = PosePairDataset(**pair_set)
    assert len(dataset) == len(local) == 6
    loader = DataLoader(dataset, batch_size=None, num_workers=workers)
    for sample, expected in zip(loader, local, strict=True):
        assert sample['source_name'] == expected['source_name']
        assert all(torch.equal(sample[key], expected[key]) for key in IMAGE_KEYS)


def read_all(folder: str | Path) -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


class Shelf(BaseStorageBackend):
    """A store of keys and bytes that can do nothing else."""

    shelves: dict[str, dict[str, bytes]] = {}

    def __init__(self, name: str) -> None:
        self.name_of_shelf = name

    def get(self, filepath: str) -> bytes | None:
        return self.shelves[self.name_of_shelf].get(filepath)

    def get_text(self, filepath: str, encoding: str = 'utf-8') -> str:
        return self.get(filepath).decode(encoding)


class Counting(LocalBackend):
    """A local disk that counts."""

    reads = 0

    def get(self, filepath: str) -> bytes:
        type(self).reads += 1
        return super().get(filepath)


@pytest.fixture(autouse=True)
def backends():
    fileio.register_backend('shelf', Shelf, force=True)
    fileio.register_backend('counting', Counting, force=True)
    Shelf.shelves, Counting.reads = {}, 0


def test_local_backend(pair_set):
    args = {'backend': 'local'}
    assert_same(PosePairDataset(**pair_set, backend_args=args), pair_set)


def test_every_file_is_read_through_a_backend_of_your_own(pair_set):
    dataset = PosePairDataset(**pair_set, backend_args={'backend': 'counting'})
    assert Counting.reads == 2, 'annotation and pairs'
    dataset[0]
    assert Counting.reads == 5, 'two images and the truth'


@pytest.mark.parametrize('workers', [0, 1])
def test_store_that_cannot_list(pair_set, workers):
    Shelf.shelves['a'] = read_all(pair_set['data_root'])
    args = {'backend': 'shelf', 'name': 'a'}
    dataset = PosePairDataset(**pair_set | {'data_root': ''}, backend_args=args)
    assert_same(dataset, pair_set, workers)


def test_missing_keys_are_named_when_read(pair_set):
    Shelf.shelves['b'] = read_all(pair_set['data_root'])
    del Shelf.shelves['b']['train/0000_0.png']
    args = {'backend': 'shelf', 'name': 'b'}
    pair_set['data_root'] = ''
    dataset = PosePairDataset(**pair_set, backend_args=args)
    with pytest.raises(DataError, match='train/0000_0.png cannot be read: .*no such k'):
        dataset[0]
    skipping = PosePairDataset(**pair_set, backend_args=args, on_error='skip')
    assert skipping[0]['source_name'] == '0001_0.png'


def test_lmdb(pair_set, tmp_path):
    lmdb = pytest.importorskip('lmdb')
    store = lmdb.open(str(tmp_path / 'store'), map_size=1 << 26)
    with store.begin(write=True) as transaction:
        for name, data in read_all(pair_set['data_root']).items():
            if not name.startswith('store'):
                transaction.put(name.encode(), data)
    store.close()
    args = {'backend': 'lmdb', 'db_path': str(tmp_path / 'store')}
    dataset = PosePairDataset(**pair_set | {'data_root': ''}, backend_args=args)
    for workers in (0, 2):
        assert_same(dataset, pair_set, workers)


@pytest.fixture
def server(pair_set):
    """Address of the data folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = partial(Quiet, directory=pair_set['data_root'])
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()


@pytest.mark.parametrize('args', [None, {'backend': 'http'}])
def test_http(pair_set, server, args):
    dataset = PosePairDataset(**pair_set | {'data_root': server}, backend_args=args)
    assert_same(dataset, pair_set)


def test_what_a_server_does_not_have(pair_set, server):
    dataset = PosePairDataset(**pair_set | {'data_root': server})
    (Path(pair_set['data_root']) / 'train/0000_0.png').unlink()
    with pytest.raises(DataError, match='train/0000_0.png cannot be read: .*404'):
        dataset[0]
    with pytest.raises(DataError, match='none.csv cannot be read'):
        PosePairDataset(**pair_set | {'data_root': server, 'pair_file': 'none.csv'})


@pytest.fixture(scope='module')
def large_set(tmp_path_factory):
    """100,000 annotated images, each in one pair, and two pictures."""
    root = tmp_path_factory.mktemp('large')
    small = write_pair_set(root, num_people=1, size=(64, 48))
    rng = np.random.default_rng(0)
    rows = [json.dumps(row.tolist()) for row in rng.integers(0, 256, (1000, 18))]
    names = [f'WOMEN_Tees_id{i:08d}_{i % 7}.png' for i in range(LARGE)]
    places = rng.integers(0, 1000, (LARGE, 2)).tolist()
    lines = [f'{n}: {rows[a]}: {rows[b]}' for n, (a, b) in zip(names, places)]
    text = '\n'.join([ANNOTATION_HEADER, *lines])
    (root / 'large.csv').write_text(text)
    write_pairs(root / 'pairs.csv', zip(names, names[1:] + names[:1]))
    store = {f'train/{name}': b'' for name in names}
    store |= {f: (root / f).read_bytes() for f in ('large.csv', 'pairs.csv')}
    return small | {'annotation_file': 'large.csv', 'pair_file': 'pairs.csv'}, store


@pytest.fixture
def large(large_set):
    arguments, store = large_set
    Shelf.shelves['large'] = store
    args = {'backend': 'shelf', 'name': 'large'}
    return partial(PosePairDataset, **arguments | {'data_root': ''}, backend_args=args)


def test_a_large_annotation_is_read_soon(large):
    before = time.process_time()
    dataset = large()
    used = time.process_time() - before
    assert len(dataset) == LARGE
    assert dataset.pair_names(99_999)[1] == 'WOMEN_Tees_id00000000_0.png'
    # 0.8 s on a quiet core; the bound leaves room for a slow one.
    assert used < 6


def test_what_is_pickled_to_a_worker_is_addresses(large):
    dataset = large()
    assert len(ForkingPickler.dumps(dataset)) < 20_000
    copy = ForkingPickler.loads(ForkingPickler.dumps(dataset))
    assert copy.pair_names(12_345) == dataset.pair_names(12_345)
    copy._keypoints[7] = 5
    assert (dataset._keypoints[7] == 5).all(), 'the same memory'


def own_memory(results: dict) -> int:
    """Bytes that this process alone holds."""
    text = Path('/proc/self/smaps_rollup').read_text()
    kinds = re.findall(r'^Private_\w+: +(\d+) kB', text, re.MULTILINE)
    return 1024 * sum(map(int, kinds))


def touch(results: dict) -> dict:
    """What a transform reads of the annotation."""
    assert results['source_name'].startswith('WOMEN')
    results['source_keypoints'] + results['target_keypoints']
    return results


@pytest.mark.skipif(
    not Path('/proc/self/smaps_rollup').exists(), reason='needs Linux memory maps'
)
def test_forked_workers_copy_nothing(large):
    """A worker that has read pairs all over holds no more than after the first few."""
    arrays = 1e6 * 25
    dataset = large(pipeline=[touch, measure_now_and_then])
    every_page = Subset(dataset, range(0, LARGE, 5))
    loader = DataLoader(every_page, LARGE // 50, num_workers=1, collate_fn=max)
    sizes = list(loader)
    assert len(sizes) == 10 and all(sizes)
    assert sizes[-1] - sizes[0] < 0.2 * arrays


def measure_now_and_then(results: dict) -> int:
    return own_memory(results) if results['index'] % (LARGE // 10) == 1000 else 0
