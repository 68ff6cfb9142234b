"""The copy elsewhere: any S3-compatible storage named by BACKUP_S3_*. Each file is uploaded with its SHA-256 and then
compared with what the storage says it holds.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import boto3
import environ
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from core.backup import shelf
from core.backup.server import first_line
from core.errors import BackupFailed

MARK = "uploaded.txt"  # beside a backup: the bucket that holds it
_ERRORS = (Boto3Error, BotoCoreError, ClientError)
# One request up to 4 GiB, so that the storage answers with the hash of the whole file.
_TRANSFER = TransferConfig(multipart_threshold=4 * 2**30, multipart_chunksize=512 * 2**20, max_concurrency=2)


@dataclass
class Bucket:
    """One bucket, below one prefix."""

    name: str
    prefix: str
    endpoint: str | None
    region: str | None
    keys: tuple[str, str] | None

    @classmethod
    def configured(cls) -> Self | None:
        """From BACKUP_S3_BUCKET, _PREFIX, _ENDPOINT, _REGION, _ACCESS_KEY, _SECRET_KEY; None without a bucket."""
        env = environ.Env()
        name, prefix, endpoint, region, access, secret = (
            env.str(f"BACKUP_S3_{part}", default="").strip()
            for part in ("BUCKET", "PREFIX", "ENDPOINT", "REGION", "ACCESS_KEY", "SECRET_KEY")
        )
        if not name:
            return None
        if bool(access) != bool(secret):
            raise BackupFailed("Give both BACKUP_S3_ACCESS_KEY and BACKUP_S3_SECRET_KEY, or neither.")
        prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        return cls(name, prefix, endpoint or None, region or None, (access, secret) if access else None)

    @property
    def address(self) -> str:
        """For people."""
        return f"s3://{self.name}/{self.prefix}"

    @cached_property
    def _client(self) -> Any:
        access, secret = self.keys or (None, None)
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "max_attempts": 3},
            s3={"addressing_style": "path"} if self.endpoint else {},
        )
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region or "us-east-1",
            aws_access_key_id=access,
            aws_secret_access_key=secret,
            config=config,
        )

    def catch_up(self, folders: list[Path], newest: Path) -> list[str]:
        """Upload every backup not marked as held by this bucket: the one just made, and those of failed nights."""
        waiting = [folder for folder in folders if not self._is_marked(folder)]
        try:
            for folder in waiting:
                self._upload(folder)
        except _ERRORS as error:
            reason = first_line(error)
        except BackupFailed as error:
            reason = str(error)
        else:
            return [folder.name for folder in waiting]
        raise BackupFailed(f"The backup is in {newest}, but not in {self.address}: {reason}")

    def _is_marked(self, folder: Path) -> bool:
        mark = folder / MARK
        return mark.exists() and mark.read_text().strip() == self._mark()

    def _mark(self) -> str:
        return f"{self.endpoint or 'AWS'} {self.address}"

    def _upload(self, folder: Path) -> None:
        """The manifest last: a backup with a manifest is whole there, too."""
        names = [*sorted(shelf.read_manifest(folder)["files"]), shelf.MANIFEST]
        for name in names:
            self._put(folder / name, f"{self.prefix}{folder.name}/{name}")
        (folder / MARK).write_text(self._mark() + "\n")

    def _put(self, path: Path, key: str) -> None:
        expected = shelf.sha256(path)
        extra = {"ChecksumAlgorithm": "SHA256", "Metadata": {"sha256": expected}}
        self._client.upload_file(str(path), self.name, key, ExtraArgs=extra, Config=_TRANSFER)
        if self._held(key, path.stat().st_size) != expected:
            raise BackupFailed(f"{key} arrived damaged")

    def _held(self, key: str, size: int) -> str:
        """SHA-256 of what the storage holds: as it says, or, where it does not say, of what it gives back."""
        head = self._client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        if head["ContentLength"] != size:
            return ""
        said = head.get("ChecksumSHA256", "-")
        if "-" not in said:  # else the hash of hashes of a large file in parts
            return base64.b64decode(said).hex()
        digest = hashlib.sha256()
        for block in self._client.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(2**20):
            digest.update(block)
        return digest.hexdigest()

    def prune(self, now: datetime) -> list[str]:
        """Remove what is older than ten years. Returns the names."""
        removed = set()
        try:
            for name, key in list(self._keys()):
                if shelf.is_over(name, now):
                    self._client.delete_object(Bucket=self.name, Key=key)
                    removed.add(name)
        except _ERRORS as error:
            raise BackupFailed(f"What is older than ten years stays in {self.address}: {first_line(error)}") from None
        return sorted(removed)

    def _keys(self) -> Iterator[tuple[str, str]]:
        """(name of the backup, key) of what lies below the prefix and is ours."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=self.prefix):
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(self.prefix).partition("/")[0]
                try:
                    shelf.moment_of(name)
                except ValueError:
                    continue
                yield name, item["Key"]
