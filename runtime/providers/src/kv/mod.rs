//! The capability `interlock:kv@0.1.0`: what plugins note between their runs. A plugin has keys of its own, and the
//! host says which plugin calls, so that no argument reaches another plugin's keys.
//!
//! What stops what: the file is made for its owner alone, and one that is not ours, is damaged or is newer is refused
//! before a byte of it is changed (`file.rs`); a version never comes back, so that a value that was changed and
//! changed back is not taken for the old one (`rows.rs`); what is kept is bounded before it is kept (`quota.rs`);
//! what an effect would do is said from the same rules that perform it (`change.rs`); it is compared, asked for and
//! written in one transaction, so that of many hosts on one file exactly one wins (`provider.rs`).

mod catalogue;
mod change;
mod file;
mod provider;
mod quota;
mod rows;

pub use catalogue::{PROVIDER, catalogue};
pub use provider::KvProvider;
pub use quota::Quota;
