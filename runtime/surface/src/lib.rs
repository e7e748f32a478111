//! The agents' surface, and the numbers for operators: where requests come from. It is written with what the host shows to
//! anybody, and of a host it holds [`interlock::desk::Askers`]: whose host it is, no code here can say.
#![forbid(unsafe_code)]

pub mod mcp;
pub mod metrics;
