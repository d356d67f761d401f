//! Streams of messages: what a broker, a bus or a queue promised of them, against what its clients saw.
//!
//! No object is searched for here. Each anomaly has a name and an algorithm of its own, which reads the history once: they are those of
//! Jepsen's kafka workload (K. Kingsbury, *Redpanda 21.10.1*, 2022, §3), with two more for groups of consumers. A [`Promise`] says which of
//! them it forbids.
//!
//! ```
//! use stormglass_check::base::{ClientId, Shown, StreamAct, StreamOp, StreamRecord, Time};
//! use stormglass_check::check::Verdict;
//! use stormglass_check::check::streams::{Demands, Promise, judge};
//! use stormglass_check::history::{History, Outcome};
//!
//! let (sender, reader) = (ClientId::new(0), ClientId::new(1));
//! let mut history = History::new();
//! let mut now = 0;
//! let mut step = |client, act, shown: Shown| {
//!     now += 2;
//!     history.invoke(Time::from_nanos(now), client, StreamOp::Acts(vec![act])).expect("it is idle");
//!     history.complete(Time::from_nanos(now + 1), client, Outcome::Done(vec![shown].into())).expect("it is busy");
//! };
//! step(sender, StreamAct::Send { key: 1, value: 7 }, Shown::Sent(Some(0)));
//! step(sender, StreamAct::Send { key: 1, value: 8 }, Shown::Sent(Some(1)));
//! let record = StreamRecord { offset: Some(1), value: 8 };
//! step(reader, StreamAct::Poll, Shown::Polled(vec![(1, vec![record])]));
//!
//! let reports = judge(Demands::of(Promise::AtLeastOnce), &history);
//! let violated: Vec<&str> = reports.iter().filter(|report| report.verdict == Verdict::Violated).map(|report| report.name).collect();
//! assert_eq!(violated, ["lost-write"], "no consumer saw 7, though one saw what came after it");
//! ```

mod anomaly;
mod attempt;
mod cycles;
mod delivery;
mod logs;
mod order;
mod report;
mod tenure;

pub use anomaly::{Demands, Promise, StreamAnomaly};
pub use attempt::{Attempt, StreamNames, attempts};
pub use report::{StreamFinding, StreamReport, check, judge};

use logs::Logs;
