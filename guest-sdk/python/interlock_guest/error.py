"""Why a tool did not return a result. Kinds are few and fixed by the tool contract, so that a host can tell a refusal
from a bug without reading words."""

from __future__ import annotations

from enum import Enum


class ErrorKind(Enum):
    """What kind of failure it is (`interlock:tool/tools.error-kind`)."""

    INVALID_ARGUMENTS = "invalid-arguments"
    UNKNOWN_TOOL = "unknown-tool"
    DENIED = "denied"
    FAILED = "failed"


class ToolError(Exception):
    """A kind, one sentence for the caller, and details (what JSON can say) if any."""

    def __init__(self, message, kind=ErrorKind.FAILED, details=None):
        super().__init__(message)
        self.message, self.kind, self.details = str(message), kind, details

    @classmethod
    def invalid_arguments(cls, message) -> ToolError:
        """The caller sent arguments that make no sense; say which and what would."""
        return cls(message, ErrorKind.INVALID_ARGUMENTS)

    @classmethod
    def denied(cls, message) -> ToolError:
        """The host refused something that the tool needs."""
        return cls(message, ErrorKind.DENIED)

    @classmethod
    def of(cls, error: Exception) -> ToolError:
        """A capability's error as a tool's: a denial stays a denial; everything else is a failure whose details name
        the capability's case."""
        from .environment import Error

        if isinstance(error, cls):
            return error
        if isinstance(error, Error):
            if error.case == "denied":
                return cls.denied(error.text)
            return cls(error, details={"error": error.case})
        return cls(error)

    def context(self, doing) -> ToolError:
        """The same, with what was being done in front: `reading the ledger: no such file`."""
        return ToolError(f"{doing}: {self.message}", self.kind, self.details)
