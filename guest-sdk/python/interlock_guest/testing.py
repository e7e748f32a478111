"""The test kit: environments in memory that answer as the WIT says, and tools called through the component's own
dispatch, held to their `uses`. Without a fake every call is denied, as on a host that granted nothing."""

from __future__ import annotations

import json
import re

from .environment.types import Error, Health, Replica, ServiceConfig, ServiceStatus

_current = None
_uses = None
SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def call(plugin, name, arguments):
    """Calls a tool of `Tools` (or its `PLUGIN`) as the host does; the result as JSON has it. Raises `ToolError`."""
    global _uses
    plugin = getattr(plugin, "PLUGIN", plugin)
    entry = plugin.entries.get(name)
    before, _uses = _uses, entry.uses if entry else None
    try:
        return json.loads(plugin.call(name, json.dumps(arguments)))
    finally:
        _uses = before


class Service:
    """A service that runs; healthy where `healthy_when` says so of the configuration that it started with."""

    def __init__(self, config, healthy_when=lambda config: True):
        self.versions, self.in_force, self.running, self.started = [config], 1, 1, [1]
        self.wanted, self.starts, self.last_exit, self.lines, self.healthy_when = 1, 1, None, [], healthy_when

    def config(self, content):
        """A later configuration version, in force and read by a restart."""
        self.set_config(content)
        self.restart()
        return self

    def crashed(self, code):
        """The process has ended with this exit code."""
        self.running, self.last_exit = None, code
        return self

    def log(self, line):
        """A line in its log."""
        self.lines.append(line)
        return self

    def content(self, version):
        """Of a version."""
        if not 1 <= version <= len(self.versions):
            raise Error("not-found", f"there is no configuration version {version}")
        return self.versions[version - 1]

    def good(self, version):
        """Whether a version makes it healthy."""
        return self.healthy_when(self.versions[version - 1])

    def status(self, environment, service):
        """As `service-status` has it."""
        up = self.running is not None and self.good(self.running)
        if up:
            health, detail = Health.HEALTHY, "the check passes"
        elif self.running is not None:
            health, detail = Health.UNHEALTHY, f"the check fails under configuration version {self.running}"
        else:
            health, detail = Health.UNKNOWN, "the process is not running"
        replicas = [
            Replica(at, None if self.running is None else 1000 * self.starts + at, health, self.last_exit, detail)
            for at in range(self.wanted)
        ]
        good = [one for one in self.started if self.good(one) and (up or one != self.in_force)]
        return ServiceStatus(environment, service, up, self.wanted, replicas, self.in_force, max(good, default=None))

    def restart(self):
        """With the configuration in force."""
        self.running = self.in_force
        self.started.append(self.in_force)
        self.starts += 1

    def set_config(self, content):
        """A new version, in force."""
        self.versions.append(content)
        self.in_force = len(self.versions)
        return self.in_force

    def rollback(self, version):
        """An earlier version, in force."""
        self.content(version)
        self.in_force = version

    def scale(self, replicas):
        """To so many."""
        if replicas < 1:
            raise Error("invalid", "`replicas` must be at least 1")
        self.wanted = replicas

    def stop(self):
        """Until somebody starts it."""
        self.running, self.last_exit = None, 128 + 15

    def recreate(self):
        """As its definition has it: no history, no logs, a new process."""
        del self.versions[1:]
        self.in_force, self.started, self.lines, self.last_exit = 1, [], [], None
        self.restart()


class Fake:
    """Environments of services, in force as a context manager: `with Fake({"prod": {"api": Service("")}}) as fake:`.

    `fake.effects` is what happened, in order, as `function(argument, …)`.
    """

    def __init__(self, environments, withhold=(), fail=None):
        """`withhold`: modules or interfaces whose calls are denied. `fail`: errors of functions' next calls."""
        self.environments, self.effects, self.calls = environments, [], []
        self.withheld = {getattr(one, "INTERFACE", one) for one in withhold}
        self.failures, self.before = dict(fail or {}), None

    def __enter__(self):
        global _current
        self.before, _current = _current, self
        return self

    def __exit__(self, *_):
        global _current
        _current = self.before

    def services(self, environment):
        """Of an environment."""
        if environment not in self.environments:
            raise Error("not-found", f"there is no environment `{environment}`")
        return self.environments[environment]

    def service(self, environment, name):
        """By its names."""
        services = self.services(environment)
        if name not in services:
            raise Error("not-found", f"there is no service `{name}` in `{environment}`")
        return services[name]

    def act(self, function, names, rest):
        """What the world does."""
        if function == "list-environments":
            return sorted(self.environments)
        if function == "list-services":
            return sorted(self.services(*names))
        if function == "delete-environment":
            self.services(*names)
            del self.environments[names[0]]
            return None
        if function == "recreate-environment":
            for one in self.services(*names).values():
                one.recreate()
            return None
        service = self.service(*names)
        if function == "service-status":
            return service.status(*names)
        if function == "read-config":
            version = service.in_force if rest[0] is None else rest[0]
            return ServiceConfig(version, service.content(version), list(range(1, len(service.versions) + 1)))
        if function == "logs":
            return "".join(f"{line}\n" for line in service.lines[-rest[0]:]) if rest[0] else ""
        if function == "delete-service":
            del self.services(names[0])[names[1]]
            return None
        acts = {"restart-service": service.restart, "set-config": service.set_config,
                "rollback-config": service.rollback, "scale-service": service.scale, "stop-service": service.stop}
        return acts[function](*rest)


def answer(interface, function, arguments):
    """The fake's one door: grants, names and planted failures before the world, the record after it."""
    fake = _current
    if fake is None:
        raise Error("denied", f"not-granted: `{interface}` has no provider here; enter an "
                              "`interlock_guest.testing.Fake`")
    if _uses is not None and not {interface, interface.split("@")[0]} & set(_uses):
        raise Error("denied", f"withheld: this tool does not say that it uses `{interface}`")
    if interface in fake.withheld:
        raise Error("denied", f"withheld: `{interface}` is withheld")
    count = 0 if function == "list-environments" else 1 if function.endswith(("-services", "-environment")) else 2
    names, rest = arguments[:count], arguments[count:]
    for name in names:
        if not isinstance(name, str) or not SEGMENT.fullmatch(name):
            raise Error("denied", f"bad-resource: `{name}` cannot be a name")
    if function in fake.failures:
        raise fake.failures.pop(function)
    result = fake.act(function, names, rest)
    text = f"{function}({', '.join(str(one) for one in arguments if one is not None)})"
    fake.calls.append(text)
    if "/observe@" not in interface:
        fake.effects.append(text)
    return result
