//! Stormglass: a deterministic simulator for distributed systems.

pub mod base;
pub mod check;
pub mod engine;
pub mod environment;
pub mod fault;
pub mod history;
pub mod process;
pub mod protocols;
pub mod scenario;
pub mod systems;
pub mod trace;
pub mod workload;
pub mod world;
