//! The environment provider with real processes, reached only as the host reaches it: through a
//! catalogue, an authorization and a permit.

mod forecasts; // what is said before equals what happens
mod harness; // a root folder, calls, and the end of every process
mod hostile; // damaged files, links, names, floods, killed runners
mod lifecycle; // start, find again, restart, scale, stop, delete, recreate
mod races; // two hosts on one folder
mod runner; // the runner by itself, and hosts that die
mod sample;
mod strangers; // what is nobody's, and what came since the forecast // the sample environment and its limits
