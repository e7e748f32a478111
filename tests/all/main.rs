//! All integration tests, in one binary. Each `mod` says what belongs there; add to the one that fits.

// ARCHITECTURE.md against what cargo says: who depends on whom, and which crates must stay pure.
mod architecture;
// docs/dependencies.md against what cargo says: a reason for each direct dependency, and its licence.
mod dependencies;
// What `cargo xtask demo` promises about itself; the story is told by the demo, not here.
mod demo;
// What a release says is in it, against cargo, the lock file and the format's own schema.
mod releases;
// Rules for every source file: how it opens, how long it may be, which names are banned.
mod house;
// ARCHITECTURE.md's invariants against the sources: named where they are enforced, and tested by name.
mod invariants;
// SPECIFICATION.md against the sources: each promise has a test or a row of the benchmark, each figure its constant.
mod specification;
// What README and the other documents show: commands that exist, texts that are really printed.
mod documents;
// The components of tests/cases/: hostile, malformed, ungranted. A new one is a file there, not code here.
mod cases;
// What the product is for: stories from an empty folder to their end, with example plugins and real processes.
mod journeys;
// The path of a tool developer: the page about a first plugin is run.
mod developing;
// The same plugin in several languages: to whoever calls it, there is one.
mod languages;
// What people type wrong: arguments, names, resources, configuration. Exit code, words, nothing changed.
mod mistakes;
// What is shown and how it ends: terminal bytes, output that cannot be written, commands to paste, refusals.
mod surface;
// What `doctor` finds: a host that cannot start, files of others, what was left behind, unknown ends.
mod doctor;
// A capability that no host has heard of, by the blocks of its guide.
mod define;
// The capabilities that teams start from, against servers that really do it.
mod samples;
// HTTP by the example plugin and a real server: endpoints, credentials, what is sent and what is not.
mod endpoints;
// Keys and values by the example plugin: kept apart, bounded by grants, deleted when people say so.
mod keeping_values;
// Three people with keys and a call that they sign for: what the next ones begin with, no tests.
mod desk;
// People, signatures, and what happens because of them: once, exactly, and not if anything changed.
mod approvals;
// More authority for a while: asked for, signed, used, run out, taken back.
mod elevations;
// Rules that were sealed: changed by the people of those rules, and by nobody else.
mod seal;
// Agents over MCP: clients that are not ours, tokens, the door of `serve`, the bridge, the guide's snippets.
mod agents;
// Receipts: from a call to a check with a key alone, and against an export.
mod receipts;
// Recorded runs, done again: every example's, a thousand times, and where another build parts.
mod replay;
// One thing at a time is other than when people approved, or was edited since: its own code, nothing happens.
mod matrix;
// Runs that are planned first, what is forbidden, and the document that people read.
mod planning;
// What is missing, empty, broken or full: nothing happens.
mod closed;
// Years of a deployment: backups of the journal, restoring one, erasing what is old.
mod keeping;
// Files below configured folders: written where granted, deleted when people signed.
mod folders;
// Budgets: many small steps, after one another and at once.
mod budgets;
// The fuzz targets over their corpora and what lies near them; for longer, `cargo xtask fuzz`.
mod fuzzing;
// The real binary, killed at any moment, on a disk that fails or forgets.
mod crashes;
// The corpus of components that attack the host, on one host that runs the whole time.
mod hostile;
