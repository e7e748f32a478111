//! RUN IT. Admits plugins, links exactly what an invocation was granted, and runs one tool in a fresh
//! store under limits.
//!
//! The sandbox knows capability providers only as a [`Gate`]: it moves values between a plugin and the
//! gate and enforces what a machine can enforce (types, memory, time). It never decides.
#![deny(unsafe_code)]

pub mod admission;
pub mod bytes;
pub mod compile;
mod engine;
pub mod error;
mod excerpt;
mod floor;
pub mod gate;
pub mod interrupt;
mod invoke;
pub mod limits;
mod link;
pub mod report;
mod run;
pub mod sandbox;
pub mod tool;
mod value;

pub use admission::{Admitted, Described, Inspection, UnknownImport};
pub use bytes::PluginBytes;
pub use compile::{Artifact, ArtifactCache, Compiler, compile_child};
pub use engine::config as engine_config;
pub use error::{AdmissionError, MissingGrant, SandboxError};
pub use gate::{Gate, GateAnswer, GuestCall};
pub use interrupt::Interrupt;
pub use limits::Limits;
pub use report::{Captured, LimitKind, RunOutcome, RunReport, ToolErrorKind, WithheldCalls};
pub use sandbox::{Preopen, RunSettings, Sandbox, SandboxSettings};
pub use tool::{Form, Tool};
pub use value::{JsonForm, parse_json};
