//! Calls of capabilities that are granted: too many, too long, one step at a time, or for another place than they say.

use super::super::attack::Attack;
use super::attack;
use super::doors::{Arg, named};
use super::text::Caller;

const STATUS: Arg = Arg::Word("status");
const NOTES: Arg = Arg::Word("notes");
const PROD: Arg = Arg::Word("prod");
const WORKER: Arg = Arg::Word("worker");

fn calls(name: &str, rows: &str, what: &str, build: impl FnOnce(&mut Caller)) -> Attack {
    finish(name, rows, what, Caller::new(), build)
}

fn finish(
    name: &str,
    rows: &str,
    what: &str,
    mut caller: Caller,
    build: impl FnOnce(&mut Caller),
) -> Attack {
    build(&mut caller);
    let needs = caller.needs();
    attack(name, rows, what, caller.finish()).needs(&needs)
}

/// The same function, once for each of these.
fn each(caller: &mut Caller, capability: &str, name: &str, calls: &[Vec<Arg>]) {
    for arguments in calls {
        caller.call(named(capability, name), arguments);
    }
}

/// Names that are no names: each would be another place, if anybody took it apart in another way.
const NAMES: [&[u8]; 16] = [
    b"*",
    b"prod*",
    b"",
    b".",
    b"..",
    b"prod/service/db",
    b"prod/../prod",
    b"prod\0db",
    b"prod%2fdb",
    b"prod ",
    b"PROD",
    b"\xd1\x80rod",
    b"prod\n",
    b"-prod",
    b"prod\xe2\x80\x8b",
    b"$(reboot)",
];

/// Paths that lead out of a folder, or to a name that its files do not have.
const PATHS: [&[u8]; 22] = [
    b"../secret.txt",
    b"granted/../../secret.txt",
    b"granted/../kept.txt",
    b"/etc/passwd",
    b"//etc/passwd",
    b"",
    b".",
    b"..",
    b"./granted/a",
    b"granted//a",
    b"granted/a/",
    b"granted/\0",
    b"granted/a\0.txt",
    b"way-out",
    b"granted/way-out",
    b"granted/%2e%2e/kept.txt",
    b"..%2fkept.txt",
    b"granted\\..\\kept.txt",
    b"../.interlock/log.key",
    b"../.interlock/artifacts/x",
    b"/proc/self/environ",
    b"GRANTED/a",
];

/// Paths of a URL that mean another one to some server.
const URLS: [&str; 14] = [
    "incidents/../admin",
    "incidents/%2e%2e/admin",
    "//169.254.169.254/latest",
    "http://169.254.169.254/",
    "incidents?x=1",
    "incidents#x",
    "incidents/..;/admin",
    "incidents\\..\\admin",
    "incidents/./7",
    "",
    "/incidents",
    "incidents//7",
    "incidents/%00",
    "incidents@169.254.169.254",
];

/// Endpoints that nobody configured.
const HOSTS: [&[u8]; 16] = [
    b"169.254.169.254",
    b"127.0.0.1",
    b"localhost",
    b"0x7f.1",
    b"[::1]",
    b"[::ffff:169.254.169.254]",
    b"status.attacker.example",
    b"status\0.attacker.example",
    b"status%00",
    b"status.",
    b"status@attacker.example",
    b"status/",
    b"STATUS",
    b"status:80",
    b"st\xd0\xb0tus",
    b"status\xe3\x80\x82attacker",
];

pub(super) fn all() -> Vec<Attack> {
    let raw = |all: &'static [&'static [u8]], rest: &[Arg]| -> Vec<Vec<Arg>> {
        all.iter().map(|one| [&[Arg::Raw(one)][..], rest].concat()).collect()
    };
    let set = named("environment/remediate", "set-config");
    let get = named("http/fetch", "get");
    let post = named("http/send", "post");
    let denied = "is denied, each time";
    let mut all = Vec::new();
    let mut add = |attack: Attack| all.push(attack);
    add(calls("flood-reads", "C3", "reads without end", |c| {
        c.for_ever(named("environment/observe", "list-services"), &[PROD]);
    })
    .ends(5, "ends at the calls of one run"));
    add(calls("flood-denied", "C3", "calls without end that are denied", |c| {
        c.for_ever(named("environment/observe", "list-services"), &[Arg::Word("staging")]);
    })
    .ends(5, "ends at the calls of one run"));
    add(calls("flood-malformed", "C3", "calls without end whose arguments are none", |c| {
        c.for_ever(named("environment/observe", "list-services"), &[Arg::Raw(b"a/b")]);
    })
    .ends(5, "ends at the calls of one run"));
    add(calls("flood-bytes", "C3", "300 KiB in each call, for ever", |c| {
        c.for_ever(named("environment/observe", "list-services"), &[Arg::Long(b'x', 307_200)]);
    })
    .ends(5, "ends at the bytes of one run"));
    add(calls("argument-shared", "C4", "an argument that is the whole memory", |c| {
        c.call(named("environment/observe", "list-services"), &[Arg::Long(b'x', 458_752)]);
    })
    .ends(0, "is refused as a name, and shown by its beginning")
    .says("denied"));
    add(calls("argument-6mib", "C4", "6 MiB in one argument", |c| {
        c.then("(drop (memory.grow (i32.const 128)))");
        c.call(named("environment/observe", "list-services"), &[Arg::Long(b'x', 6 << 20)]);
    })
    .ends(5, "ends at the bytes of one call, before the host has them"));
    add(calls("argument-not-utf8", "C8 B10", "text that is not UTF-8, in an argument", |c| {
        c.call(named("environment/observe", "list-services"), &[Arg::Raw(b"\xff\xfe")]);
    })
    .ends(5, "ends the run, and nothing else"));
    add(finish(
        "answer-beyond",
        "C8",
        "memory for an answer that is outside of the memory",
        Caller::new().realloc("(i32.const -4)"),
        |c| {
            c.call(named("environment/observe", "list-services"), &[PROD]);
        },
    )
    .ends(5, "ends the run, and nothing else"));
    add(finish(
        "answer-trap",
        "C8",
        "giving up where the host wants memory for an answer",
        Caller::new().realloc("unreachable"),
        |c| {
            c.call(named("environment/observe", "list-services"), &[PROD]);
        },
    )
    .ends(5, "ends the run, and nothing else"));
    add(finish(
        "answer-loop",
        "C1",
        "an endless loop where the host wants memory for an answer",
        Caller::new().realloc("(loop (br 0)) (i32.const 0)"),
        |c| {
            c.call(named("environment/observe", "list-services"), &[PROD]);
        },
    )
    .ends(5, "ends in time"));
    add(finish(
        "effect-then-loop",
        "C1 C8",
        "an effect, and an endless loop where its answer goes",
        Caller::new().realloc("(loop (br 0)) (i32.const 0)"),
        |c| {
            c.call(set, &[PROD, WORKER, Arg::Word("mine = 1")]);
            c.then("(loop (br 0))");
        },
    )
    .ends(5, "ends in time, after one granted effect that is told")
    .effects("remediate", 1)
    .effects("everything", 1)
    .effects("budget", 1));
    add(calls("effect-then-trap", "C8", "an effect, and giving up behind it", |c| {
        c.call(set, &[PROD, WORKER, Arg::Word("mine = 1")]);
        c.then("unreachable");
    })
    .ends(5, "ends, after one granted effect that is told")
    .effects("remediate", 1)
    .effects("everything", 1)
    .effects("budget", 1));
    add(calls("many-small-steps", "D12", "40 small changes, each of which is allowed", |c| {
        c.times(40, set, &[PROD, WORKER, Arg::Word("mine = 1")]);
    })
    .ends(0, "ends at the policy's five in a run, and at the budget's one in a day")
    .says("denied")
    .effects("remediate", 5)
    .effects("everything", 5)
    .effects("budget", 1));
    add(calls("down-by-scale", "D12", "a service scaled to nothing, and to 4 billion", |c| {
        for replicas in [0, 65, 0xffff_ffff] {
            c.call(
                named("environment/remediate", "scale-service"),
                &[PROD, WORKER, Arg::I32(replicas)],
            );
        }
    })
    .ends(0, denied)
    .says("denied"));
    add(calls("down-by-settings", "D12", "settings of 70 KiB", |c| {
        c.call(set, &[PROD, WORKER, Arg::Long(b'#', 70_000)]);
    })
    .ends(0, denied)
    .says("denied"));
    add(calls(
        "settings-elsewhere",
        "D12 D1",
        "settings for a service whose name leads to another",
        |c| {
            for service in
                [&b"worker/../db"[..], b"db\0", b"..", b"*", b"worker db", b"worker%2f..%2fdb", b""]
            {
                c.call(set, &[PROD, Arg::Raw(service), Arg::Word("mine = 1")]);
            }
        },
    )
    .ends(0, denied)
    .says("denied"));
    add(calls("version-far", "D12", "a version that there is not", |c| {
        for version in [0, 0xffff_ffff, 77] {
            c.call(
                named("environment/remediate", "rollback-config"),
                &[PROD, WORKER, Arg::I32(version)],
            );
        }
    })
    .ends(0, "is refused, and nothing changes"));
    add(calls(
        "selectors",
        "D12 D1",
        "environments that are selectors, or names that mean something else",
        |c| {
            each(c, "environment/observe", "list-services", &raw(&NAMES, &[]));
        },
    )
    .ends(0, denied)
    .says("denied"));
    add(calls("log-lines", "C4 C3", "4 billion lines of a log", |c| {
        c.call(named("environment/observe", "logs"), &[PROD, WORKER, Arg::I32(0xffff_ffff)]);
    })
    .ends(0, denied)
    .says("denied"));
    add(calls(
        "teardown-by-steps",
        "D12",
        "each service stopped, one after the other, and then the environment",
        |c| {
            for service in ["api", "db", "worker"] {
                c.call(named("environment/teardown", "stop-service"), &[PROD, Arg::Word(service)]);
            }
            c.call(named("environment/teardown", "delete-environment"), &[PROD]);
        },
    )
    .ends(4, "is planned and put before people as a whole; nothing happens"));
    add(calls("teardown-selectors", "D12", "environments deleted by selectors", |c| {
        each(c, "environment/teardown", "delete-environment", &raw(&NAMES, &[]));
    })
    .ends(0, denied)
    .says("denied"));
    add(calls("mend-then-destroy", "D12 A5", "a harmless change, and behind it a deletion", |c| {
        c.call(set, &[PROD, WORKER, Arg::Word("mine = 1")]);
        c.call(named("environment/teardown", "delete-service"), &[PROD, Arg::Word("db")]);
    })
    .ends(4, "is planned, the change too; nothing happens"));
    add(calls("destroy-flood", "D12 C3", "a service deleted for ever", |c| {
        c.for_ever(named("environment/teardown", "delete-service"), &[PROD, Arg::Word("db")]);
    })
    .ends(5, "is planned, and ends at the limits of a run; nothing happens"));
    add(calls("paths-read", "D1 D2 A3", "files by paths that lead out of their folder", |c| {
        let calls: Vec<_> = PATHS.iter().map(|path| vec![NOTES, Arg::Raw(path)]).collect();
        each(c, "files/read", "read-text", &calls);
    })
    .ends(0, denied)
    .says("denied"));
    add(calls(
        "paths-write",
        "D1 D2 A3",
        "files written by paths that lead out of their folder, one of them into compiled plugins",
        |c| {
            let calls: Vec<_> =
                PATHS.iter().map(|path| vec![NOTES, Arg::Raw(path), Arg::Word("mine")]).collect();
            each(c, "files/write", "write-text", &calls);
        },
    )
    .ends(0, denied)
    .says("denied"));
    add(calls(
        "paths-remove",
        "D1 D2",
        "files deleted by paths that lead out of their folder",
        |c| {
            let calls: Vec<_> = PATHS.iter().map(|path| vec![NOTES, Arg::Raw(path)]).collect();
            each(c, "files/remove", "delete-file", &calls);
        },
    )
    .ends(0, denied)
    .says("denied"));
    add(calls("folders-unknown", "D1", "folders that nobody configured", |c| {
        for folder in
            [&b".interlock"[..], b"..", b"/", b"notes/..", b"notes\0", b"plugins", b"environments"]
        {
            c.call(named("files/read", "list-root"), &[Arg::Raw(folder), Arg::NoText]);
        }
    })
    .ends(0, denied)
    .says("denied"));
    add(calls("hosts", "D4 D5 D7", "requests to hosts that nobody configured", |c| {
        each(
            c,
            "http/fetch",
            "get",
            &raw(&HOSTS, &[Arg::Word("incidents"), Arg::Empty, Arg::Empty]),
        );
    })
    .ends(0, denied)
    .says("denied"));
    add(calls("urls", "D4 D11", "paths that are another path to some server", |c| {
        for path in URLS {
            c.call(get, &[STATUS, Arg::Word(path), Arg::Empty, Arg::Empty]);
        }
    })
    .ends(0, denied)
    .says("denied"));
    add(calls("redirect", "D6", "a page that sends its reader to another port", |c| {
        c.call(get, &[STATUS, Arg::Word("incidents/away"), Arg::Empty, Arg::Empty]);
    })
    .ends(0, "is told of the redirect, and nobody follows it"));
    for (name, rows, what, pair) in [
        (
            "own-authorization",
            "D8 D10",
            "a credential of the plugin's own, for an account of its own",
            &[("authorization", "Bearer mine")][..],
        ),
        ("own-cookie", "D8", "a cookie of the plugin's own", &[("cookie", "session=mine")]),
        (
            "own-host",
            "D11 D7",
            "another host in the request than the one it goes to",
            &[("host", "attacker.example")],
        ),
        (
            "framing",
            "D11",
            "a body whose end the server would see elsewhere",
            &[("transfer-encoding", "chunked"), ("content-length", "0")],
        ),
        (
            "hop-by-hop",
            "D11",
            "headers that are between two machines",
            &[("connection", "upgrade"), ("upgrade", "h2c")],
        ),
        (
            "line-end",
            "D11",
            "a header in a header's value",
            &[("x-note", "a\r\nauthorization: Bearer mine")],
        ),
        ("line-end-name", "D11", "a header in a header's name", &[("x-note: a\r\nx-other", "b")]),
        (
            "override",
            "D11",
            "a header that makes a request another one",
            &[("x-http-method-override", "DELETE")],
        ),
    ] {
        add(calls(name, rows, what, |c| {
            c.call(
                post,
                &[
                    STATUS,
                    Arg::Word("incidents"),
                    Arg::Empty,
                    Arg::Pairs(pair),
                    Arg::Body("text/plain", "x"),
                ],
            );
        })
        .ends(0, "is refused before anything is sent")
        .says("denied"));
    }
    add(calls("echo", "D10", "a server that tells back the credential that it was sent", |c| {
        c.call(get, &[STATUS, Arg::Word("incidents"), Arg::Empty, Arg::Empty]);
        // Whatever came is returned: as many bytes as there are at the place for answers.
    })
    .ends(0, "has the page without the credential"));
    add(calls("query-unlisted", "D8 D9", "a query that the endpoint does not list", |c| {
        c.call(
            get,
            &[
                STATUS,
                Arg::Word("incidents"),
                Arg::Pairs(&[("exfiltrate", "c2VjcmV0")]),
                Arg::Empty,
            ],
        );
    })
    .ends(0, "is refused before anything is sent")
    .says("denied"));
    add(calls(
        "query-flood",
        "D9",
        "a secret, eight characters at a time, in queries of a run that plans",
        |c| {
            c.times(
                300,
                get,
                &[STATUS, Arg::Word("incidents"), Arg::Pairs(&[("state", "c2VjcmV0")]), Arg::Empty],
            );
            c.call(
                named("http/remove", "delete"),
                &[STATUS, Arg::Word("incidents/7"), Arg::Empty, Arg::Empty],
            );
        },
    )
    .ends(5, "ends at the bytes that a plan may tell the outside"));
    add(calls("file-to-page", "D8 D9", "a file read, and posted where posts are granted", |c| {
        c.call(named("files/read", "read-text"), &[NOTES, Arg::Word("kept.txt")]);
        c.call(
            post,
            &[STATUS, Arg::Word("admin"), Arg::Empty, Arg::Empty, Arg::Body("text/plain", "kept")],
        );
    })
    .ends(0, "can read and post only where that was granted")
    .says("denied"));
    add(calls("keys-elsewhere", "D1 A4", "keys that lead to another plugin's", |c| {
        for key in [
            &b"../neighbour/secret"[..],
            b"/neighbour/secret",
            b"..",
            b"",
            b"a//b",
            b"a\0b",
            b"%2e%2e/x",
        ] {
            c.call(named("kv/read", "get"), &[Arg::Raw(key)]);
        }
    })
    .ends(0, "sees none of another plugin's keys"));
    add(calls("keys-many", "C4 D12", "a value a hundred times over", |c| {
        c.times(100, named("kv/write", "set"), &[Arg::Word("kept"), Arg::Word("x")]);
    })
    .ends(0, "ends at the policy's five in a run")
    .effects("everything", 5)
    .says("denied"));
    add(calls("value-large", "C4", "a value of 100 KiB, where 64 are kept", |c| {
        c.call(named("kv/write", "set"), &[Arg::Word("large"), Arg::Long(b'x', 102_400)]);
    })
    .ends(0, "is refused, and not kept"));
    all
}
