#!/usr/bin/env python3
"""An unmodified client of the Python `mcp` SDK against interlock: list, call, error, cancel, progress, and a
call that waits for people. It stops clients from being surprised by answers that only our own client reads.

    python_sdk.py (legacy|auto) stdio COMMAND...
    python_sdk.py (legacy|auto) http URL          with the token in INTERLOCK_TOKEN

Each step is printed as one line of JSON. After {"step": "waits"} it reads a line from standard input: by then
people have approved. Exit status 0: every step was as it should be.
"""
import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack

from mcp import Client, MCPError, StdioServerParameters

REBUILD = "rebuild-environment__rebuild"
ARGUMENTS = {"environment": "prod", "reason": "a test"}


def step(name, **more):
    print(json.dumps({"step": name, **more}), flush=True)


def same(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


async def target(stack, way, rest):
    if way == "stdio":
        return StdioServerParameters(command=rest[0], args=rest[1:], env=dict(os.environ))
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": "Bearer " + os.environ["INTERLOCK_TOKEN"]}
    http = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=60))
    return streamable_http_client(rest[0], http_client=http)


async def story(client):
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    step("list", tools=sorted(tools), protocol=client.session.protocol_version)
    same("rebuild reads only", tools[REBUILD].annotations.read_only_hint, False)
    same("rebuild destroys", tools[REBUILD].annotations.destructive_hint, True)
    same("count reads only", tools["word-count__count"].annotations.read_only_hint, True)

    # The SDK holds structured content to the tool's output schema, and raises where it does not fit.
    done = await client.call_tool("word-count__count", {"text": "one two"})
    same("status", done.structured_content["status"], "done")
    step("call", result=done.structured_content["result"], text=done.content[0].text)

    wrong = await client.call_tool("word-count__count", {"txt": "one two"})
    same("is_error", wrong.is_error, True)
    step("error", code=wrong.structured_content["status"], help=wrong.structured_content["help"])
    try:
        await client.call_tool("word-count__nothing", {})
        sys.exit("a tool that is not there was called")
    except MCPError as error:
        step("misuse", code=error.error.code)

    heard = []

    async def progress(done, total, message):
        heard.append((done, message))

    running = asyncio.ensure_future(
        client.call_tool("spinner__spin", {}, progress_callback=progress)
    )
    while not any("running" in message for _, message in heard):
        await asyncio.sleep(0.02)
        if running.done():
            sys.exit(f"the tool that never ends has ended: {running.result()}")
    running.cancel()
    try:
        await running
    except asyncio.CancelledError:
        pass
    same("progress grows", [n for n, _ in heard], sorted({n for n, _ in heard}))
    step("cancel", heard=[message for _, message in heard])

    waits = await client.call_tool(REBUILD, ARGUMENTS)
    told = waits.structured_content
    same("waiting is no error", (waits.is_error, told["status"]), (False, "approval-required"))
    same("nothing happened", told["happened"], [])
    read = await client.read_resource(f"interlock://request/{told['request']}/document")
    if "EXACTLY THIS MAY HAPPEN" not in read.contents[0].text:
        sys.exit(f"no document: {read.contents[0].text}")
    step("waits", request=told["request"], document=told["document"].removeprefix("sha256:"))
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    go_on = {**ARGUMENTS, "interlock_request": told["request"]}
    done = await client.call_tool(REBUILD, go_on)
    same("done", done.structured_content["status"], "done")
    again = await client.call_tool(REBUILD, go_on)
    same("the same again", again.structured_content, done.structured_content)
    step("applied", happened=done.structured_content["happened"])


async def main():
    mode, way, *rest = sys.argv[1:]
    async with AsyncExitStack() as stack:
        server = await target(stack, way, rest)
        client = await stack.enter_async_context(Client(server, mode=mode, read_timeout_seconds=60))
        await story(client)
    step("end")


asyncio.run(main())
