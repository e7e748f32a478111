//! Every function of every built-in capability, with its types as its WIT has them and its core signature. A test
//! compares the list with the WIT files, so that a new function is tried, too.

/// One function.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) capability: &'static str,
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static str,
    pub(crate) result: &'static str,
    /// Core parameters, without the pointer to the answer.
    pub(crate) flat: &'static str,
}

/// An argument, as core values.
#[derive(Clone, Debug)]
pub(crate) enum Arg {
    Word(&'static str),
    Raw(&'static [u8]),
    /// The same byte so many times.
    Long(u8, u32),
    I32(i64),
    I64(i64),
    /// `option<u32>`.
    None,
    /// `option<string>`.
    NoText,
    /// An empty list.
    Empty,
    Pairs(&'static [(&'static str, &'static str)]),
    /// `option<record { content-type: string, text: string }>`.
    Body(&'static str, &'static str),
}

const S2: &str = "(param \"environment\" string) (param \"service\" string)";
const FP: &str = "(param \"folder\" string) (param \"path\" string)";
const FPC: &str = "(param \"folder\" string) (param \"path\" string) (param \"content\" string)";
const GET: &str = "(param \"endpoint\" string) (param \"path\" string) (param \"query\" (list $pair)) (param \"headers\" (list $pair))";
const POST: &str = "(param \"endpoint\" string) (param \"path\" string) (param \"query\" (list $pair)) (param \"headers\" (list $pair)) (param \"body\" (option $body))";
const OK: &str = "(result (result (error $e)))";
const I2: &str = "i32 i32";
const I4: &str = "i32 i32 i32 i32";
const I6: &str = "i32 i32 i32 i32 i32 i32";
const I8: &str = "i32 i32 i32 i32 i32 i32 i32 i32";
const I13: &str = "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32";

const fn door(
    capability: &'static str,
    name: &'static str,
    parameters: &'static str,
    flat: &'static str,
    result: &'static str,
) -> Door {
    Door { capability, name, parameters, result, flat }
}

const OBSERVE: &str = "environment/observe";
const REMEDIATE: &str = "environment/remediate";
const TEARDOWN: &str = "environment/teardown";

/// All of them.
pub(crate) static DOORS: [Door; 36] = [
    door(OBSERVE, "list-environments", "", "", "(result (result (list string) (error $e)))"),
    door(
        OBSERVE,
        "list-services",
        "(param \"environment\" string)",
        I2,
        "(result (result (list string) (error $e)))",
    ),
    door(OBSERVE, "service-status", S2, I4, "(result (result $status (error $e)))"),
    door(
        OBSERVE,
        "read-config",
        "(param \"environment\" string) (param \"service\" string) (param \"version\" (option u32))",
        I6,
        "(result (result $config (error $e)))",
    ),
    door(
        OBSERVE,
        "logs",
        "(param \"environment\" string) (param \"service\" string) (param \"lines\" u32)",
        "i32 i32 i32 i32 i32",
        "(result (result string (error $e)))",
    ),
    door(REMEDIATE, "restart-service", S2, I4, OK),
    door(
        REMEDIATE,
        "set-config",
        "(param \"environment\" string) (param \"service\" string) (param \"content\" string)",
        I6,
        "(result (result u32 (error $e)))",
    ),
    door(
        REMEDIATE,
        "rollback-config",
        "(param \"environment\" string) (param \"service\" string) (param \"version\" u32)",
        "i32 i32 i32 i32 i32",
        OK,
    ),
    door(
        REMEDIATE,
        "scale-service",
        "(param \"environment\" string) (param \"service\" string) (param \"replicas\" u32)",
        "i32 i32 i32 i32 i32",
        OK,
    ),
    door(TEARDOWN, "stop-service", S2, I4, OK),
    door(TEARDOWN, "delete-service", S2, I4, OK),
    door(TEARDOWN, "delete-environment", "(param \"environment\" string)", I2, OK),
    door(TEARDOWN, "recreate-environment", "(param \"environment\" string)", I2, OK),
    door(
        "files/read",
        "list-root",
        "(param \"folder\" string) (param \"after\" (option string))",
        "i32 i32 i32 i32 i32",
        "(result (result $listing (error $e)))",
    ),
    door(
        "files/read",
        "list-folder",
        "(param \"folder\" string) (param \"path\" string) (param \"after\" (option string))",
        "i32 i32 i32 i32 i32 i32 i32",
        "(result (result $listing (error $e)))",
    ),
    door("files/read", "stat", FP, I4, "(result (result $info (error $e)))"),
    door("files/read", "read-text", FP, I4, "(result (result string (error $e)))"),
    door(
        "files/read",
        "read-bytes",
        "(param \"folder\" string) (param \"path\" string) (param \"offset\" u64) (param \"length\" u32)",
        "i32 i32 i32 i32 i64 i32",
        "(result (result $part (error $e)))",
    ),
    door("files/write", "write-text", FPC, I6, OK),
    door("files/write", "write-bytes", FPC, I6, OK),
    door("files/write", "append-text", FPC, I6, OK),
    door("files/write", "make-folder", FP, I4, OK),
    door("files/remove", "delete-file", FP, I4, OK),
    door("files/remove", "delete-folder", FP, I4, OK),
    door("http/fetch", "get", GET, I8, "(result (result $response (error $e)))"),
    door("http/fetch", "head", GET, I8, "(result (result $response (error $e)))"),
    door("http/send", "post", POST, I13, OK),
    door("http/send", "put", POST, I13, OK),
    door("http/send", "patch", POST, I13, OK),
    door("http/remove", "delete", GET, I8, OK),
    door(
        "kv/read",
        "get",
        "(param \"key\" string)",
        I2,
        "(result (result (option string) (error $e)))",
    ),
    door(
        "kv/read",
        "keys",
        "(param \"folder\" string) (param \"after\" (option string)) (param \"most\" u32)",
        I6,
        "(result (result $page (error $e)))",
    ),
    door(
        "kv/read",
        "all-keys",
        "(param \"after\" (option string)) (param \"most\" u32)",
        I4,
        "(result (result $page (error $e)))",
    ),
    door("kv/write", "set", "(param \"key\" string) (param \"value\" string)", I4, OK),
    door(
        "kv/write",
        "set-if",
        "(param \"key\" string) (param \"expected\" (option string)) (param \"value\" string)",
        "i32 i32 i32 i32 i32 i32 i32",
        OK,
    ),
    door("kv/remove", "delete", "(param \"key\" string)", I2, "(result (result bool (error $e)))"),
];

/// A function by its capability and name.
#[expect(clippy::panic, reason = "a name that is mistyped in a table of these tests")]
pub(crate) fn named(capability: &str, name: &str) -> &'static Door {
    let found = DOORS.iter().find(|door| door.capability == capability && door.name == name);
    found.unwrap_or_else(|| panic!("there is no `{capability}` `{name}`"))
}

/// The types that a function needs, in the order in which they are defined.
pub(crate) fn types(door: &Door) -> Vec<&'static str> {
    let error = match door.capability.split('/').next() {
        Some("environment") => {
            "(type $e' (variant (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e')))"
        }
        Some("files") => {
            "(type $e' (variant (case \"denied\" string) (case \"not-found\" string) (case \"invalid\" string) (case \"conflict\" string) (case \"full\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e')))"
        }
        Some("kv") => {
            "(type $e' (variant (case \"denied\" string) (case \"conflict\" string) (case \"full\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e')))"
        }
        _ => {
            "(type $e' (variant (case \"denied\" string) (case \"conflict\" string) (case \"failed\" string))) (export \"error\" (type $e (eq $e')))"
        }
    };
    let mut types = vec![error];
    let mut also = |word: &str, ty: &'static str| {
        if door.parameters.contains(word) || door.result.contains(word) {
            types.push(ty);
        }
    };
    also(
        "$status",
        "(type $h' (enum \"healthy\" \"unhealthy\" \"unknown\")) (export \"health\" (type $h (eq $h'))) (type $r' (record (field \"index\" u32) (field \"pid\" (option u32)) (field \"health\" $h) (field \"last-exit\" (option s32)) (field \"detail\" string))) (export \"replica\" (type $r (eq $r'))) (type $s' (record (field \"environment\" string) (field \"service\" string) (field \"healthy\" bool) (field \"wanted\" u32) (field \"replicas\" (list $r)) (field \"config-version\" u32) (field \"last-healthy-version\" (option u32)))) (export \"status\" (type $status (eq $s')))",
    );
    also(
        "$config",
        "(type $c' (record (field \"version\" u32) (field \"content\" string) (field \"versions\" (list u32)))) (export \"service-config\" (type $config (eq $c')))",
    );
    also(
        "$listing",
        "(type $k' (enum \"file\" \"folder\" \"other\")) (export \"kind\" (type $k (eq $k'))) (type $n' (record (field \"name\" string) (field \"kind\" $k) (field \"size\" u64))) (export \"entry\" (type $n (eq $n'))) (type $l' (record (field \"entries\" (list $n)) (field \"more\" bool))) (export \"listing\" (type $listing (eq $l')))",
    );
    also(
        "$info",
        "(type $ik' (enum \"file\" \"folder\" \"other\")) (export \"kind\" (type $ik (eq $ik'))) (type $i' (record (field \"kind\" $ik) (field \"size\" u64) (field \"modified\" s64))) (export \"info\" (type $info (eq $i')))",
    );
    also(
        "$part",
        "(type $p' (record (field \"content\" string) (field \"size\" u64))) (export \"part\" (type $part (eq $p')))",
    );
    also(
        "$page",
        "(type $g' (record (field \"keys\" (list string)) (field \"more\" bool))) (export \"page\" (type $page (eq $g')))",
    );
    if door.capability.starts_with("http/") {
        types.push("(type $pair' (record (field \"name\" string) (field \"value\" string))) (export \"pair\" (type $pair (eq $pair')))");
    }
    let mut also = |word: &str, ty: &'static str| {
        if door.parameters.contains(word) || door.result.contains(word) {
            types.push(ty);
        }
    };
    also(
        "$body",
        "(type $body' (record (field \"content-type\" string) (field \"text\" string))) (export \"body\" (type $body (eq $body')))",
    );
    also(
        "$response",
        "(type $content' (variant (case \"text\" string) (case \"base64\" string))) (export \"content\" (type $content (eq $content'))) (type $response' (record (field \"status\" u16) (field \"headers\" (list $pair)) (field \"content\" $content))) (export \"response\" (type $response (eq $response')))",
    );
    types
}
