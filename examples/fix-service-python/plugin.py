"""Diagnose and heal one service: the partial fix, as `fix-service` in Rust does it. It cannot take anything away: its
world does not import `teardown`, so there is nothing behind that to call."""

from dataclasses import dataclass
from typing import Annotated

import words
from interlock_guest import ToolError, plugin, tool
from interlock_guest.environment import Error, ServiceStatus, observe, remediate


@dataclass
class Target:
    environment: Annotated[str, "Environment name, for example `prod`."]
    service: Annotated[str, "The one service, for example `api`."]


@dataclass
class Diagnosis:
    healthy: bool
    problem: Annotated[str, "What is wrong, in words."]
    proposal: Annotated[list[str], "What `heal` would do about it, in order; empty where nothing needs doing."]
    changed: Annotated[list[str], "What the configuration in force changed since it was last healthy."]
    logs: Annotated[str, "The last lines that the service wrote."]


@dataclass
class Healed:
    did: Annotated[list[str], "What was done, in order; empty where nothing needed doing."]
    status: Annotated[ServiceStatus, "Processes and health afterwards."]


@tool(uses=[observe])
def diagnose(target: Target) -> Diagnosis:
    """Say what is wrong with one service, and what `heal` would do about it. Changes nothing."""
    of = (target.environment, target.service)
    status = observe.service_status(*of)
    config = observe.read_config(*of)
    good, changed = status.last_healthy_version, []
    if good is not None and good != config.version:
        changed = words.difference(observe.read_config(*of, good).content, config.content)
    return Diagnosis(
        healthy=status.healthy,
        problem=words.problem(status),
        proposal=[] if status.healthy else words.proposal(status),
        changed=changed,
        logs=observe.logs(*of, 20),
    )


@tool
def heal(target: Target) -> Healed:
    """Heal one unhealthy service: roll back a bad configuration, restart it, and check it."""
    of = (target.environment, target.service)
    status = observe.service_status(*of)
    did = []
    if status.healthy:
        return Healed(did, status)
    try:
        if (good := status.last_healthy_version) is not None:
            remediate.rollback_config(*of, good)
            did.append(f"rolled the configuration back from version {status.config_version} to {good}")
        remediate.restart_service(*of)
        did.append("restarted the service")
        # The last thing it does: a plan ends at a read of what an earlier effect changed.
        status = observe.service_status(*of)
    except Error as error:
        # An error that does not hide what had already been done.
        told = ToolError.of(error)
        raise (told.context(f"{', '.join(did)}, then") if did else told) from error
    if status.healthy:
        return Healed(did, status)
    problem = f"{', '.join(did)}, and it is still unhealthy: {words.problem(status)}"
    raise ToolError(problem, details=Healed(did, status))


Tools = plugin(diagnose, heal)
