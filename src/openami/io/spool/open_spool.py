"""A spool as a setting names it: a folder, or a stream in NATS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openami.io.disk import Disk
from openami.io.spool.file_spool import FileSpool
from openami.io.spool.spool import Spool
from openami.model.errors import SettingError

NATS = "nats://"


def open_spool(
    where: str, folder: Path, *, disk: Disk, random: Callable[[int], bytes], limit_bytes: int, replicas: int
) -> Spool:
    """The spool at `where`: `nats://host:port/STREAM`, kept by `replicas` servers, or a folder below `folder`.

    Raises `SettingError` if the extra `nats` is not installed.
    """
    if not where.startswith(NATS):
        return FileSpool(folder / where, disk=disk, random=random, limit_bytes=limit_bytes)
    try:
        from openami.io.spool.jetstream_spool import JetStreamSpool
    except ModuleNotFoundError as error:
        raise SettingError(f"a spool in NATS needs: pip install 'openami[nats]' ({error})") from error
    return JetStreamSpool(where, random=random, limit_bytes=limit_bytes, replicas=replicas)
