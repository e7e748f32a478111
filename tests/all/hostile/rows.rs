//! The rows of the threat model that the corpus is held to: those of A (supply and identity of tools), C (sandbox and
//! resources) and D (host functions). Each has a component, or a reason why no component can try it.

/// A row, in a few words, and why no plugin can try it, if none can.
pub(crate) const ROWS: [(&str, &str, Option<&str>); 33] = [
    ("A1", "instructions hidden in what a tool says of itself", None),
    (
        "A2",
        "an approved tool swapped for another",
        Some(
            "a plugin does not choose the bytes that are loaded; `test:swapped_bytes_are_never_run`",
        ),
    ),
    ("A3", "compiled code put into the cache", None),
    ("A4", "a tool or capability that is named like another", None),
    ("A5", "imports that were not granted", None),
    ("A6", "an interface of another version", None),
    (
        "A7",
        "a dependency of the host",
        Some("it is built before there is a plugin; `cargo xtask test deny`"),
    ),
    ("C1", "loops, and host calls that do not end", None),
    ("C2", "memory, tables and instances", None),
    ("C3", "host calls without end", None),
    ("C4", "giant arguments, results and handles", None),
    ("C5", "types and values that nest or unfold", None),
    ("C6", "floods and forgeries in logs", None),
    ("C7", "bytes that keep the compiler busy", None),
    ("C8", "crashes of the host", None),
    ("C9", "code that reads past its memory", None),
    ("C10", "what one run leaves for the next", None),
    (
        "C11",
        "an object of another engine or store",
        Some("handles are numbers in its own store, and there is one engine; by type"),
    ),
    ("C12", "bulk instructions that no clock interrupts", None),
    ("C13", "results that differ between machines", None),
    ("C14", "clocks, threads and what they tell", None),
    ("D1", "paths out of a folder", None),
    ("D2", "writing through what can only be read", None),
    ("D3", "links", None),
    ("D4", "requests to inside", None),
    ("D5", "names that lead elsewhere", None),
    ("D6", "redirects", None),
    ("D7", "names of hosts that two readers read differently", None),
    ("D8", "telling secrets to an allowed host", None),
    ("D9", "telling secrets by what is read", None),
    ("D10", "secrets that reach a plugin", None),
    ("D11", "headers that become another request", None),
    ("D12", "teardown by small steps", None),
];
