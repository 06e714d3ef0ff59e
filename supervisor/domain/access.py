"""Who may what: readers see, operators act where nobody else is concerned, admins do everything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from supervisor.domain.model import Actor


class Role(IntEnum):
    """What a caller may do at most; each includes the ones before."""

    NOBODY = 0
    READER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """Return the role as people read it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Rules:
    """Who has a role: each a user's name or uid, ``@group`` (or ``@gid``), or ``*`` for all."""

    readers: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()

    def of(self, role: Role) -> tuple[str, ...]:
        """Return who is named for a role itself."""
        return {
            Role.NOBODY: ("*",),
            Role.READER: self.readers,
            Role.OPERATOR: self.operators,
            Role.ADMIN: self.admins,
        }[role]

    def at_least(self, role: Role) -> tuple[str, ...]:
        """Return who is named for a role, or for a greater one."""
        return tuple(who for each in Role if each >= role for who in self.of(each))


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of this host, as its own databases know them."""

    uid: int
    name: str
    groups: frozenset[str]
    """Names and numbers of all groups, supplementary ones too."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they may do at most."""

    actor: Actor
    role: Role


def role_of(identity: Identity, rules: Rules) -> Role:
    """Return the greatest role that the rules give a user."""
    for role in (Role.ADMIN, Role.OPERATOR, Role.READER):
        if any(_names(who, identity) for who in rules.of(role)):
            return role
    return Role.NOBODY


def why_not(caller: Caller, needed: Role, owners: Iterable[int] = ()) -> str | None:
    """Say why a caller may not act on what belongs to ``owners`` (uids), or return ``None``.

    With a role above operator nobody's ownership matters; below the needed role nothing helps.
    """
    if caller.role < needed:
        return (
            f"that takes an {needed.word}" if needed is not Role.READER else "that takes a reader"
        )
    others = sorted({owner for owner in owners if owner != caller.actor.uid})
    if not others or needed <= Role.READER or caller.role is Role.ADMIN:
        return None
    whose = ", ".join("nobody that is known" if uid < 0 else f"uid {uid}" for uid in others)
    return f"it concerns a job of {whose}, and that takes an admin"


def _names(who: str, identity: Identity) -> bool:
    if who == "*":
        return True
    if who.startswith("@"):
        return who[1:] in identity.groups
    return who in (identity.name, str(identity.uid))
