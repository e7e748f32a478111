//! The environment capability.
