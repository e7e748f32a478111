"""Records of `interlock:environment/types@0.1.0` as a tool sees them: they have a JSON Schema, so a tool can return
them as they are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from ..schema import Keywords

U32 = Annotated[int, Keywords(format="uint32", minimum=0)]
I32 = Annotated[int, Keywords(format="int32")]
WORDS = {"denied": "denied", "not-found": "not found", "invalid": "invalid", "conflict": "the world moved",
         "failed": "failed"}


class Error(Exception):
    """Why a capability call did not do what was asked. `case` is the WIT's name of it: `denied`, `not-found`,
    `invalid`, `conflict` (the world moved between looking and acting) or `failed`."""

    def __init__(self, case: str, text: str):
        super().__init__(f"{WORDS[case]}: {text}")
        self.case, self.text = case, text


class Health(Enum):
    """What the health check says."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


Health.__described__ = {
    "healthy": "The check passes.",
    "unhealthy": "The check fails.",
    "unknown": "The service has no check, or it has not answered yet.",
}


@dataclass
class Replica:
    """One process of a service."""

    index: Annotated[U32, "From 0."]
    pid: Annotated[U32 | None, "Absent when the process is not running."]
    health: Annotated[Health, "What the health check says."]
    last_exit: Annotated[
        I32 | None, "How the last process of this replica ended: its exit code, or 128 + the signal."]
    detail: Annotated[str, "What the health check last said, in the provider's words."]


@dataclass
class ServiceStatus:
    """Processes and health of one service."""

    environment: Annotated[str, "The environment's name."]
    service: Annotated[str, "The service's name."]
    healthy: Annotated[bool, "Every wanted replica is running, and healthy where there is a health check."]
    wanted: Annotated[U32, "Replicas wanted by the service's definition."]
    replicas: Annotated[list[Replica], "The replicas, by index."]
    config_version: Annotated[U32, "The configuration version in force."]
    last_healthy_version: Annotated[
        U32 | None,
        "The newest version, other than the one in force when that one is unhealthy, under which the\n"
        "service was last seen healthy."]


@dataclass
class ServiceConfig:
    """One configuration version of a service."""

    version: Annotated[U32, "Its number."]
    content: Annotated[str, "The whole configuration file, UTF-8."]
    versions: Annotated[list[U32], "Every version that can be read or rolled back to, oldest first."]
