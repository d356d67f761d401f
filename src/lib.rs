//! Stormglass: a deterministic simulator for distributed systems.

pub mod base;
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod environment;
pub mod explore;
pub mod fault;
pub mod history;
pub mod process;
pub mod protocols;
pub mod report;
pub mod scenario;
pub mod systems;
pub mod trace;
pub mod workload;
pub mod world;
