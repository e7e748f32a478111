//! The component's edge, generated from `wit/`: what the host calls and what it may offer.
//!
//! All capability interfaces are declared here, but an import that no code calls is dropped by the
//! linker, function by function: a component asks only for what it uses.

use crate::definition;
use crate::error;
use crate::plugin::Plugin;

/// Imports: every built-in capability.
pub(crate) mod capabilities {
    wit_bindgen::generate!({
        path: ["wit/environment", "wit/files", "wit/http", "wit/kv"],
        world: "interlock:guest-capabilities/capabilities",
        inline: "
            package interlock:guest-capabilities;
            world capabilities {
                import interlock:environment/observe@0.1.0;
                import interlock:environment/remediate@0.1.0;
                import interlock:environment/teardown@0.1.0;
                import interlock:files/read@0.1.0;
                import interlock:files/write@0.1.0;
                import interlock:files/remove@0.1.0;
                import interlock:http/fetch@0.1.0;
                import interlock:http/send@0.1.0;
                import interlock:http/remove@0.1.0;
                import interlock:kv/read@0.1.0;
                import interlock:kv/write@0.1.0;
                import interlock:kv/remove@0.1.0;
            }
        ",
        generate_all,
    });
}

/// Exports: the tool contract.
pub mod plugin {
    wit_bindgen::generate!({
        path: "wit/tool",
        world: "interlock:tool/plugin",
        pub_export_macro: true,
        export_macro_name: "export_tools",
        default_bindings_module: "interlock_guest::__private::bindings::plugin",
    });
}

pub use plugin::export_tools;
pub use plugin::exports::interlock::tool::tools::{Guest as Tools, ToolDefinition, ToolError};

use plugin::exports::interlock::tool::tools::ErrorKind;

/// `describe` of the contract.
///
/// Traps, with the reason on stderr, when an argument type is not an object: the plugin can never
/// have worked, and a tool without a schema would be worse.
#[expect(
    clippy::panic,
    reason = "the contract has no error here; a trap refuses the plugin at admission"
)]
#[must_use]
pub fn describe(plugin: &Plugin) -> Vec<ToolDefinition> {
    match plugin.describe() {
        Ok(tools) => tools.into_iter().map(definition).collect(),
        Err(problem) => panic!("{problem}"),
    }
}

/// `call` of the contract.
///
/// # Errors
/// As [`Plugin::call`].
pub fn call(plugin: &Plugin, name: &str, arguments: &str) -> Result<String, ToolError> {
    plugin.call(name, arguments).map_err(|error| ToolError {
        kind: match error.kind() {
            error::ErrorKind::InvalidArguments => ErrorKind::InvalidArguments,
            error::ErrorKind::UnknownTool => ErrorKind::UnknownTool,
            error::ErrorKind::Denied => ErrorKind::Denied,
            error::ErrorKind::Failed => ErrorKind::Failed,
        },
        message: error.message().to_owned(),
        details: error.details().map(ToString::to_string),
    })
}

fn definition(tool: definition::ToolDefinition) -> ToolDefinition {
    ToolDefinition {
        name: tool.name,
        title: tool.title,
        description: tool.description,
        input_schema: tool.input_schema.to_string(),
        output_schema: Some(tool.output_schema.to_string()),
        uses: tool.uses,
    }
}
