//! The agents' surface, spoken to as a client does, line by line: what is listed, how calls are answered,
//! cancelled and made to wait, and what a stranger sees of another's requests: nothing.

use crate::{client::*, fixture::Mood};
use interlock::desk::{Approver, Askers};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn class_by_host_an_agent_sees_what_it_may_call_and_what_it_can_do() {
    let scene = scene(POLICIES).await;
    let tools = scene.client("Agent::bot").await.tools().await;
    let all = [
        "caller__change",
        "caller__change-then-look",
        "caller__look",
        "caller__look-then-change",
        "spinner__spin",
    ];
    assert_eq!(names(&tools), all);
    // Plain functions declare no `uses`: each counts as using every import of its plugin.
    let hints = |at: usize, hint: &str| tools[at]["annotations"][hint].clone();
    assert_eq!(
        (hints(0, "readOnlyHint"), hints(0, "destructiveHint")),
        (json!(false), json!(false))
    );
    assert_eq!((hints(4, "readOnlyHint"), hints(4, "openWorldHint")), (json!(true), json!(false)));
    for tool in &tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        let waits = tool["inputSchema"]["properties"].get("interlock_request").is_some();
        assert_eq!(waits, tool["annotations"]["readOnlyHint"] == false, "{tool}");
    }
    // What policy keeps from a principal is not there, and cannot be called by guessing.
    let mut stranger = scene.client("Agent::stranger").await;
    assert!(!names(&stranger.tools().await).contains(&"caller__change"));
    let guessed = stranger.ask("tools/call", json!({"name": "caller__change"})).await;
    let absent = stranger.ask("tools/call", json!({"name": "caller__nothing"})).await;
    assert_eq!(
        (&guessed["error"], guessed["error"]["code"].as_i64()),
        (&absent["error"], Some(-32602))
    );
}

/// The bound on calls at once is where calls are, and so is the same whichever way they come.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_pipes_has_no_more_calls_at_once_than_one_over_http() {
    let scene = scene_with(POLICIES, "time = \"20s\"\n[serve]\nconcurrent = 2").await;
    let mut client = scene.client("Agent::bot").await;
    let spin = json!({"name": "spinner__spin", "arguments": {}});
    let first = client.begin("tools/call", spin.clone()).await;
    client.begin("tools/call", spin).await;
    while scene.askers.under_way() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // So many more wait, and those that wait can be cancelled.
    let look = json!({"name": "caller__look", "arguments": {}});
    let mut waiting = Vec::new();
    for _ in 0..257 {
        waiting.push(client.begin("tools/call", look.clone()).await);
    }
    // Whichever came last.
    let refused = client.hear().await;
    assert_eq!(at(&refused, "/result/structuredContent/status"), "too-many-at-once", "{refused}");
    waiting.retain(|id| at(&refused, "/id") != *id);
    assert_eq!(scene.cache.count("read"), 0);
    for id in waiting.split_off(2) {
        client.tell("notifications/cancelled", json!({"requestId": id})).await;
    }
    // Whoever has a place gives it to the next.
    client.tell("notifications/cancelled", json!({"requestId": first})).await;
    for id in waiting {
        let answer = client.answer(id).await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
    }
    assert_eq!(scene.cache.count("read"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_says_again_that_it_is_there_hears_of_a_change_once() {
    let scene = scene(POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    for _ in 0..20 {
        client.tell("notifications/initialized", json!({})).await;
    }
    assert_eq!(client.tools().await.len(), 5);
    let file = &scene.host.config().plugins["spinner"].file;
    std::fs::write(file, b"other bytes").unwrap();
    scene.reload();
    let heard = client.hear().await;
    assert_eq!(heard["method"], "notifications/tools/list_changed", "{heard}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(client.tools().await.len(), 4);
    assert_eq!(client.told, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_is_not_admitted_is_left_out_and_the_rest_is_served() {
    let scene = scene(POLICIES).await;
    let file = &scene.host.config().plugins["spinner"].file;
    std::fs::write(file, b"other bytes").unwrap();
    let mut client = scene.client("Agent::bot").await;
    assert!(!names(&client.tools().await).contains(&"spinner__spin"));
    assert_eq!(client.call("caller__look", json!({})).await["structuredContent"]["status"], "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_structured_and_text_and_fits_its_schema() {
    let scene = scene(POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    let tools = client.tools().await;
    let schema = &tools[2]["outputSchema"];
    let done = client.call("caller__look", json!({})).await;
    assert_eq!(done["structuredContent"]["result"], 0, "{done}");
    assert_eq!(done["content"][0]["text"], "0");
    assert!(jsonschema::is_valid(schema, &done["structuredContent"]));
    // Its receipt is there at once, although a call without effects waits for no disk.
    for _ in 0..20 {
        let done = client.call("caller__look", json!({})).await;
        let call = done["structuredContent"]["invocation"].as_str().unwrap();
        let uri = format!("interlock://invocation/{call}/receipt");
        let receipt = client.ask("resources/read", json!({"uri": uri})).await;
        let text = receipt["result"]["contents"][0]["text"].as_str();
        assert!(text.is_some_and(|text| text.contains("payloadType")), "{receipt}");
    }
    // A failure is a result that the model sees, of the same form.
    let wrong = client.call("caller__look", json!({"cluster": 3})).await;
    assert_eq!(
        (&wrong["isError"], &wrong["structuredContent"]["status"]),
        (&json!(true), &json!("invalid-arguments"))
    );
    assert!(jsonschema::is_valid(schema, &wrong["structuredContent"]), "{wrong}");
    // The host's own trouble is told by its code alone.
    *scene.cache.mood.lock().unwrap() = Mood::Faults;
    let fault = client.call("caller__look", json!({})).await;
    assert_eq!(fault["structuredContent"]["status"], "host-fault", "{fault}");
    assert!(!fault.to_string().contains("bits"), "{fault}");
    assert!(jsonschema::is_valid(schema, &fault["structuredContent"]), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelling_interrupts_the_guest_and_is_journalled() {
    let scene = scene(POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    let params = json!({"name": "spinner__spin", "arguments": {}, "_meta": {"progressToken": "p"}});
    let id = client.begin("tools/call", params).await;
    // It runs: progress says so.
    loop {
        let told = client.hear().await;
        assert_eq!(
            (&told["method"], &told["params"]["progressToken"]),
            (&json!("notifications/progress"), &json!("p"))
        );
        if told["params"]["message"].as_str().is_some_and(|m| m.contains("running")) {
            break;
        }
    }
    let started = Instant::now();
    client.tell("notifications/cancelled", json!({"requestId": id})).await;
    assert!(scene.askers.quiet(Duration::from_secs(10)).await);
    assert!(started.elapsed() < Duration::from_secs(5), "the guest went on");
    assert_eq!(scene.ended().await, "cancelled");
    // The connection serves on, and nothing came for the cancelled call.
    assert_eq!(client.call("caller__look", json!({})).await["structuredContent"]["status"], "done");
    assert!(client.told.iter().all(|told| told.get("id").is_none()), "{:?}", client.told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn intent_before_effect_an_effect_under_way_when_its_call_is_cancelled_has_an_outcome() {
    let scene = scene(crate::fixture::POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    *scene.cache.mood.lock().unwrap() = Mood::Slow;
    let id = client.begin("tools/call", json!({"name": "caller__change", "arguments": {}})).await;
    while scene.cache.count("perform") == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.tell("notifications/cancelled", json!({"requestId": id})).await;
    assert!(scene.askers.quiet(Duration::from_secs(10)).await);
    assert_eq!(scene.ended().await, "cancelled");
    let kinds = scene.kinds();
    let run: Vec<&str> =
        kinds.iter().map(String::as_str).skip_while(|k| *k != "decision").collect();
    assert_eq!(run, ["decision", "intent", "outcome", "recording", "ended"]);
    assert_eq!(scene.cache.count("performed"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_waits_is_applied_once_and_answered_as_often_as_asked() {
    let scene = scene(POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    let words = json!({"interlock_reason": "the cache is stale"});
    let waits = client.call("caller__change", words).await;
    let told = &waits["structuredContent"];
    assert_eq!(
        (&waits["isError"], &told["status"], &told["happened"]),
        (&json!(false), &json!("approval-required"), &json!([])),
        "{waits}"
    );
    let id = told["request"].as_str().unwrap().to_owned();
    let go_on = json!({"interlock_request": id});
    // Asking again changes nothing, with or without the request.
    for arguments in [json!({}), go_on.clone()] {
        let again = client.call("caller__change", arguments).await;
        assert_eq!(again["structuredContent"]["request"], *id);
    }
    let uri = format!("interlock://request/{id}/document");
    let read = client.ask("resources/read", json!({"uri": uri})).await;
    let document = read["result"]["contents"][0]["text"].as_str().unwrap();
    assert!(document.contains("the cache is stale") && document.contains("cache/a/key/k"));
    scene.approve(&id).await;
    let done = client.call("caller__change", go_on.clone()).await;
    assert_eq!(done["structuredContent"]["status"], "done", "{done}");
    assert_eq!(done["structuredContent"]["happened"][0]["status"], "done");
    for _ in 0..2 {
        assert_eq!(client.call("caller__change", go_on.clone()).await, done);
    }
    assert_eq!(scene.cache.count("performed"), 1);
    // The receipt of the run that applied it, and that of the call by its own id: what the operator would get.
    let run = done["structuredContent"]["invocation"].as_str().unwrap();
    let signed = serde_json::to_value(scene.host.receipt(run).await.unwrap()).unwrap();
    let uris = [
        format!("interlock://request/{id}/receipt"),
        format!("interlock://invocation/{run}/receipt"),
    ];
    for uri in uris {
        let read = client.ask("resources/read", json!({"uri": uri})).await;
        let text =
            read["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{read}"));
        assert_eq!(serde_json::from_str::<Value>(text).unwrap()["payload"], signed["payload"]);
    }
    // Another process knows what happened, from the journal; it applies nothing.
    let other = Askers::of(scene.host.clone());
    let scene = Scene { askers: other, ..scene };
    let mut client = scene.client("Agent::bot").await;
    let told = client.call("caller__change", go_on).await;
    assert_eq!(
        (&told["isError"], &told["structuredContent"]["ended"]),
        (&json!(false), &json!("done")),
        "{told}"
    );
    assert_eq!(told["structuredContent"]["happened"][0]["status"], "done");
    let other = client.call("caller__look", json!({"interlock_request": id})).await;
    assert_eq!(other["structuredContent"]["status"], "different-call", "{other}");
    assert_eq!(scene.cache.count("performed"), 1);
}

/// Whoever did not ask sees no request of another: not by its id, in no list, as no task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asker_cannot_approve_and_a_stranger_sees_nothing_of_anothers_request() {
    let scene = scene(POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    let waits = client.call("caller__change-then-look", json!({})).await;
    let id = waits["structuredContent"]["request"].as_str().unwrap().to_owned();
    scene.approve(&id).await;
    let nobodys = "01JD8Z5T3K9QW2M4X6Y8A0B1C2";
    let mut stranger = scene.client("Agent::stranger").await;
    let list = stranger.ask("resources/list", json!({})).await;
    assert_eq!(list["result"]["resources"], json!([]));
    let mut seen = Vec::new();
    for request in [id.as_str(), nobodys] {
        let mut answers = Vec::new();
        let go_on = json!({"interlock_request": request});
        answers.push(stranger.call("caller__change-then-look", go_on).await);
        for part in ["document", "result", "receipt"] {
            let uri = format!("interlock://request/{request}/{part}");
            answers
                .push(stranger.ask("resources/read", json!({"uri": uri})).await["error"].clone());
        }
        let text = Value::from(answers).to_string();
        seen.push(text.replace(request, "ID"));
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains("request-unknown"), "{}", seen[0]);
    // Nor a receipt of another's call; whoever made it has it.
    let call = waits["structuredContent"]["invocation"].as_str().unwrap();
    let mut seen = Vec::new();
    for invocation in [call, nobodys, "", "../x"] {
        let uri = format!("interlock://invocation/{invocation}/receipt");
        let answer = stranger.ask("resources/read", json!({"uri": uri})).await["error"].clone();
        seen.push(answer.to_string().replace(&uri, "URI"));
    }
    assert!(seen.iter().all(|answer| *answer == seen[0] && answer.contains("-32002")), "{seen:?}");
    let uri = format!("interlock://invocation/{call}/receipt");
    let own = client.ask("resources/read", json!({"uri": uri})).await;
    assert!(own["result"]["contents"][0]["text"].as_str().unwrap().contains("payloadType"));
    assert_eq!(scene.cache.count("performed"), 0);
    assert_eq!(
        client.ask("resources/list", json!({})).await["result"]["resources"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

/// A client of today's generation that knows tasks.
fn modern(params: Value) -> Value {
    let mut params = params;
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    });
    params.as_object_mut().unwrap().insert("_meta".to_owned(), meta);
    params
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_client_knows_tasks_a_wait_is_one_that_completes_when_people_agreed() {
    let scene = scene(POLICIES).await;
    let mut client = scene.raw("Agent::bot");
    let discovered = client.ask("server/discover", modern(json!({}))).await;
    assert!(
        discovered["result"]["capabilities"]["extensions"]
            .get("io.modelcontextprotocol/tasks")
            .is_some(),
        "{discovered}"
    );
    let call = modern(json!({"name": "caller__change", "arguments": {}}));
    let task = client.ask("tools/call", call).await;
    let task = task["result"].clone();
    assert_eq!(
        (&task["resultType"], &task["status"]),
        (&json!("task"), &json!("working")),
        "{task}"
    );
    let id = task["taskId"].as_str().unwrap().to_owned();
    let get = || modern(json!({"taskId": id}));
    assert_eq!(client.ask("tasks/get", get()).await["result"]["status"], "working");
    let mut stranger = scene.raw("Agent::stranger");
    for method in ["tasks/get", "tasks/cancel"] {
        assert_eq!(stranger.ask(method, get()).await["error"]["code"], -32602);
    }
    scene.approve(&id).await;
    let done = loop {
        let task = client.ask("tasks/get", get()).await["result"].clone();
        if task["status"] != "working" {
            break task;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(
        (&done["status"], &done["result"]["structuredContent"]["status"]),
        (&json!("completed"), &json!("done")),
        "{done}"
    );
    assert_eq!(scene.cache.count("performed"), 1);
}

/// Some clients declare tasks to every server; in a session of an older version they know no task when they get one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_knows_tasks_and_speaks_an_older_version_is_told_to_wait_instead() {
    let scene = scene(POLICIES).await;
    let mut client = scene.raw("Agent::bot");
    let hello = json!({"protocolVersion": "2025-11-25",
        "capabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
        "clientInfo": {"name": "test", "version": "1"}});
    client.ask("initialize", hello).await;
    client.tell("notifications/initialized", json!({})).await;
    let call = json!({"name": "caller__change", "arguments": {}});
    let answer = client.ask("tools/call", call).await;
    assert_eq!(at(&answer, "/result/structuredContent/status"), "approval-required", "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_its_asker_takes_back_never_happens() {
    let scene = scene(POLICIES).await;
    let mut client = scene.raw("Agent::bot");
    let call = modern(json!({"name": "caller__change", "arguments": {}}));
    let id = client.ask("tools/call", call).await["result"]["taskId"].as_str().unwrap().to_owned();
    let get = || modern(json!({"taskId": id}));
    client.ask("tasks/cancel", get()).await;
    assert_eq!(client.ask("tasks/get", get()).await["result"]["status"], "cancelled");
    let desk = Approver::of(&scene.host);
    let document = desk.case(&id).unwrap().document;
    let signature = interlock::authority::signature::sign(&scene.key, document.as_bytes()).unwrap();
    assert!(desk.approve(&id, &signature).await.is_err());
    assert_eq!(scene.cache.count("performed"), 0);
}

/// Everything that can be said to the agents' surface, and nothing of it installs, grants, approves, freezes
/// or changes a rule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asker_cannot_approve_no_method_tool_or_resource_of_the_surface_is_for_people() {
    let scene = scene(POLICIES).await;
    let mut client = scene.client("Agent::bot").await;
    // Tools are those of plugins, and the host has none of its own.
    for tool in client.tools().await {
        let name = tool["name"].as_str().unwrap();
        let plugin = name.split_once("__").unwrap().0;
        assert!(scene.host.config().plugins.contains_key(plugin), "{name}");
    }
    let templates = client.ask("resources/templates/list", json!({})).await;
    let uris: Vec<&str> = templates["result"]["resourceTemplates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| template["uriTemplate"].as_str().unwrap())
        .collect();
    assert_eq!(
        uris,
        [
            "interlock://request/{request}/document",
            "interlock://request/{request}/result",
            "interlock://request/{request}/receipt",
            "interlock://invocation/{invocation}/receipt",
        ]
    );
    for method in [
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "resources/subscribe",
        "skills/list",
        "skills/get",
        "resources/directory/read",
        "approval/approve",
        "approval/list",
        "approvals/approve",
        "grant/request",
        "grants/create",
        "plugin/install",
        "plugins/install",
        "policy/set",
        "policies/update",
        "freeze",
        "thaw",
        "config/accept",
        "journal/resolve",
        "token/create",
        "tasks/update",
        "tasks/list",
        "tasks/result",
        "elicitation/create",
        "sampling/createMessage",
    ] {
        let answer = client.ask(method, json!({"name": "x", "uri": "x", "taskId": "x", "level": "info",
            "inputResponses": {}, "ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "x", "value": "x"}})).await;
        let code = answer["error"]["code"].as_i64();
        // A task method needs the extension to be declared; nothing else answers at all.
        assert!(
            code == Some(-32601) || (method == "tasks/update" && code.is_some()),
            "{method}: {answer}"
        );
    }
    // The types hold it: no source of the surface names a host or the people's handle.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/surface/src/mcp");
    let mut folders = vec![std::path::PathBuf::from(folder)];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            read += 1;
            let text = std::fs::read_to_string(&path).unwrap().replace("HostError", "");
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for word in [
                    "Approver",
                    "Host,",
                    "Host}",
                    "Host;",
                    "Host>",
                    "&Host",
                    "Host::",
                    "Journal",
                    "Freeze",
                    "install::",
                ] {
                    assert!(!line.contains(word), "{}: {line}", path.display());
                }
            }
        }
    }
    assert!(read > 10);
}
