"""The other side of a capability call: the host in a component, the fake on a developer's machine. A component never
falls back to the fake: an interface that its world lacks is an error while it is built."""

from __future__ import annotations

import importlib
import re

from . import types
from .types import Error


def side(interface: str):
    """What answers the calls of an interface: `call(function, …)`, in our types."""
    name = interface.split("/")[1].split("@")[0]
    try:
        importlib.import_module("wit_world")
    except ImportError:
        from ..testing import answer

        return lambda function, *arguments: answer(interface, function, arguments)
    try:
        module = importlib.import_module(f"wit_world.imports.{name}")
    except ImportError:
        raise ImportError(f"the code uses `{interface}`, which wit/world.wit does not import; "
                          f"add `import {interface};` there") from None
    from componentize_py_types import Err

    def call(function, *arguments):
        try:
            return ours(getattr(module, function.replace("-", "_"))(*arguments))
        except Err as error:
            raise Error(case(type(error.value).__name__), error.value.value) from None

    return call


def case(generated: str) -> str:
    """`Error_NotFound`, as the bindings call it, in the WIT's words."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", generated.removeprefix("Error_")).lower()


def ours(value):
    """From the generated types to ours."""
    kind = type(value).__name__
    if isinstance(value, list):
        return [ours(one) for one in value]
    if kind == "Health":
        return types.Health(value.name.lower())
    if kind in ("Replica", "ServiceStatus", "ServiceConfig"):
        return getattr(types, kind)(**{name: ours(one) for name, one in vars(value).items()})
    return value
