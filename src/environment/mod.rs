//! The world around the nodes: network, disks and clocks.
//!
//! State, and functions that *return* fates, delays and contents. Nothing here schedules anything: only `world` does, so that each part can
//! be tested without one.

mod clock;
mod disk;
mod fates;
mod latency;
mod network;

pub use clock::{Clock, ClockModel};
pub use disk::{Disk, Remains};
pub use fates::FateCounts;
pub use latency::Latency;
pub use network::{Degradation, LinkModel, Network, Sending};
