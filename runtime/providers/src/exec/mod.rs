//! Capabilities that programs serve, as a catalogue says: `provider = { exec = "NAME" }`. No shell, no
//! search path, no inherited environment; one argument of a call stays one argument of a program.
//!
//! What stops what: which values reach a program is decided before a provider is asked, by the catalogue's
//! patterns; a program that hangs, floods or leaves children behind ends with its process group
//! (`run.rs`); a secret is in the environment of the program and in nothing that comes back (`crate::secrets`);
//! two hosts with one state folder cannot both act on one resource (`lock.rs`); an effect is foreseen by a
//! dry run, and the dry run is made again under the lock right before the effect (`effect.rs`).

mod effect;
pub(crate) mod lock;
mod provider;
#[cfg(test)]
mod roles;
pub(crate) mod run;
#[cfg(test)]
mod tests;

pub use provider::ExecProvider;
