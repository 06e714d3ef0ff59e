"""Job ids: 16 characters of ``a``-``z``, ``2``-``7`` (base32, RFC 4648, in lower case)."""

from __future__ import annotations

import base64
import hashlib

RANDOM_BYTES = 10
"""80 bits: 16 characters of base32."""


def job_id_of(random: bytes) -> str:
    """Write ``RANDOM_BYTES`` bytes as a job id."""
    return base64.b32encode(random[:RANDOM_BYTES]).decode().lower()


def adopted_job_id(instance_id: str, key: str) -> str:
    """Return the id of an adopted job: the same identity is the same job, however often seen."""
    return job_id_of(hashlib.sha256(f"{instance_id}\0{key}".encode()).digest())
