//! Stormglass: a deterministic simulator for distributed systems.

pub mod base;
pub mod check;
pub mod process;
pub mod protocols;
pub mod trace;
