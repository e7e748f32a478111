"""A plugin's list of tools and the dispatch behind `describe` and `call`. The native test kit and the component's
exports go through the same two functions, so a test cannot pass by another road."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import typing

from .environment import Error
from .error import ErrorKind, ToolError
from .schema import plain, read, schema_of

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One tool, as `@tool` writes it down."""

    name: str
    title: str | None
    description: str
    uses: list[str] | None
    run: typing.Callable
    takes: type | None
    gives: typing.Any

    def schemas(self):
        """Of the arguments, and of the result where it is known."""
        empty = {"type": "object", "properties": {}, "additionalProperties": False}
        return (
            schema_of(self.takes, closed=True) if self.takes else empty,
            None if self.gives is inspect.Signature.empty else schema_of(self.gives),
        )


def tool(function=None, *, name=None, title=None, uses=None):
    """Makes a function a tool. Its docstring is what agents read; its one argument, if it has one, is a dataclass.

    `uses=[observe]` narrows the tool: the host withholds the plugin's other imports while it runs.
    """

    def make(function):
        called = name or function.__name__.replace("_", "-")
        if not NAME.fullmatch(called):
            raise TypeError(f"`{called}` cannot be a tool's name: lower-case letters, digits and `-`, at most 63")
        words = inspect.getdoc(function)
        if not words:
            raise TypeError(f"tool `{called}` needs a docstring: it is what agents read")
        hints = typing.get_type_hints(function, include_extras=True)
        takes = list(inspect.signature(function).parameters)
        if len(takes) > 1 or (takes and not dataclasses.is_dataclass(hints.get(takes[0]))):
            raise TypeError(f"tool `{called}` takes no argument, or one whose type is a dataclass")
        interfaces = None if uses is None else [getattr(one, "INTERFACE", one) for one in uses]
        entry = Entry(
            called,
            title,
            # A line that ends within a paragraph ends because the source's did.
            re.sub(r"(?<!\n)\n(?!\n)", " ", words),
            interfaces,
            function,
            hints[takes[0]] if takes else None,
            hints.get("return", inspect.Signature.empty),
        )
        # A type without a schema is told where it is written, not when an agent asks.
        entry.schemas()
        function.interlock_tool = entry
        return function

    return make if function is None else make(function)


class Plugin:
    """A plugin: its tools, in the order of `plugin(…)`."""

    def __init__(self, entries):
        self.entries = {entry.name: entry for entry in entries}
        if len(self.entries) != len(entries):
            raise TypeError("two tools of this plugin have the same name")

    def describe(self) -> list[dict]:
        """What agents are told about the tools."""
        told = []
        for entry in self.entries.values():
            takes, gives = entry.schemas()
            told.append({"name": entry.name, "title": entry.title, "description": entry.description,
                         "input_schema": takes, "output_schema": gives, "uses": entry.uses})
        return told

    def call(self, name: str, arguments: str) -> str:
        """Runs a tool on a JSON object; its result as JSON. Raises `ToolError`."""
        entry = self.entries.get(name)
        if entry is None:
            known = ", ".join(f"`{known}`" for known in self.entries)
            raise ToolError(f"there is no tool `{name}` here; this plugin has {known}", ErrorKind.UNKNOWN_TOOL)
        try:
            value = json.loads(arguments, object_pairs_hook=_unique, parse_constant=_no_constant)
        except ValueError as error:
            raise ToolError.invalid_arguments(f"the arguments are not a JSON object: {error}") from error
        if not isinstance(value, dict):
            raise ToolError.invalid_arguments("the arguments are not a JSON object")
        takes = entry.takes or _Nothing
        given = read(value, takes)
        try:
            result = entry.run(given) if entry.takes else entry.run()
        except Error as error:
            raise ToolError.of(error) from error
        try:
            return json.dumps(plain(result), ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ToolError(f"the result cannot be written as JSON: {error}") from error


@dataclasses.dataclass
class _Nothing:
    """The argument of a tool that has none."""


def _unique(pairs):
    made = {}
    for key, value in pairs:
        if key in made:
            raise ToolError.invalid_arguments(f"duplicate field `{key}`")
        made[key] = value
    return made


def _no_constant(name):
    raise ValueError(f"`{name}` is no JSON")


def plugin(*tools):
    """`Tools = plugin(a, b)`: which functions are the plugin's tools, in the order in which agents see them.

    The list is explicit on purpose: a dependency cannot add a tool to a plugin. `Tools.PLUGIN` is what tests call.
    """
    for one in tools:
        if not hasattr(one, "interlock_tool"):
            raise TypeError(f"`{getattr(one, '__name__', one)}` is not a tool: put `@tool` on it")
    made = Plugin([one.interlock_tool for one in tools])

    class Tools:
        """The component's exports."""

        PLUGIN = made

        def describe(self):
            """In the contract's types."""
            from wit_world.exports import tools as wit

            return [
                wit.ToolDefinition(
                    one["name"], one["title"], one["description"], json.dumps(one["input_schema"]),
                    None if one["output_schema"] is None else json.dumps(one["output_schema"]), one["uses"],
                )
                for one in made.describe()
            ]

        def call(self, name, arguments):
            """In the contract's types."""
            from componentize_py_types import Err
            from wit_world.exports import tools as wit

            try:
                return made.call(name, arguments)
            except ToolError as error:
                details = None if error.details is None else json.dumps(plain(error.details))
                kind = wit.ErrorKind[error.kind.name]
                raise Err(wit.ToolError(kind, error.message, details)) from error

    return Tools
