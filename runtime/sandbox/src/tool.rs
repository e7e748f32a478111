//! Tools, as admission found them: the names and schemas that agents see. All of it comes from the
//! plugin, so all of it is bounded and free of invisible text (threat: instructions hidden in a
//! description).
//!
//! # Values as JSON
//! Records are objects, tuples and lists arrays, `list<u8>` base64 (RFC 4648 section 4, padded).
//! `u64` and `s64` are strings in canonical decimal form; input takes numbers too. `char` is a string
//! of one scalar. An enum is its case's name, flags an array of names. A variant is `{"case": value}`,
//! `{"case": null}` where the case carries nothing; a result is `{"ok": v}` or `{"err": v}`. An absent
//! option is `null` (or a missing key of a record); `some(v)` is `v`, except in an option of an option,
//! where it is `{"some": v}`. NaN and the infinities are `"NaN"`, `"Infinity"` and `"-Infinity"` in a
//! tool's result, and refused everywhere else.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One tool of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// `[a-z0-9][a-z0-9-]{0,62}`, unique in the plugin.
    pub name: String,
    /// A short name for people.
    pub title: Option<String>,
    /// What the plugin says that the tool does. Nobody checked it.
    pub description: String,
    /// JSON Schema (draft 2020-12) of the arguments: an object.
    pub input_schema: Value,
    /// JSON Schema of the result, where it is known.
    pub output_schema: Option<Value>,
    /// The interfaces the tool says it uses; `None` means all imports of the plugin.
    pub uses: Option<Vec<String>>,
}

/// The contract that a plugin was written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// It exports `interlock:tool/tools@0.1.0`.
    Sdk,
    /// It exports plain WIT functions: each is a tool.
    Wit,
}
