"""The built-in capability `interlock:environment@0.1.0`: look at services, mend them, tear them down.

Each interface is a module of its own. A component has those that `wit/world.wit` imports; a module of another one does
not load in it. On the developer's machine the same functions meet `interlock_guest.testing.Fake`.
"""

from .types import Error, Health, Replica, ServiceConfig, ServiceStatus

__all__ = ["Error", "Health", "Replica", "ServiceConfig", "ServiceStatus"]
