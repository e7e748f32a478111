//! What agents are told about a tool, in Rust's types.

use serde::Serialize;
use serde_json::Value;

/// One tool, as agents will see it (`interlock:tool/tools.tool-definition`).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolDefinition {
    /// `[a-z0-9][a-z0-9-]{0,62}`, unique in the plugin.
    pub name: String,
    /// A short name for people.
    pub title: Option<String>,
    /// The doc comment.
    pub description: String,
    /// JSON Schema 2020-12 of the arguments: always of an object.
    pub input_schema: Value,
    /// JSON Schema 2020-12 of the result.
    pub output_schema: Value,
    /// Full names of the capabilities; `None` means all imports of the plugin.
    pub uses: Option<Vec<String>>,
}
