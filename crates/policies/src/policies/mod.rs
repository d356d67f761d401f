//! Policies of services under load: pure state machines, each told the time, the randomness and what happened, and asked what to do.

pub mod balancer;
pub mod breaker;
pub mod bulkhead;
pub mod cache;
pub mod credits;
pub mod deadline;
pub mod hedge;
pub mod idempotency;
pub mod limiter;
mod outcome;
pub mod outlier;
pub mod queue;
mod refill;
pub mod retry;
pub mod sampler;
mod setting;
pub mod throttle;
mod window;

pub use outcome::Outcome;
pub use setting::SettingError;
