"""Taking away. Class `destroy`: it happens only after people approved exactly that effect. A host that was not told to
grant it refuses a plugin that imports it before any of it runs. Raises `Error`, as `remediate`."""

from .host import side

INTERFACE = "interlock:environment/teardown@0.1.0"
_host = side(INTERFACE)


def stop_service(environment: str, service: str) -> None:
    """Ends the service's processes and keeps them ended."""
    _host("stop-service", environment, service)


def delete_service(environment: str, service: str) -> None:
    """Ends the service and deletes its definition, configuration versions and logs."""
    _host("delete-service", environment, service)


def delete_environment(environment: str) -> None:
    """Deletes an environment with all its services."""
    _host("delete-environment", environment)


def recreate_environment(environment: str) -> None:
    """Deletes an environment's services with their configuration history and logs, and starts them anew."""
    _host("recreate-environment", environment)
