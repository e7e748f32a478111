"""Facts about a service, in words that an agent or a person can act on."""

from interlock_guest.environment import ServiceStatus


def problem(status: ServiceStatus) -> str:
    """What is wrong with the service, or that nothing is."""
    who = f"`{status.service}` in `{status.environment}`"
    if status.healthy:
        return f"{who} is healthy under configuration version {status.config_version}"
    running = sum(replica.pid is not None for replica in status.replicas)
    sentence = (
        f"{who} is unhealthy under configuration version {status.config_version}: {running} of {status.wanted} "
        "replicas run"
    )
    for replica in status.replicas:
        if replica.pid is not None:
            how = f"is {replica.health.value}"
        elif replica.last_exit is not None:
            how = f"ended with {replica.last_exit}"
        else:
            how = "does not run"
        sentence += f"; replica {replica.index} {how}"
        if replica.detail:
            sentence += f" ({replica.detail})"
    return sentence


def proposal(status: ServiceStatus) -> list[str]:
    """What `heal` would do, in order."""
    good = status.last_healthy_version
    rollback = [] if good is None else [
        f"roll the configuration back from version {status.config_version} to {good}"]
    return [*rollback, "restart the service"]


def difference(before: str, now: str) -> list[str]:
    """The lines that two configurations do not share: `- was` and `+ is`."""
    was, has = before.splitlines(), now.splitlines()
    return [f"- {line}" for line in was if line not in has] + [f"+ {line}" for line in has if line not in was]
