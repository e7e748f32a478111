"""The SDK by itself: schemas, arguments, errors, and the fake's one door. `python -m unittest`"""

import json
import unittest
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from interlock_guest import ErrorKind, Keywords, ToolError, plugin, tool
from interlock_guest.environment import Error, observe, remediate, teardown
from interlock_guest.environment.host import case
from interlock_guest.testing import Fake, Service, call


class Speed(Enum):
    SLOW = "slow"
    FAST = "fast"


@dataclass
class Part:
    of: int


@dataclass
class Many:
    """What is asked."""

    name: Annotated[str, "Who."]
    parts: list[Part]
    speed: Speed = Speed.SLOW
    note: Annotated[str | None, Keywords(maxLength=9)] = None
    more: dict[str, float] | None = None


@tool(title="Echo", uses=["interlock:environment/observe"])
def echo_all(many: Many) -> Many:
    """Gives back
    what it was given.
    """
    return many


@tool
def nothing():
    """Reads a service, whatever it is called with."""
    remediate.restart_service("prod", "api")


@tool(uses=[observe])
def narrow() -> str:
    """Says that it looks, and restarts."""
    remediate.restart_service("prod", "api")
    return "done"


Tools = plugin(echo_all, nothing, narrow)


def told(name, arguments):
    try:
        call(Tools, name, arguments)
    except ToolError as error:
        return error
    raise AssertionError("it succeeded")


class Sdk(unittest.TestCase):
    def test_describe_says_what_the_code_says(self):
        first, second, third = Tools.PLUGIN.describe()
        self.assertEqual((first["name"], first["title"]), ("echo-all", "Echo"))
        self.assertEqual(first["description"], "Gives back what it was given.")
        self.assertEqual(first["uses"], ["interlock:environment/observe"])
        schema = first["input_schema"]
        self.assertEqual(schema["required"], ["name", "parts"])
        self.assertIs(schema["additionalProperties"], False)
        self.assertEqual(schema["properties"]["name"], {"type": "string", "description": "Who."})
        self.assertEqual(schema["properties"]["note"], {"type": ["string", "null"], "maxLength": 9})
        self.assertEqual(schema["properties"]["speed"], {"type": "string", "enum": ["slow", "fast"]})
        self.assertEqual(first["output_schema"]["required"], ["name", "parts", "speed", "note", "more"])
        self.assertIsNone(second["output_schema"])
        self.assertEqual(third["uses"], [observe.INTERFACE])

    def test_what_was_given_comes_back(self):
        given = {"name": "a", "parts": [{"of": 1}], "speed": "fast", "note": None, "more": {"x": 1.5}}
        self.assertEqual(call(Tools, "echo-all", given), given)
        few = call(Tools, "echo-all", {"name": "a", "parts": []})
        self.assertEqual((few["speed"], few["note"]), ("slow", None))

    def test_wrong_arguments_are_told_with_their_path(self):
        for arguments, says in [
            ({"parts": []}, "missing field `name`"),
            ({"name": 1, "parts": []}, "`name`: invalid type: integer, expected string"),
            ({"name": "a", "parts": [{"of": 1}, {"of": "x"}]}, "`parts[1].of`: invalid type: string"),
            ({"name": "a", "parts": [{"of": True}]}, "`parts[0].of`: invalid type: boolean"),
            ({"name": "a", "parts": [], "speed": "odd"}, "expected one of `slow`, `fast`"),
            ({"name": "a", "parts": [], "nmae": "b"}, "there is no argument `nmae`; this tool takes `name`"),
            ({"name": "a", "parts": {}}, "expected array"),
            (["a"], "not a JSON object"),
        ]:
            error = told("echo-all", arguments)
            self.assertIs(error.kind, ErrorKind.INVALID_ARGUMENTS)
            self.assertIn(says, error.message)
        for text in ['{"name":"a","name":"b","parts":[]}', '{"name":"a","parts":[],"more":{"x":NaN}}', "{"]:
            with self.assertRaises(ToolError) as error:
                Tools.PLUGIN.call("echo-all", text)
            self.assertIs(error.exception.kind, ErrorKind.INVALID_ARGUMENTS)
        self.assertIs(told("nothing", {"x": 1}).kind, ErrorKind.INVALID_ARGUMENTS)
        self.assertIs(told("other", {}).kind, ErrorKind.UNKNOWN_TOOL)

    def test_a_denial_stays_a_denial_and_a_failure_names_its_case(self):
        self.assertIs(told("nothing", {}).kind, ErrorKind.DENIED)
        self.assertIn("not-granted", told("nothing", {}).message)
        with Fake({}):
            error = told("nothing", {})
        self.assertEqual((error.kind, error.details), (ErrorKind.FAILED, {"error": "not-found"}))

    def test_uses_narrows_the_tool(self):
        with Fake({"prod": {"api": Service("")}}) as fake:
            self.assertIn("withheld", told("narrow", {}).message)
            self.assertEqual(fake.effects, [])
            call(Tools, "nothing", {})
            self.assertEqual(fake.effects, ["restart-service(prod, api)"])

    def test_the_fake_answers_as_the_wit_says(self):
        with Fake({"prod": {"api": Service("a").log("x").log("y")}, "empty": {}}) as fake:
            self.assertEqual(observe.list_environments(), ["empty", "prod"])
            self.assertEqual(observe.list_services("prod"), ["api"])
            self.assertEqual(observe.logs("prod", "api", 1), "y\n")
            self.assertEqual(remediate.set_config("prod", "api", "b"), 2)
            self.assertEqual(observe.read_config("prod", "api").content, "b")
            self.assertEqual(observe.read_config("prod", "api", 1).versions, [1, 2])
            remediate.scale_service("prod", "api", 2)
            self.assertEqual(len(observe.service_status("prod", "api").replicas), 2)
            teardown.stop_service("prod", "api")
            self.assertFalse(observe.service_status("prod", "api").healthy)
            teardown.recreate_environment("prod")
            self.assertTrue(observe.service_status("prod", "api").healthy)
            teardown.delete_service("prod", "api")
            self.assertEqual(observe.list_services("prod"), [])
            teardown.delete_environment("prod")
            self.assertEqual(observe.list_environments(), ["empty"])
            for bad in ["", "../x", "a/b"]:
                with self.assertRaises(Error) as error:
                    observe.list_services(bad)
                self.assertEqual(error.exception.case, "denied")
            self.assertEqual(fake.effects[0], "set-config(prod, api, b)")

    def test_what_cannot_be_a_tool_is_told_where_it_is_written(self):
        def undocumented():
            return 1

        def loose(many: dict) -> str:
            """No schema."""

        def untyped() -> object:
            """No schema."""

        for bad in [undocumented, loose, untyped]:
            self.assertRaises(TypeError, tool, bad)
        self.assertRaises(TypeError, tool(name="Odd"), untyped)
        self.assertRaises(TypeError, plugin, undocumented)
        self.assertRaises(TypeError, plugin, nothing, nothing)

    def test_names_of_generated_cases(self):
        self.assertEqual(case("Error_NotFound"), "not-found")
        self.assertEqual(case("Error_Denied"), "denied")

    def test_results_that_json_cannot_say_are_failures(self):
        @tool
        def endless() -> float:
            """Too large for JSON."""
            return float("inf")

        with self.assertRaises(ToolError) as error:
            plugin(endless).PLUGIN.call("endless", json.dumps({}))
        self.assertIn("cannot be written as JSON", error.exception.message)


if __name__ == "__main__":
    unittest.main()
