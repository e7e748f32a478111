"""Looking. Class `read`: nothing here changes anything. Raises `Error`: `denied` where the host refuses, `not-found`
where there is no such environment, service or version."""

from .host import side
from .types import ServiceConfig, ServiceStatus

INTERFACE = "interlock:environment/observe@0.1.0"
_host = side(INTERFACE)


def list_environments() -> list[str]:
    """The names of all environments, sorted."""
    return _host("list-environments")


def list_services(environment: str) -> list[str]:
    """The names of an environment's services, sorted."""
    return _host("list-services", environment)


def service_status(environment: str, service: str) -> ServiceStatus:
    """Processes and health of one service, checked now."""
    return _host("service-status", environment, service)


def read_config(environment: str, service: str, version: int | None = None) -> ServiceConfig:
    """A configuration version; the one in force where `version` is `None`."""
    return _host("read-config", environment, service, version)


def logs(environment: str, service: str, lines: int) -> str:
    """The last lines that the service wrote, oldest first, at most 1,000 lines and 64 KiB."""
    return _host("logs", environment, service, lines)
