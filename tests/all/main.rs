//! All integration tests, in one binary. Each `mod` says what belongs there; add to the one that fits.

// ARCHITECTURE.md against what cargo says: who depends on whom, and which crates must stay pure.
mod architecture;
// docs/dependencies.md against what cargo says: a reason for each direct dependency, and its licence.
mod dependencies;
// Rules for every source file: how it opens, how long it may be, which names are banned.
mod house;
// What README and the other documents show: commands that exist, texts that are really printed.
mod documents;
