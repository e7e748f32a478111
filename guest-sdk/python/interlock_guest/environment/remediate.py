"""Mending one service. Class `change`: never its command, directory or environment variables. Raises `Error`: as
`observe`, and `conflict` where the world moved between looking and acting; then nothing was done."""

from .host import side

INTERFACE = "interlock:environment/remediate@0.1.0"
_host = side(INTERFACE)


def restart_service(environment: str, service: str) -> None:
    """Ends the service's processes and starts them again with the configuration in force. Returns when it has settled,
    healthy or not, or after the provider's own limit: look at its status."""
    _host("restart-service", environment, service)


def set_config(environment: str, service: str, content: str) -> int:
    """Writes a new configuration version and puts it in force; the service sees it at its next start. Returns it."""
    return _host("set-config", environment, service, content)


def rollback_config(environment: str, service: str, version: int) -> None:
    """Puts an earlier configuration version in force; the service sees it at its next start."""
    _host("rollback-config", environment, service, version)


def scale_service(environment: str, service: str, replicas: int) -> None:
    """Runs this many replicas, at least 1."""
    _host("scale-service", environment, service, replicas)
