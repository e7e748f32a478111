"""JSON Schemas of arguments and results from Python's type hints, and values held to the same hints. What stands in
the schema is what is enforced: an argument that is not listed is refused, not ignored.

A type is `str`, `bool`, `int`, `float`, `list[T]`, `dict[str, T]`, `T | None`, an `Enum` of strings, or a dataclass.
`Annotated[T, "words"]` describes it to agents; `Keywords(minimum=1)` beside the words adds keywords.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from enum import Enum

from .error import ToolError

class Keywords:
    """Keywords of JSON Schema, for agents to read. They are the host's to enforce, before the tool is called."""

    def __init__(self, **more):
        self.more = more


PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number"}


def split(hint):
    """A hint as what it is, its words, its other keywords, and whether it may be absent."""
    words, extra = None, {}
    while typing.get_origin(hint) is typing.Annotated:
        for more in hint.__metadata__:
            if isinstance(more, str):
                words = words or more
            elif isinstance(more, Keywords):
                extra = more.more | extra
        hint = hint.__origin__
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        some = [one for one in typing.get_args(hint) if one is not type(None)]
        if len(some) != 1 or len(typing.get_args(hint)) != 2:
            raise TypeError(f"`{hint}` is not `T | None`; agents are told of no other unions")
        inner, deep_words, deep_extra, _ = split(some[0])
        return inner, words or deep_words, deep_extra | extra, True
    return hint, words, extra, False


def schema_of(hint, closed=False) -> dict:
    """The schema of a type; `closed` for arguments, where nothing else may stand beside the fields."""
    kind, words, extra, optional = split(hint)
    said = _schema(kind, closed)
    if words:
        said["description"] = words
    said |= extra
    if not optional:
        return said
    if isinstance(said.get("type"), str) and "enum" not in said and "const" not in said:
        return said | {"type": [said["type"], "null"]}
    return {"anyOf": [said, {"type": "null"}]}


def _schema(kind, closed) -> dict:
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    if dataclasses.is_dataclass(kind):
        fields = list(_fields(kind))
        said = {
            "type": "object",
            "properties": {name: schema_of(hint) for name, hint, _ in fields},
            "required": [name for name, hint, needed in fields if needed or not closed],
        }
        if not said["required"]:
            del said["required"]
        doc = kind.__doc__ or ""
        # What `dataclass` writes where there are no words is no description.
        if doc and not doc.startswith(f"{kind.__name__}("):
            said["description"] = " ".join(doc.split())
        return said | ({"additionalProperties": False} if closed else {})
    if isinstance(kind, type) and issubclass(kind, Enum):
        told = getattr(kind, "__described__", None)
        if told is None:
            return {"type": "string", "enum": [one.value for one in kind]}
        return {"oneOf": [{"type": "string", "const": value, "description": told[value]} for value in told]}
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is list and inner:
        return {"type": "array", "items": schema_of(inner[0])}
    if origin is dict and inner and inner[0] is str:
        return {"type": "object", "additionalProperties": schema_of(inner[1])}
    raise TypeError(f"`{kind}` has no schema: use a dataclass, `list[T]`, `dict[str, T]`, an `Enum` of strings, `str`, "
                    "`bool`, `int` or `float`")


def _fields(kind):
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        yield field.name, hint, not _has_default(field) and not split(hint)[3]


def read(value, hint, path=""):
    """What JSON says, as the type; `invalid-arguments` with the path of the first mistake."""
    kind, _, _, optional = split(hint)
    if value is None and optional:
        return None
    if dataclasses.is_dataclass(kind):
        return _object(value, kind, path)
    if kind in PLAIN:
        is_bool = isinstance(value, bool)
        fits = is_bool if kind is bool else not is_bool and isinstance(value, (int, float) if kind is float else kind)
        return (float(value) if kind is float else value) if fits else _wrong(value, PLAIN[kind], path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        known = [one.value for one in kind]
        return kind(value) if value in known else _wrong(value, "one of " + ", ".join(f"`{k}`" for k in known), path)
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is list:
        if not isinstance(value, list):
            _wrong(value, "array", path)
        return [read(one, inner[0], f"{path}[{at}]") for at, one in enumerate(value)]
    if not isinstance(value, dict):
        _wrong(value, "object", path)
    return {key: read(one, inner[1], _join(path, key)) for key, one in value.items()}


def _object(value, kind, path):
    if not isinstance(value, dict):
        _wrong(value, "object", path)
    fields = list(_fields(kind))
    known = [name for name, _, _ in fields]
    for key in value:
        if key not in known:
            takes = ", ".join(f"`{name}`" for name in known) or "no arguments"
            raise ToolError.invalid_arguments(f"there is no argument `{key}`; this tool takes {takes}")
    made = {}
    for name, hint, needed in fields:
        if name in value:
            made[name] = read(value[name], hint, _join(path, name))
        elif needed:
            raise ToolError.invalid_arguments(f"missing field `{_join(path, name)}`")
    for field in dataclasses.fields(kind):
        # What is absent is `None`, unless the type says what else it is.
        if field.name not in made and not _has_default(field):
            made[field.name] = None
    return kind(**made)


def _has_default(field):
    return not (field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING)


def _join(path, name):
    return f"{path}.{name}" if path else name


def _wrong(value, wanted, path):
    names = {dict: "object", list: "array", type(None): "null"} | PLAIN
    got = names.get(type(value), type(value).__name__)
    raise ToolError.invalid_arguments(f"`{path}`: invalid type: {got}, expected {wanted}")


def plain(value):
    """A result as JSON has it."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value
