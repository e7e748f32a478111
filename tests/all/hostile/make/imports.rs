//! Imports that are nobody's, almost somebody's, or somebody's under another name.

use super::super::attack::Attack;
use super::attack;
use super::text::around;

const BODY: &str = "(func (export \"run\") (result i32) (i32.const 1))";
const RUN: &str = "(func (export \"run\") (result u32) (canon lift (core func $c \"run\")))";
const TEARDOWN: &str = "(instance (export \"f\" (func)))";

fn import(name: &str, rows: &str, what: &str, import: &str) -> Attack {
    attack(name, rows, what, around(import, BODY, RUN))
        .refused(2, "is not linked: the host has nothing of this name")
}

fn named(name: &str, rows: &str, what: &str, interface: &str) -> Attack {
    import(name, rows, what, &format!("(import \"{interface}\" {TEARDOWN})"))
}

pub(super) fn all() -> Vec<Attack> {
    vec![
        named(
            "version-patch",
            "A6",
            "a version that semantic versioning would satisfy",
            "interlock:environment/teardown@0.1.1",
        ),
        named(
            "version-minor",
            "A6",
            "the next version of a capability",
            "interlock:environment/teardown@0.2.0",
        ),
        named(
            "version-none",
            "A6",
            "a capability without a version",
            "interlock:environment/teardown",
        ),
        named(
            "version-build",
            "A6",
            "the version with build metadata",
            "interlock:environment/teardown@0.1.0+x",
        ),
        named(
            "version-pre",
            "A6",
            "the version before the version",
            "interlock:environment/teardown@0.1.0-rc.1",
        ),
        named(
            "version-zero",
            "A6",
            "a version with a leading zero",
            "interlock:environment/teardown@0.01.0",
        ),
        named(
            "name-capital",
            "A4",
            "a capability in capital letters",
            "interlock:environment/TEARDOWN@0.1.0",
        ),
        named(
            "name-hyphen",
            "A4",
            "a hyphen that is U+2011",
            "interlock:environment/tear\u{2011}down@0.1.0",
        ),
        named(
            "name-cyrillic",
            "A4",
            "a Cyrillic letter in a capability's name",
            "interlock:environment/t\u{435}ardown@0.1.0",
        ),
        named(
            "name-zero-width",
            "A4",
            "a joiner that nobody sees in a capability's name",
            "interlock:environment/teardown\u{200d}@0.1.0",
        ),
        named(
            "name-space",
            "A4",
            "a space before the version",
            "interlock:environment/teardown @0.1.0",
        ),
        named(
            "name-package",
            "A4",
            "another package's capability of the same name",
            "interl0ck:environment/teardown@0.1.0",
        ),
        named(
            "name-nested",
            "A4",
            "a namespace in a namespace",
            "interlock:environment:prod/teardown@0.1.0",
        ),
        named("host-itself", "A5", "the host's own state", "interlock:host/config@0.1.0"),
        named(
            "approval-desk",
            "A5",
            "the approval desk, which no plugin can reach",
            "interlock:approval/approve@0.1.0",
        ),
        named(
            "wasi-http",
            "A5 D4",
            "HTTP past the capability, with hosts of the plugin's choice",
            "wasi:http/outgoing-handler@0.2.6",
        ),
        named("wasi-keyvalue", "A5", "a store of WASI", "wasi:keyvalue/store@0.2.0"),
        named("wasi-threads", "C14", "a way to begin a thread", "wasi:thread/spawn@0.2.0"),
        named("wasi-next", "A6", "WASI of the next generation", "wasi:cli/environment@0.3.0"),
        named("wasi-unversioned", "A6", "WASI without a version", "wasi:cli/environment"),
        named(
            "wasi-preview1",
            "A5 D2",
            "WASI of the generation before, with its descriptors",
            "wasi:snapshot-preview1/fd@0.2.0",
        ),
        import(
            "bare-function",
            "A5",
            "a function outside of any interface",
            "(import \"delete-environment\" (func))",
        ),
        import(
            "a-resource",
            "A5 C4",
            "a capability that hands out handles",
            "(import \"acme:r/r@1.0.0\" (instance (export \"r\" (type (sub resource)))))",
        ),
        import("a-core-module", "A5", "core code of the host's", "(import \"m\" (core module))"),
        import("a-component", "A5", "a component of the host's", "(import \"m\" (component))"),
        import(
            "inside-an-interface",
            "A5",
            "an interface inside an interface",
            "(import \"interlock:environment/teardown@0.1.0\" (instance (export \"deeper\" (instance (export \"delete-environment\" (func))))))",
        ),
        import(
            "by-url",
            "A5 D4",
            "an import that names where it is to be loaded from",
            "(import \"url=<http://127.0.0.1/x>\" (func))",
        ),
        import(
            "by-hash",
            "A5",
            "an import that names the digest of what it wants",
            "(import \"integrity=<sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=>\" (func))",
        ),
        import(
            "by-lock",
            "A5",
            "an import that another tool is to have resolved",
            "(import \"unlocked-dep=<interlock:environment@{>=0.1.0}>\" (component))",
        ),
        import(
            "floor-no-such",
            "A5",
            "a function that the floor's interface does not have",
            "(import \"wasi:random/random@0.2.6\" (instance (export \"read-minds\" (func))))",
        ),
        import(
            "floor-other-type",
            "A5",
            "a function of the floor's with another result",
            "(import \"wasi:random/random@0.2.6\" (instance (export \"get-random-u64\" (func (result u32)))))",
        ),
        import(
            "twice",
            "A4",
            "the same import twice",
            "(import \"interlock:environment/teardown@0.1.0\" (instance (export \"f\" (func)))) (import \"interlock:environment/teardown@0.1.0\" (instance (export \"f\" (func))))",
        ),
        import(
            "unknown-function",
            "A5",
            "a function that the host's interface does not have",
            "(import \"interlock:environment/teardown@0.1.0\" (instance (export \"delete-everything\" (func))))",
        ),
        import(
            "async-name",
            "A6",
            "a function whose name says that it is a method of something",
            "(import \"interlock:environment/teardown@0.1.0\" (instance (export \"[constructor]x\" (func))))",
        ),
        import(
            "type-of-a-handle",
            "A5 C4",
            "a handle's type, in an interface that has none",
            "(import \"interlock:environment/teardown@0.1.0\" (instance (export \"error\" (type (sub resource)))))",
        ),
    ]
}
