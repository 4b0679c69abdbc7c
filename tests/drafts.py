"""Drafts of changes as the table makes them, for tests of what comes after it."""

from dataclasses import replace
from typing import Any

from pnsync.model import Binding
from pnsync.plan import Action, Cause
from pnsync.planner.draft import Draft
from tests.worlds import group, made, made_group, superseded


def rebinding(one: Binding, action: Action = Action.REBIND, **more: Any) -> Draft:
    """A change that unbinds and binds again: as it was, or another `target`."""
    old = made(one)
    (gone,) = superseded(one.address, old).values()
    given = {"target": replace(old, bind_id=None), **more}
    return Draft(one.address, action, Cause.CONFIG, "", one.provider, old=gone, entry=old, **given)


def binding(one: Binding, **more: Any) -> Draft:
    """A change that only binds."""
    target = replace(made(one), bind_id=None)
    return Draft(one.address, Action.BIND, Cause.CONFIG, "", one.provider, target=target, **more)


def unbinding(one: Binding, **more: Any) -> Draft:
    """A change that only unbinds."""
    old = made(one)
    (gone,) = superseded(one.address, old).values()
    given = {"provider": one.provider, **more}
    return Draft(one.address, Action.UNBIND, Cause.CONFIG, "", old=gone, entry=old, **given)


def grouping(name: str, action: Action = Action.UPDATE_GROUP) -> Draft:
    """A change of a group."""
    return Draft(f"groups.{name}", action, Cause.CONFIG, "", "nx", group=made_group(group(name)))
