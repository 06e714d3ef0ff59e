"""Who is at the other end: the kernel says the uid, the host's databases the rest."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from socket import SO_PEERCRED, SOL_SOCKET
from typing import Any

from supervisor.config import Control
from supervisor.domain.access import Caller, Identity, Rules, role_of
from supervisor.domain.model import Actor

_UCRED = struct.Struct("3i")
"""struct ucred: pid, uid, gid (unix(7))."""
_REMEMBERED_SECONDS = 30.0
"""A change of groups counts after this time; a lookup may ask a directory server."""
_REMEMBERED_USERS = 1024


@dataclass(frozen=True, slots=True)
class Peer:
    """The process that connected, as the kernel knew it at that time."""

    pid: int
    uid: int
    gid: int


def peer_of(sock: Any) -> Peer:
    """Ask the kernel who is at the other end of a Unix socket."""
    return Peer(*_UCRED.unpack(sock.getsockopt(SOL_SOCKET, SO_PEERCRED, _UCRED.size)))


def rules_of(control: Control) -> Rules:
    """Take from the configuration who may what."""
    return Rules(control.readers, control.operators, control.admins)


class Access:
    """Turns peers into callers with a role."""

    def __init__(self, rules: Rules, clock: Callable[[], float] = time.monotonic) -> None:
        """Decide by ``rules``; they may be replaced."""
        self.rules = rules
        self._clock = clock
        self._known: dict[tuple[int, int], tuple[float, Identity]] = {}

    async def caller(self, peer: Peer) -> Caller:
        """Find out a peer's name, groups and role."""
        identity = await self._identity(peer)
        actor = Actor(uid=peer.uid, pid=peer.pid, user=identity.name)
        return Caller(actor, role_of(identity, self.rules))

    async def _identity(self, peer: Peer) -> Identity:
        key = (peer.uid, peer.gid)
        until, identity = self._known.get(key, (0.0, None))
        if identity is None or until < self._clock():
            identity = await asyncio.to_thread(look_up, peer.uid, peer.gid)
            if len(self._known) >= _REMEMBERED_USERS:
                self._known.clear()
            self._known[key] = (self._clock() + _REMEMBERED_SECONDS, identity)
        return identity


def look_up(uid: int, gid: int) -> Identity:
    """Ask the host's databases for a user's name and groups. It may block."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        # No such user is known here: the numbers alone count.
        return Identity(uid, str(uid), _named([gid]))
    gids = [gid, *os.getgrouplist(entry.pw_name, entry.pw_gid)]
    return Identity(uid, entry.pw_name, _named(gids))


def _named(gids: list[int]) -> frozenset[str]:
    found: set[str] = set()
    for gid in gids:
        found.add(str(gid))
        with suppress(KeyError):  # a group without a name has its number
            found.add(grp.getgrgid(gid).gr_name)
    return frozenset(found)
