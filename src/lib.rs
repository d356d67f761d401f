//! Stormglass: a deterministic simulator for distributed systems.

pub mod base;
pub mod check;
pub mod environment;
pub mod fault;
pub mod process;
pub mod trace;
