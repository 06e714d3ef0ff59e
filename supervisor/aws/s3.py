"""What lies in S3 under a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from supervisor.aws.api import Api
from supervisor.aws.errors import AwsError, RefusedError

_PAGES = 100
"""Of 1,000 keys each (ListObjectsV2): a job's own place holds fewer."""


@dataclass(frozen=True, slots=True)
class S3Object:
    """One object, by its name below the place that was asked about."""

    name: str
    size: int
    last_modified: float


class S3:
    """Reads of S3."""

    def __init__(self, api: Api) -> None:
        """Call through ``api``."""
        self._api = api

    async def newest(self, uri: str) -> S3Object | None:
        """Return the newest object below ``s3://bucket/prefix/``, ``None`` where there is none.

        Below ``…/run1`` lies ``…/run1/a``, not ``…/run10/a``. The empty objects that consoles make
        for folders count for nothing.

        Raises:
            AwsError: S3 could not be asked, or there is too much to find the newest.

        """
        bucket, prefix = _place(uri)
        newest: S3Object | None = None
        token: dict[str, Any] = {}
        for _ in range(_PAGES):
            page = await self._api.call("ListObjectsV2", Bucket=bucket, Prefix=prefix, **token)
            for item in page.get("Contents", ()):
                found = _object(item, prefix)
                if found.name.endswith("/") or not found.name:
                    continue
                if newest is None or found.last_modified > newest.last_modified:
                    newest = found
            if not page.get("IsTruncated"):
                return newest
            token = {"ContinuationToken": page["NextContinuationToken"]}
        raise AwsError(
            f"the newest object below {uri} is not known",
            f"more than {_PAGES * 1000} objects lie there",
            ("Give each job a place of its own:   jobctl launch --s3-uri",),
        )


def _place(uri: str) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise RefusedError(f"S3 was not asked about {uri}", "it is not of the form s3://BUCKET/…")
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    return bucket, prefix


def _object(item: Mapping[str, Any], prefix: str) -> S3Object:
    name = str(item["Key"]).removeprefix(prefix)
    return S3Object(name, int(item["Size"]), item["LastModified"].timestamp())
