//! The `#[tool]` attribute of `interlock-guest`. It stops a tool that agents cannot understand or
//! that the host would refuse: no description, a name that MCP clients reject, an argument that is
//! not one struct, a capability name that does not exist.
#![forbid(unsafe_code)]

mod attribute;
mod expand;
mod function;

use proc_macro::TokenStream;

/// Makes a function a tool. See `interlock_guest::tool` for the whole story.
#[proc_macro_attribute]
pub fn tool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::tool(attribute.into(), item.into()).into()
}

#[cfg(test)]
mod tests;
