//! Protocols, a folder each: the machine, its messages, its safety rules, mutants that break one of them, and the properties that must
//! hold.

pub mod broker;
pub mod bus;
pub mod commit;
pub mod detector;
mod frame;
pub mod lock;
pub mod pipeline;
pub mod queue;
pub mod raft;
pub mod registry;
pub mod services;
