//! Policies of services under load: pure state machines, each told the time, the randomness and what happened, and asked what to do.

mod outcome;
pub mod queue;
pub mod sampler;
mod setting;

pub use outcome::Outcome;
pub use setting::SettingError;
