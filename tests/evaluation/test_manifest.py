"""Checksums of inputs."""

from __future__ import annotations

import hashlib
import subprocess

from posegen.evaluation.manifest import describe_images, hash_files, write_text


def _fill(folder):
    (folder / 'sub').mkdir(parents=True)
    files = [folder / 'sub' / 'b.png', folder / 'a.png']
    for file in files:
        file.write_bytes(file.name.encode())
    return files


def test_checksum_is_that_of_the_lines_of_sha256sum(tmp_path):
    files = _fill(tmp_path)
    lines = subprocess.run(
        ['sha256sum', 'a.png', 'sub/b.png'], cwd=tmp_path, capture_output=True
    ).stdout
    expected = hashlib.sha256(lines).hexdigest()
    assert hash_files(files, tmp_path) == expected
    assert describe_images(files, tmp_path) == dict(
        folder=str(tmp_path), images=2, sha256=expected
    )


def test_names_and_bytes_both_count(tmp_path):
    files = _fill(tmp_path)
    before = hash_files(files, tmp_path)
    renamed = files[1].rename(tmp_path / 'c.png')
    assert hash_files([files[0], renamed], tmp_path) != before
    back = renamed.rename(tmp_path / 'a.png')
    assert hash_files([files[0], back], tmp_path) == before
    back.write_bytes(b'other')
    assert hash_files([files[0], back], tmp_path) != before


def test_text_is_written_whole(tmp_path):
    write_text(tmp_path / 'deep' / 'x.json', 'one')
    write_text(tmp_path / 'deep' / 'x.json', 'two')
    assert [file.read_text() for file in (tmp_path / 'deep').iterdir()] == ['two']
