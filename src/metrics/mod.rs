//! Metrics: numbers over virtual time, as a monitor collects them, and alerts about them.
//!
//! A [`Metric`](crate::base::Metric) is declared once: name, unit, meaning, sort, labels. [`Probe`]s see every record of a run and tell how
//! much there is; what is common to all runs a [`RunProbe`] measures. A [`Monitor`] takes samples of what they tell, which become
//! [`Collected`]: families of series of values over time. It also looks at [`Alert`]s as a monitor does, each so often, and judges what
//! `require` demands of them.
//!
//! Sizes are kept in histograms, to a thousandth. They are merged, over series and over time, and quantiles are taken of what was merged:
//! averages of percentiles mean nothing.
//!
//! Nothing of this is done for a run that no output, no alert and no `require` asks for.

pub mod alert;
mod collected;
mod monitor;
mod of_requests;
mod of_runs;
mod probe;
mod readings;
mod sampler;
mod watch;

#[cfg(test)]
mod tests;

pub use alert::{Alert, Alerts, Measurable};
pub use collected::{Collected, Family, Points, Series, Spread, Tally};
pub use monitor::Monitor;
pub use of_requests::{OF_REQUESTS, RequestProbe};
pub use of_runs::{OF_RUNS, RunProbe};
pub use probe::Probe;
pub use readings::Readings;
pub use sampler::Sampler;
pub use watch::{OF_ALERTS, grain};
