//! What a plugin needs in every file: `use interlock_guest::prelude::*;`.
//!
//! Everything is named one by one, so that a new item of the SDK cannot shadow a plugin's own.

pub use crate::error::{ErrorKind, ToolError};
pub use crate::{plugin, tool};
pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};
pub use serde_json::{Value, json};
