//! Stormglass: a deterministic simulator for distributed systems.

pub mod base;
pub mod check;
pub mod history;
pub mod process;
pub mod trace;
pub mod workload;
