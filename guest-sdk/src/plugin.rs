//! A plugin's list of tools and the dispatch behind `describe` and `call`. The native test kit and
//! the component's exports go through the same two functions, so a test cannot pass by another road.

use schemars::Schema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments;
use crate::definition::ToolDefinition;
use crate::error::ToolError;
use crate::schema::require_object;

/// The version of the SDK, which `plugin!` stamps into the component.
#[doc(hidden)]
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A plugin: its tools, in the order of [`plugin!`](crate::plugin).
#[derive(Debug)]
pub struct Plugin {
    tools: &'static [Entry],
}

/// One tool, as `#[tool]` writes it down.
#[doc(hidden)]
#[derive(Debug)]
pub struct Entry {
    pub name: &'static str,
    pub title: Option<&'static str>,
    pub description: &'static str,
    pub uses: Option<&'static [&'static str]>,
    pub input_schema: fn() -> Schema,
    pub output_schema: fn() -> Schema,
    pub call: fn(&str) -> Result<String, ToolError>,
}

/// Implemented by `#[tool]` and by nothing else.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "put `#[tool]` on this function"
)]
pub trait Tool {
    /// The tool.
    const ENTRY: Entry;
}

/// `Result<T, E>` where `E` converts into a [`ToolError`].
#[diagnostic::on_unimplemented(
    message = "a tool returns `T` or `Result<T, E>` where `E` converts into `ToolError`",
    note = "implement `From<E> for ToolError`, or use `.map_err(ToolError::failed)`"
)]
pub trait ToolResult {
    /// What the tool returns when it succeeds.
    type Output;
    /// The result with the SDK's error.
    ///
    /// # Errors
    /// The tool's own error, converted.
    fn into_result(self) -> Result<Self::Output, ToolError>;
}

impl<T, E: Into<ToolError>> ToolResult for Result<T, E> {
    type Output = T;
    fn into_result(self) -> Result<T, ToolError> {
        self.map_err(Into::into)
    }
}

impl Plugin {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(tools: &'static [Entry]) -> Self {
        Self { tools }
    }

    /// What agents are told about the tools.
    ///
    /// # Errors
    /// The first tool whose argument type is not an object in JSON, named.
    pub fn describe(&self) -> Result<Vec<ToolDefinition>, String> {
        let describe = |tool: &Entry| {
            Ok(ToolDefinition {
                name: tool.name.into(),
                title: tool.title.map(Into::into),
                description: tool.description.into(),
                input_schema: require_object((tool.input_schema)())
                    .map_err(|problem| format!("tool `{}`: {problem}", tool.name))?,
                output_schema: (tool.output_schema)().to_value(),
                uses: tool.uses.map(|uses| uses.iter().map(|name| (*name).into()).collect()),
            })
        };
        self.tools.iter().map(describe).collect()
    }

    /// Runs the tool `name` on `arguments`, a JSON object, and returns its result as JSON.
    ///
    /// # Errors
    /// `unknown-tool`, `invalid-arguments` with the path of the first mistake, or the tool's own.
    pub fn call(&self, name: &str, arguments: &str) -> Result<String, ToolError> {
        (self.find(name)?.call)(arguments)
    }

    pub(crate) fn find(&self, name: &str) -> Result<&'static Entry, ToolError> {
        self.tools.iter().find(|tool| tool.name == name).ok_or_else(|| {
            let known: Vec<_> = self.tools.iter().map(|tool| format!("`{}`", tool.name)).collect();
            ToolError::unknown_tool(format!(
                "there is no tool `{name}` here; this plugin has {}",
                known.join(", ")
            ))
        })
    }
}

/// Reads the arguments, runs the tool, writes the result.
#[doc(hidden)]
pub fn run<A, R>(text: &str, tool: fn(A) -> R) -> Result<String, ToolError>
where
    A: DeserializeOwned + schemars::JsonSchema,
    R: ToolResult<Output: Serialize>,
{
    let output = tool(arguments::read(text)?).into_result()?;
    serde_json::to_string(&output).map_err(|error| {
        ToolError::failed(format!("the result cannot be written as JSON: {error}"))
    })
}

/// Refuses two tools of one name while compiling: the second could never be called.
#[doc(hidden)]
pub const fn assert_unique(mut tools: &[Entry]) {
    while let [first, rest @ ..] = tools {
        let mut others = rest;
        while let [other, further @ ..] = others {
            assert!(
                !same(first.name.as_bytes(), other.name.as_bytes()),
                "two tools of this plugin have the same name"
            );
            others = further;
        }
        tools = rest;
    }
}

const fn same(mut left: &[u8], mut right: &[u8]) -> bool {
    while let ([l, left_rest @ ..], [r, right_rest @ ..]) = (left, right) {
        if *l != *r {
            return false;
        }
        left = left_rest;
        right = right_rest;
    }
    left.is_empty() && right.is_empty()
}

/// [`VERSION`] as an array, which is what a static in a custom section must be.
#[doc(hidden)]
#[must_use]
pub const fn version_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(VERSION.as_bytes());
    bytes
}

/// Says which functions are the plugin's tools, in the order in which agents see them, once per
/// plugin.
///
/// The list is explicit on purpose: a dependency cannot add a tool to a plugin, and nothing runs
/// before the first call. It makes `PLUGIN`, the [`Plugin`] that tests call.
///
/// ```
/// use interlock_guest::prelude::*;
///
/// /// Says hello.
/// #[tool]
/// fn hello() -> &'static str {
///     "hello"
/// }
///
/// plugin!(hello);
///
/// assert_eq!(PLUGIN.call("hello", "{}").unwrap(), "\"hello\"");
/// ```
#[macro_export]
macro_rules! plugin {
    ($($tool:path),+ $(,)?) => {
        /// The tools of this plugin.
        pub static PLUGIN: $crate::Plugin = {
            const TOOLS: &[$crate::__private::Entry] =
                &[$(<$tool as $crate::__private::Tool>::ENTRY),+];
            const { $crate::__private::assert_unique(TOOLS) };
            $crate::Plugin::new(TOOLS)
        };

        #[cfg(target_family = "wasm")]
        const _: () = {
            /// Read by `interlock plugin inspect`.
            #[unsafe(link_section = "interlock-guest")]
            #[used]
            static VERSION: [u8; $crate::__private::VERSION.len()] =
                $crate::__private::version_bytes();

            struct Component;

            impl $crate::__private::bindings::Tools for Component {
                fn describe() -> ::std::vec::Vec<$crate::__private::bindings::ToolDefinition> {
                    $crate::__private::bindings::describe(&PLUGIN)
                }
                fn call(
                    name: ::std::string::String,
                    arguments: ::std::string::String,
                ) -> ::core::result::Result<::std::string::String, $crate::__private::bindings::ToolError>
                {
                    $crate::__private::bindings::call(&PLUGIN, &name, &arguments)
                }
            }

            $crate::__private::bindings::export_tools!(Component with_types_in $crate::__private::bindings::plugin);
        };
    };
}
