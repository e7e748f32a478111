//! RUN IT. Admits plugins, links exactly what an invocation was granted, and runs one tool in a fresh
//! store under limits.
//!
//! The sandbox knows capability providers only as a [`Gate`]: it moves values between a plugin and the
//! gate and enforces what a machine can enforce (types, memory, time). It never decides.
#![deny(unsafe_code)]

pub mod admission;
pub mod bytes;
pub mod compile;
pub mod error;
pub mod gate;
pub mod limits;
pub mod report;
pub mod sandbox;
pub mod tool;

pub use admission::{Admitted, Inspection};
pub use bytes::PluginBytes;
pub use compile::{ArtifactCache, Compiler, compile_child};
pub use error::{AdmissionError, MissingGrant, SandboxError};
pub use gate::{Gate, GateAnswer, GuestCall};
pub use limits::Limits;
pub use report::{Captured, LimitKind, RunOutcome, RunReport, ToolErrorKind, WithheldCalls};
pub use sandbox::{Preopen, RunSettings, Sandbox, SandboxSettings};
pub use tool::{Form, Tool};
