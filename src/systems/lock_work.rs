//! What the clients of locks do: the workload of every system of locks.
//!
//! ```ron
//! workload: (clients: 3, locks: 1, accesses: 3, work: "10ms..50ms", looks: true, guard: "100ms")
//! ```

use std::sync::Arc;

use crate::base::{Duration, DurationRange, NodeId, Ratio};
use crate::notation::{Count, Flag, Form, Given, Length, LengthRange, PositiveLength, Settings, Timed, Timing, settings};
use crate::protocols::lock::ttl::allowance;
use crate::protocols::lock::{Rules, Work, WorkerConfig};

settings! {
    /// Clients that get a lock, work at what it guards, and give it back.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LockWork {
        /// How many clients there are.
        clients: u32 = 3, Count(1..=1000);
        /// How many locks there are, each for something of its own; a client chooses one for each job.
        locks: u32 = 1, Count(1..=1000);
        /// How often a holder accesses what the lock guards before it gives it back.
        accesses: u32 = 3, Count(1..=1000);
        /// How long it works before each access.
        work: DurationRange = length_range("10ms..50ms"), LengthRange;
        /// Whether a holder looks, before it goes on, how much is left of its lease.
        looks: bool = true, Flag;
        /// If it looks: when no more than so much is left, it begins nothing. Long enough for the work before an access, and the way to it.
        guard: Duration = Duration::from_millis(100), Length;
        /// How long a client thinks between two jobs.
        think: DurationRange = length_range("0ms..200ms"), LengthRange;
        /// How long a client waits for a lock before it gives the job up.
        patience: Duration = Duration::from_secs(30), PositiveLength;
        /// How long the resource is given to answer, before it is told again.
        request_timeout: Duration = Duration::from_millis(100), Timed(PositiveLength, &[Timing::Answer]);
    }
}

/// A range that is written here.
pub(super) fn length_range(text: &str) -> DurationRange {
    text.parse().expect("a range of lengths")
}

/// What clients take a lease to last that is so long, when clocks may drift so far.
pub(super) fn less(lease: Duration, drift: u32) -> Duration {
    Duration::from_nanos(lease.as_nanos().saturating_sub(allowance(lease, drift).as_nanos()))
}

impl LockWork {
    /// Reads the whole of `workload`, or takes the usual one; and with it what was given of it.
    pub(super) fn of(workload: Option<Form<'_>>) -> Option<(Self, Option<Given<'_>>)> {
        let Some(form) = workload else { return Some((Self::default(), None)) };
        let mut fields = form.fields()?;
        let (work, given) = Self::read(&mut fields);
        fields.finish();
        Some((work, Some(given)))
    }

    /// Reports a guard that leaves nothing of a lease that clients take to be so long: by a setting of the system.
    pub(super) fn fits(&self, (setting, length): (&'static str, Duration), own: Option<&Given<'_>>, of_system: &Given<'_>) {
        if !self.looks || self.guard < length {
            return;
        }
        let place = match own.filter(|own| own.form("guard").is_some() || own.is_wrong("guard")) {
            Some(own) => own.complain(&["guard", "looks"]).filter(|_| !of_system.is_wrong(setting) && !of_system.is_wrong("drift")),
            None => of_system.complain(&[setting, "drift"]),
        };
        if let Some(form) = place {
            let problem = format!(
                "a holder begins nothing with {} or less left of its lease, and it lasts {length} for all that it knows",
                self.guard
            );
            form.report(
                form.problem(problem)
                    .label("nothing could ever be done under the lock")
                    .help(format!("make guard shorter than {setting} less what clocks may drift, or let looks be false")),
            );
        }
    }

    /// What each client is built from, whose keeper is built from this.
    pub(super) fn workers<K: Clone>(&self, resource: NodeId, readers: Ratio, keeper: K, rules: &Arc<dyn Rules>) -> Vec<WorkerConfig<K>> {
        let Self { clients, locks, accesses, work, looks, guard, think, patience, request_timeout } = *self;
        let work = Work { accesses, each: work, guard: looks.then_some(guard) };
        let config = WorkerConfig {
            resource,
            locks,
            work,
            readers,
            think: Some(think),
            patience,
            request_timeout,
            rules: Arc::clone(rules),
            keeper,
        };
        vec![config; clients as usize]
    }
}
