"""Both tools against environments in memory: `python -m unittest`."""

import unittest

from interlock_guest import ErrorKind, ToolError
from interlock_guest.environment import Error, remediate
from interlock_guest.testing import Fake, Service, call
from plugin import Tools

API = {"environment": "prod", "service": "api"}


def broken():
    service = Service("port = 8080\nworkers = 2", lambda config: "port = 8080" in config)
    return service.config("port = eighty\nworkers = 2").log("listening on 8080").log("invalid port: eighty")


class FixService(unittest.TestCase):
    def test_diagnose_says_what_changed_and_changes_nothing(self):
        with Fake({"prod": {"api": broken()}}) as fake:
            diagnosis = call(Tools, "diagnose", API)
        self.assertFalse(diagnosis["healthy"])
        self.assertEqual(diagnosis["changed"], ["- port = 8080", "+ port = eighty"])
        self.assertEqual(
            diagnosis["proposal"],
            ["roll the configuration back from version 2 to 1", "restart the service"],
        )
        self.assertEqual(diagnosis["logs"], "listening on 8080\ninvalid port: eighty\n")
        self.assertEqual(fake.effects, [])

    def test_heal_rolls_back_restarts_and_checks(self):
        with Fake({"prod": {"api": broken()}}) as fake:
            healed = call(Tools, "heal", API)
        self.assertTrue(healed["status"]["healthy"])
        self.assertEqual(healed["status"]["config_version"], 1)
        self.assertEqual(fake.effects, ["rollback-config(prod, api, 1)", "restart-service(prod, api)"])

    def test_heal_leaves_a_healthy_service_alone(self):
        with Fake({"prod": {"api": Service("port = 8080")}}) as fake:
            self.assertEqual(call(Tools, "heal", API)["did"], [])
        self.assertEqual(fake.effects, [])

    def test_heal_only_restarts_where_the_configuration_is_not_to_blame(self):
        with Fake({"prod": {"api": Service("port = 8080", lambda _: False)}}) as fake:
            with self.assertRaises(ToolError) as told:
                call(Tools, "heal", API)
        self.assertIs(told.exception.kind, ErrorKind.FAILED)
        self.assertRegex(told.exception.message, "^restarted the service, and it is still unhealthy")
        self.assertEqual(told.exception.details.did, ["restarted the service"])
        self.assertEqual(fake.effects, ["restart-service(prod, api)"])

    def test_heal_says_what_it_did_before_it_failed(self):
        conflict = Error("conflict", "somebody restarted `api`")
        with Fake({"prod": {"api": broken()}}, fail={"restart-service": conflict}):
            with self.assertRaises(ToolError) as told:
                call(Tools, "heal", API)
        self.assertEqual(
            told.exception.message,
            "rolled the configuration back from version 2 to 1, then: the world moved: somebody restarted `api`",
        )
        self.assertEqual(told.exception.details, {"error": "conflict"})

    def test_a_withheld_capability_is_a_denial(self):
        with Fake({"prod": {"api": broken()}}, withhold=[remediate]) as fake:
            with self.assertRaises(ToolError) as told:
                call(Tools, "heal", API)
        self.assertIs(told.exception.kind, ErrorKind.DENIED)
        self.assertEqual(fake.effects, [])

    def test_an_unknown_service_is_named(self):
        with Fake({"prod": {}}), self.assertRaises(ToolError) as told:
            call(Tools, "diagnose", API)
        self.assertEqual(told.exception.message, "not found: there is no service `api` in `prod`")


if __name__ == "__main__":
    unittest.main()
