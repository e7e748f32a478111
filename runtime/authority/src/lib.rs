//! MAY THIS HAPPEN? Every decision of Interlock, as pure functions with typed reasons.
//!
//! Nothing here reads a clock, a disk, a network or an engine: a decision that depends only on its
//! arguments can be tested exhaustively and explained afterwards. The types that carry authority
//! ([`Authorized`], [`Permitted`], [`PermittedEffect`]) have private fields and are minted only here.
#![forbid(unsafe_code)]

pub mod apply;
pub mod authorize;
pub mod budget;
pub mod canonical;
pub mod catalogue;
pub mod desk;
pub mod document;
pub mod elevation;
pub mod epoch;
pub mod error;
pub mod forecast;
pub mod grant;
pub mod needs;
pub mod permit;
pub mod plan;
pub mod policy;
pub mod quorum;
pub mod refusal;
pub mod request;
pub mod roster;
pub mod seal;
pub mod signature;
pub mod ticket;
pub mod vocabulary;

pub use authorize::{Authorized, Invocation, LinkState, Mode, authorize};
pub use catalogue::{Catalogue, ResolvedCall};
pub use error::AuthorityError;
pub use forecast::{Forecast, Planned, Revision};
pub use grant::Grant;
pub use needs::Needs;
pub use permit::{Judged, Permitted, PermittedEffect, permit, permit_effect};
pub use policy::{Policies, PolicyDenial};
pub use refusal::{Denial, Refusal, Withheld};
pub use vocabulary::{Class, Digest, InterfaceName, Principal, Resource, Scope};
