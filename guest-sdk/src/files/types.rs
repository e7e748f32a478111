//! Records of `interlock:files/types@0.1.0` as a tool sees them: they serialize and have a JSON Schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::cases;

/// Why a call did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The host refused. The text is `code: one sentence`; nothing was done.
    Denied(String),
    /// There is no such folder or file.
    NotFound(String),
    /// A path or an argument makes no sense here: a link, a device, a folder where a file must be.
    Invalid(String),
    /// The world moved between looking and acting. Nothing was done.
    Conflict(String),
    /// A limit of the folder would be passed. Nothing was done.
    Full(String),
    /// The provider tried and failed; the text says how far it got.
    Failed(String),
}

cases!(Error {
    Denied => "denied", "denied";
    NotFound => "not-found", "not found";
    Invalid => "invalid", "invalid";
    Conflict => "conflict", "the world moved";
    Full => "full", "full";
    Failed => "failed", "failed";
});

/// What a name in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, a device, a pipe, a socket: neither read nor written.
    Other,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file; 0 for everything else.
    pub size: u64,
}

/// A part of a folder's names, sorted by their bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listing {
    /// At most 500.
    pub entries: Vec<Entry>,
    /// There are names after the last one here.
    pub more: bool,
}

/// What is known of a file or a folder without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Info {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub size: u64,
    /// When its content last changed, unix seconds.
    pub modified: i64,
}
