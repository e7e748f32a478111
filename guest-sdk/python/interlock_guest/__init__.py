"""Write tools for agents in Python: plugins that can do what they were granted and nothing else.

A plugin is a module. Each function with `@tool` is a tool that agents can call, and `Tools = plugin(...)` says which.
The mistake it stops: a schema, a description or a refusal that differs from what the code does.
"""

from .error import ErrorKind, ToolError
from .plugin import Plugin, plugin, tool
from .schema import Keywords

__all__ = ["ErrorKind", "Keywords", "Plugin", "ToolError", "plugin", "tool"]
