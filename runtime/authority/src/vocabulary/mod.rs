//! The words of Interlock as types: one word per thing, parsed once at the edge and never
//! compared as loose strings afterwards.

mod class;
mod digest;
mod interface_name;
mod principal;
mod resource;

pub use class::{Class, Scope};
pub use digest::Digest;
pub use interface_name::InterfaceName;
pub use principal::Principal;
pub use resource::{MAX_SEGMENTS, Resource, is_segment};
