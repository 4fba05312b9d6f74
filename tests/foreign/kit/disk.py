"""A small disk of its own, which can be filled to the last byte."""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

import pytest


@contextlib.contextmanager
def small(folder: Path, megabytes: int):
    """Mounts a disk of this size on the folder. Where that is not permitted, the test does not
    show what it should: CI fails then, and elsewhere it is skipped with the reason."""
    folder.mkdir(parents=True, exist_ok=True)
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    options = f"size={megabytes}m,mode=1777"
    mount = [*as_root, "mount", "-t", "tmpfs", "-o", options, "quadrille-test", folder]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        why = f"NOT SHOWN: a full disk. A tmpfs cannot be mounted here: {done.stderr.strip()}"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    try:
        yield folder
    finally:
        # Detached at once: whatever still has files open there is about to be killed.
        subprocess.run([*as_root, "umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Fills a disk with one file, to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(Full):
                while True:
                    _write(file, bytes(size))
    return ballast


class Full(Exception):
    """There is no room for that."""


def _write(file, data: bytes) -> None:
    try:
        if file.write(data) < len(data):
            raise Full
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise Full from error
