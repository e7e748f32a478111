//! The SDK's tests, as a plugin's author would meet it. One binary.
#![expect(clippy::panic, reason = "a test's helper fails the test by panicking")]

mod dispatch; // calling tools: names, arguments, results, errors
mod errors; // `?` and what becomes of an error
mod fake;
mod http;
mod kv; // the fake behaves as the WIT says
mod schema; // what agents are told
mod uses; // `uses(…)` resolves and narrows
