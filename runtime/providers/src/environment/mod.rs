//! The environment capability, `interlock:environment@0.1.0`: environments of real local processes
//! below one folder, Linux first.
//!
//! ```text
//! ROOT/
//!   .interlock/            the provider's own: counter of effects, locks, what is being deleted
//!   ENVIRONMENT/
//!     environment.toml     makes the folder an environment
//!     state.json           number of the newest effect
//!     services/SERVICE/
//!       service.toml       the definition, a person's (see `definition.rs`)
//!       state.json         replicas wanted, configuration version in force, number of the newest effect
//!       config/N           content of configuration version N
//!       healthy/N          version N was seen healthy
//!       work/              the service's working folder
//!       replicas/I/        lock, order, record, exit, captured logs, the configuration it was started with
//! ```
//!
//! An environment's definition is the set of its `service.toml` files: deleting a service deletes its
//! folder, and recreating an environment deletes everything in its services but these files. What lies there and is
//! nobody's stops a deletion before it begins (`strangers.rs`).
//!
//! What stops what: names are single segments and links are never followed (`disk.rs`); a recycled
//! process number is never signalled (`process.rs`); a service never loses its owner (`runner.rs`);
//! revisions never come back (`state.rs`); two hosts cannot both win (`effect.rs`); forecasts and
//! effects share one description (`model.rs`).

mod captured;
mod catalogue;
mod commands;
mod definition;
mod disk;
mod effect;
mod environments;
mod health;
mod look;
mod model;
mod observe;
mod order;
mod process;
mod provider;
mod replica;
mod runner;
pub mod sample;
mod state;
mod strangers;

pub use catalogue::{PROVIDER, catalogue};
pub use commands::commands;
pub use provider::EnvironmentProvider;
pub use runner::{RunnerProgram, runner_main};
