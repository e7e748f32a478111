//! The inert WASI floor: connected to nothing, the same in every run.

use crate::{
    harness::{TestGate, admit, inspect, next_call_is_served, quick, run, run_with, settings},
    text::LIBC,
};
use interlock_sandbox::{LimitKind, Limits, RunOutcome};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Clocks, random numbers, environment, arguments, exit, standard output and sockets.
fn floor() -> String {
    format!(
        r#"(component $C
  (import "wasi:io/error@0.2.6" (instance $err (export "error" (type (sub resource)))))
  (alias export $err "error" (type $error))
  (import "wasi:io/poll@0.2.6" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $os (sub resource)))
    (alias outer $C $error (type $e0))
    (export "error" (type $e (eq $e0)))
    (type $se' (variant (case "last-operation-failed" (own $e)) (case "closed")))
    (export "stream-error" (type $se (eq $se')))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $os)) (param "contents" (list u8)) (result (result (error $se)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.3" (instance $stdout
    (alias outer $C $stream (type $o0)) (export "output-stream" (type $o (eq $o0)))
    (export "get-stdout" (func (result (own $o))))))
  (import "wasi:cli/environment@0.2.6" (instance $env
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (import "wasi:cli/exit@0.2.6" (instance $exit (export "exit" (func (param "status" (result))))))
  (import "wasi:clocks/monotonic-clock@0.2.6" (instance $clock
    (alias outer $C $pollable (type $p0)) (export "pollable" (type $p (eq $p0)))
    (export "now" (func (result u64)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
  (import "wasi:clocks/wall-clock@0.2.6" (instance $wall
    (type $d' (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $d (eq $d')))
    (export "now" (func (result $d)))))
  (import "wasi:random/random@0.2.6" (instance $random (export "get-random-u64" (func (result u64)))))
  (import "wasi:random/insecure-seed@0.2.6" (instance $seed
    (export "insecure-seed" (func (result (tuple u64 u64))))))
  (import "wasi:sockets/network@0.2.6" (instance $net
    (type $c' (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory"
      "timeout" "concurrency-conflict" "not-in-progress" "would-block" "invalid-state"
      "new-socket-limit" "address-not-bindable" "address-in-use" "remote-unreachable"
      "connection-refused" "connection-reset" "connection-aborted" "datagram-too-large"
      "name-unresolvable" "temporary-resolver-failure" "permanent-resolver-failure"))
    (export "error-code" (type (eq $c')))
    (type $f' (enum "ipv4" "ipv6"))
    (export "ip-address-family" (type (eq $f')))))
  (alias export $net "error-code" (type $code))
  (alias export $net "ip-address-family" (type $family))
  (import "wasi:sockets/tcp@0.2.6" (instance $tcp (export "tcp-socket" (type (sub resource)))))
  (alias export $tcp "tcp-socket" (type $socket))
  (import "wasi:sockets/tcp-create-socket@0.2.6" (instance $create
    (alias outer $C $code (type $c0)) (export "error-code" (type $c (eq $c0)))
    (alias outer $C $family (type $f0)) (export "ip-address-family" (type $f (eq $f0)))
    (alias outer $C $socket (type $s0)) (export "tcp-socket" (type $s (eq $s0)))
    (export "create-tcp-socket" (func (param "address-family" $f) (result (result (own $s) (error $c)))))))
  {LIBC}
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory $mem)))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-env (canon lower (func $env "get-environment") (memory $mem) (realloc (func $realloc))))
  (core func $get-args (canon lower (func $env "get-arguments") (memory $mem) (realloc (func $realloc))))
  (core func $exit' (canon lower (func $exit "exit")))
  (core func $now (canon lower (func $clock "now")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $wall-now (canon lower (func $wall "now") (memory $mem)))
  (core func $rand (canon lower (func $random "get-random-u64")))
  (core func $seed' (canon lower (func $seed "insecure-seed") (memory $mem)))
  (core func $create' (canon lower (func $create "create-tcp-socket") (memory $mem)))
  (core module $m
    (import "libc" "mem" (memory 2))
    (import "w" "block" (func $block (param i32)))
    (import "w" "write" (func $write (param i32 i32 i32 i32)))
    (import "w" "stdout" (func $stdout (result i32)))
    (import "w" "env" (func $env (param i32)))
    (import "w" "args" (func $args (param i32)))
    (import "w" "exit" (func $exit (param i32)))
    (import "w" "now" (func $now (result i64)))
    (import "w" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "w" "wall" (func $wall (param i32)))
    (import "w" "rand" (func $rand (result i64)))
    (import "w" "seed" (func $seed (param i32)))
    (import "w" "create" (func $create (param i32 i32)))
    (func (export "sleep") (param i64) (result i64) (local $a i64)
      (local.set $a (call $now))
      (call $block (call $subscribe (local.get 0)))
      (i64.sub (call $now) (local.get $a)))
    (func (export "hoard") (loop $l (drop (call $subscribe (i64.const 1))) (br $l)))
    (func (export "tick") (result i64) (local $a i64)
      (local.set $a (call $now)) (i64.sub (call $now) (local.get $a)))
    (func (export "wall") (result i64) (call $wall (i32.const 0)) (i64.load (i32.const 0)))
    (func (export "random") (result i64) (call $seed (i32.const 0))
      (i64.xor (i64.xor (call $rand) (call $rand)) (i64.load (i32.const 8))))
    (func (export "ambient") (result i32)
      (call $env (i32.const 0)) (call $args (i32.const 8))
      (i32.add (i32.load (i32.const 4)) (i32.load (i32.const 12))))
    (func (export "socket") (result i32) (call $create (i32.const 0) (i32.const 0))
      (i32.add (i32.mul (i32.load8_u (i32.const 0)) (i32.const 100)) (i32.load8_u (i32.const 4))))
    (func (export "exit") (call $exit (i32.const 1)))
    (func (export "print") (param $times i32) (local $s i32)
      (memory.fill (i32.const 1024) (i32.const 97) (i32.const 4096))
      (local.set $s (call $stdout))
      (loop $l
        (call $write (local.get $s) (i32.const 1024) (i32.const 4096) (i32.const 0))
        (local.set $times (i32.sub (local.get $times) (i32.const 1)))
        (br_if $l (local.get $times)))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "w" (instance
    (export "block" (func $block)) (export "write" (func $write)) (export "stdout" (func $get-stdout))
    (export "env" (func $get-env)) (export "args" (func $get-args)) (export "exit" (func $exit'))
    (export "now" (func $now)) (export "subscribe" (func $subscribe)) (export "wall" (func $wall-now))
    (export "rand" (func $rand)) (export "seed" (func $seed')) (export "create" (func $create'))))))
  (func (export "sleep") (param "nanoseconds" u64) (result u64) (canon lift (core func $i "sleep")))
  (func (export "hoard") (canon lift (core func $i "hoard")))
  (func (export "tick") (result u64) (canon lift (core func $i "tick")))
  (func (export "wall") (result u64) (canon lift (core func $i "wall")))
  (func (export "random") (result u64) (canon lift (core func $i "random")))
  (func (export "ambient") (result u32) (canon lift (core func $i "ambient")))
  (func (export "socket") (result u32) (canon lift (core func $i "socket")))
  (func (export "exit") (canon lift (core func $i "exit")))
  (func (export "print") (param "times" u32) (canon lift (core func $i "print"))))"#
    )
}

async fn returned(tool: &str, arguments: Value) -> Value {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let report = run(&admitted, tool, arguments).await;
    match report.outcome {
        RunOutcome::Returned(value) => value,
        outcome => panic!("{tool}: {outcome:?}"),
    }
}

#[tokio::test]
async fn the_floor_is_listed_as_inert() {
    let inspection = inspect(&floor()).await.unwrap();
    assert!(inspection.imports.is_empty() && inspection.unknown.is_empty());
    assert!(inspection.inert.contains(&"wasi:cli/stdout@0.2.3".to_owned()));
    assert!(inspection.inert.contains(&"wasi:sockets/tcp@0.2.6".to_owned()));
}

#[tokio::test]
async fn clocks_are_recorded() {
    assert_eq!(returned("tick", json!({})).await, json!("1000"), "1 µs for each read");
    assert_eq!(returned("wall", json!({})).await, json!("1700000000"));
    let slept: u64 = returned("sleep", json!({"nanoseconds": 30_000_000}))
        .await
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((30_000_000..30_010_000).contains(&slept), "the clock moved by the sleep: {slept}");
}

#[tokio::test]
async fn random_numbers_come_from_the_seed() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let draw = async |seed: u8| {
        let mut settings = settings(Limits::default());
        settings.seed = [seed; 32];
        run_with(&admitted, "random", json!({}), settings, TestGate::ok()).await.outcome
    };
    assert_eq!(draw(1).await, draw(1).await);
    assert_ne!(draw(1).await, draw(2).await);
}

#[tokio::test]
async fn no_environment_no_arguments_no_sockets() {
    assert_eq!(returned("ambient", json!({})).await, json!(0));
    assert_eq!(returned("socket", json!({})).await, json!(101), "err(access-denied)");
}

#[tokio::test]
async fn exit_is_no_way_out() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let report = run(&admitted, "exit", json!({})).await;
    assert!(
        matches!(&report.outcome, RunOutcome::Trap { message } if message.contains("exit code 1")),
        "{report:?}"
    );
}

/// A subscription that never fires.
#[tokio::test]
async fn no_sleep_outlives_the_run() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    for nanoseconds in [u64::MAX, 3_600_000_000_000] {
        let started = Instant::now();
        let arguments = json!({"nanoseconds": nanoseconds});
        let report =
            run_with(&admitted, "sleep", arguments, settings(quick()), TestGate::ok()).await;
        assert!(
            matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }),
            "{report:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(3));
        next_call_is_served().await;
    }
}

#[tokio::test]
async fn pollables_are_counted() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let report = run(&admitted, "hoard", json!({})).await;
    assert!(
        matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Count, .. }),
        "{report:?}"
    );
    next_call_is_served().await;
}

#[tokio::test]
async fn a_log_flood_is_truncated_and_counted() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let report = run(&admitted, "print", json!({"times": 1_000})).await;
    assert_eq!(report.outcome, RunOutcome::Returned(Value::Null));
    assert_eq!(report.stdout.text.len(), 64 << 10);
    assert_eq!(report.stdout.dropped_bytes, 4_096_000 - (64 << 10));
    assert_eq!((report.stderr.text.as_str(), report.stderr.dropped_bytes), ("", 0));
    next_call_is_served().await;
}

/// What was written before the end is kept, however the end was.
#[tokio::test]
async fn output_survives_the_deadline() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let arguments = json!({"times": 0});
    let report = run_with(&admitted, "print", arguments, settings(quick()), TestGate::ok()).await;
    assert!(
        matches!(report.outcome, RunOutcome::Limit { limit: LimitKind::Time, .. }),
        "{report:?}"
    );
    assert_eq!(report.stdout.text.len(), 64 << 10);
    assert!(report.stdout.dropped_bytes > 0);
}

/// Opens a path in the first preopened folder: 0, or 1000 and the error's number.
fn opener() -> String {
    format!(
        r#"(component $C
  (import "wasi:filesystem/types@0.2.6" (instance $fs
    (export "descriptor" (type $d (sub resource)))
    (type $c' (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota"
      "exist" "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io"
      "is-directory" "loop" "too-many-links" "message-size" "name-too-long" "no-device" "no-entry"
      "no-lock" "insufficient-memory" "insufficient-space" "not-directory" "not-empty"
      "not-recoverable" "unsupported" "no-tty" "no-such-device" "overflow" "not-permitted" "pipe"
      "read-only" "invalid-seek" "text-file-busy" "cross-device"))
    (export "error-code" (type $c (eq $c')))
    (type $p' (flags "symlink-follow")) (export "path-flags" (type $p (eq $p')))
    (type $o' (flags "create" "directory" "exclusive" "truncate"))
    (export "open-flags" (type $o (eq $o')))
    (type $f' (flags "read" "write" "file-integrity-sync" "data-integrity-sync"
      "requested-write-sync" "mutate-directory"))
    (export "descriptor-flags" (type $f (eq $f')))
    (export "[method]descriptor.open-at" (func (param "self" (borrow $d)) (param "path-flags" $p)
      (param "path" string) (param "open-flags" $o) (param "flags" $f)
      (result (result (own $d) (error $c)))))
    (export "[method]descriptor.unlink-file-at" (func (param "self" (borrow $d))
      (param "path" string) (result (result (error $c)))))))
  (alias export $fs "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.6" (instance $pre
    (alias outer $C $descriptor (type $d0)) (export "descriptor" (type $d (eq $d0)))
    (export "get-directories" (func (result (list (tuple (own $d) string)))))))
  {LIBC}
  (core func $open (canon lower (func $fs "[method]descriptor.open-at") (memory $mem)))
  (core func $unlink (canon lower (func $fs "[method]descriptor.unlink-file-at") (memory $mem)))
  (core func $dirs (canon lower (func $pre "get-directories") (memory $mem) (realloc (func $realloc))))
  (core module $m
    (import "libc" "mem" (memory 2))
    (import "w" "open" (func $open (param i32 i32 i32 i32 i32 i32 i32)))
    (import "w" "unlink" (func $unlink (param i32 i32 i32 i32)))
    (import "w" "dirs" (func $dirs (param i32)))
    (func $dir (result i32) (call $dirs (i32.const 0)) (i32.load (i32.load (i32.const 0))))
    (func (export "count") (result i32) (call $dirs (i32.const 0)) (i32.load (i32.const 4)))
    (func $answer (param $at i32) (result i32)
      (if (result i32) (i32.load8_u (i32.const 16))
        (then (i32.add (i32.const 1000) (i32.load8_u (local.get $at)))) (else (i32.const 0))))
    (func (export "open") (param i32 i32 i32 i32) (result i32)
      (call $open (call $dir) (i32.const 1) (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 16))
      (call $answer (i32.const 20)))
    (func (export "unlink") (param i32 i32) (result i32)
      (call $unlink (call $dir) (local.get 0) (local.get 1) (i32.const 16))
      (call $answer (i32.const 17))))
  (core instance $i (instantiate $m (with "libc" (instance $libc)) (with "w" (instance
    (export "open" (func $open)) (export "unlink" (func $unlink)) (export "dirs" (func $dirs))))))
  (func (export "count") (result u32) (canon lift (core func $i "count")))
  (func (export "open") (param "path" string) (param "create" u32) (param "flags" u32) (result u32)
    (canon lift (core func $i "open") (memory $mem) (realloc (func $realloc))))
  (func (export "unlink") (param "path" string) (result u32)
    (canon lift (core func $i "unlink") (memory $mem) (realloc (func $realloc)))))"#
    )
}

#[tokio::test]
async fn a_preopened_folder_is_read_only_and_has_walls() {
    const READ: u32 = 1;
    const WRITE: u32 = 2;
    const CREATE: u32 = 1;
    const TRUNCATE: u32 = 8;
    let root = tempfile::tempdir().unwrap();
    let notes = root.path().join("notes");
    std::fs::create_dir(&notes).unwrap();
    std::fs::write(notes.join("a"), "kept").unwrap();
    std::fs::write(root.path().join("secret"), "no").unwrap();
    std::os::unix::fs::symlink("../secret", notes.join("link")).unwrap();
    let admitted = admit(&opener(), &[]).await.unwrap();
    let run = async |tool: &str, arguments: Value, granted: bool| {
        let mut settings = settings(Limits::default());
        if granted {
            let host = notes.clone();
            settings.preopens = vec![interlock_sandbox::Preopen { host, guest: "/notes".into() }];
        }
        run_with(&admitted, tool, arguments, settings, TestGate::ok()).await.outcome
    };
    let open = async |path: &str, create: u32, flags: u32| {
        let arguments = json!({"path": path, "create": create, "flags": flags});
        match run("open", arguments, true).await {
            RunOutcome::Returned(value) => value.as_u64().unwrap(),
            outcome => panic!("{outcome:?}"),
        }
    };
    assert_eq!(
        run("count", json!({}), false).await,
        RunOutcome::Returned(json!(0)),
        "no grant, no folder"
    );
    assert_eq!(run("count", json!({}), true).await, RunOutcome::Returned(json!(1)));
    assert_eq!(open("a", 0, READ).await, 0);
    for (path, create, flags) in [
        ("a", 0, READ | WRITE),
        ("a", TRUNCATE, READ),
        ("b", CREATE, READ),
        ("../secret", 0, READ),
        ("link", 0, READ),
        ("/etc/passwd", 0, READ),
    ] {
        assert!(open(path, create, flags).await > 1000, "{path} {create} {flags}");
    }
    let RunOutcome::Returned(unlinked) = run("unlink", json!({"path": "a"}), true).await else {
        panic!("unlink did not return")
    };
    assert!(unlinked.as_u64().unwrap() > 1000);
    assert_eq!(std::fs::read_to_string(notes.join("a")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 2, "nothing was made");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_the_hosts_fault_and_nothing_runs() {
    let admitted = admit(&floor(), &[]).await.unwrap();
    let mut settings = settings(Limits::default());
    let host = "/nonexistent/notes".into();
    settings.preopens = vec![interlock_sandbox::Preopen { host, guest: "/notes".into() }];
    let report = run_with(&admitted, "tick", json!({}), settings, TestGate::ok()).await;
    assert!(
        matches!(&report.outcome, RunOutcome::HostFault { message } if message.contains("/nonexistent/notes")),
        "{report:?}"
    );
}
