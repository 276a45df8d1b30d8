"""Archives whose bytes depend on their contents alone."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FILE_MODE = 0o644


def normalize(archive: Path, seconds: int) -> None:
    """Write a ``.tgz`` of regular files anew, each with the same time, owner and mode, in order.

    Helm stamps the files of a chart package with the time at which it was run. ``seconds`` is Unix
    time.
    """
    with tarfile.open(archive) as packed:
        members = sorted(packed.getmembers(), key=lambda member: member.name)
        contents = [(member.name, _contents(packed, member)) for member in members]
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=seconds) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as anew,
    ):
        for name, content in contents:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), seconds, _FILE_MODE
            anew.addfile(member, io.BytesIO(content))


def _contents(packed: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = packed.extractfile(member)
    if file is None:
        raise ValueError(f"{member.name} in {packed.name!s} is not a regular file")
    return file.read()
