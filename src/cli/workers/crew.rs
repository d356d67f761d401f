//! The workers of a sweep: one for each seed that is under way.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::message::{Answer, Closeness, Handler, Sent, Step};
use super::worker::{Heard, Surroundings, Worker};
use crate::base::Time;
use crate::check::{Doing, Explanation, Panic, PropertyReport};
use crate::environment::FateCounts;
use crate::explore::{DETERMINISTIC, Defect, NoOutcome, Ran, Row};
use crate::fault::FaultPlan;
use crate::report::name_of;
use crate::scenario::Scenario;
use crate::world::{JUDGE_PANICKED, Messages, NO_PANIC, Operations, Outcome, ScriptCounts};

/// How long the seeds that are under way may still take when the sweep is to end.
const GRACE: Duration = Duration::from_secs(5);

/// The workers of a sweep. Each is started once, and again only if it is gone.
pub(in crate::cli) struct Crew<'a> {
    scenario: &'a Scenario,
    /// How long a seed may take before its worker is ended.
    stall: Duration,
    /// Set from outside when the sweep is to end.
    cancel: &'a AtomicBool,
    /// Whether each seed is run twice, and the two compared.
    verify: bool,
    /// Those that have nothing to do; and those for second runs.
    idle: Mutex<Vec<Worker>>,
    second: Mutex<Vec<Worker>>,
    /// Written while a seed is run with nothing beside it.
    alone: RwLock<()>,
}

/// How a run in a worker ended.
enum Ending {
    Ended(Box<Sent<'static>>),
    /// The process is gone; the step that was taken last, if steps are told, and how it ended.
    Died(Option<Step>, String),
    Stalled,
    Dropped,
}

impl<'a> Crew<'a> {
    /// The workers for this scenario, the first of which is started.
    pub(in crate::cli) fn new(scenario: &'a Scenario, stall: Duration, verify: bool, cancel: &'a AtomicBool) -> io::Result<Self> {
        let first = Worker::start(scenario, Surroundings::Same)?;
        let (idle, second) = (Mutex::new(vec![first]), Mutex::new(Vec::new()));
        Ok(Self { scenario, stall, cancel, verify, idle, second, alone: RwLock::new(()) })
    }

    /// Runs a seed in a worker and waits for what becomes of it. If the worker dies, the seed is run once more in a fresh one, with nothing
    /// beside it: what then dies again is a finding.
    pub(in crate::cli) fn run(&self, seed: u64, is_needless: &dyn Fn() -> bool) -> Ran {
        let run = |surroundings| {
            let _beside_others = self.alone.read().unwrap_or_else(PoisonError::into_inner);
            let idle = self.idle(surroundings).lock().unwrap_or_else(PoisonError::into_inner).pop();
            let worker = idle.map_or_else(|| Worker::start(self.scenario, surroundings), Ok);
            worker.map(|worker| self.follow(worker, surroundings, seed, Closeness::Outcome, is_needless))
        };
        let first = match run(Surroundings::Same) {
            Ok(Ending::Ended(sent)) => sent,
            Ok(Ending::Died(..)) => return self.run_alone(seed, is_needless),
            Ok(Ending::Stalled) => return stalled(seed),
            Ok(Ending::Dropped) => return Ran::Dropped,
            Err(error) => return no_worker(seed, &error),
        };
        if !self.verify {
            return Ran::Row(Box::new(first.into_row()));
        }
        match run(Surroundings::Other) {
            Ok(Ending::Ended(second)) => verified(*first, |first| first.differs(&second)),
            Ok(Ending::Died(_, how)) => verified(*first, |_| Some(format!("a second run of this seed ended its process: {how}").into())),
            Ok(Ending::Stalled) => stalled(seed),
            Ok(Ending::Dropped) => Ran::Dropped,
            Err(error) => no_worker(seed, &error),
        }
    }

    /// Those that have nothing to do.
    fn idle(&self, surroundings: Surroundings) -> &Mutex<Vec<Worker>> {
        if surroundings == Surroundings::Other { &self.second } else { &self.idle }
    }

    /// Runs a seed whose worker has died again, to see in which step, and whether it dies without judges, too.
    fn run_alone(&self, seed: u64, is_needless: &dyn Fn() -> bool) -> Ran {
        let _alone = self.alone.write().unwrap_or_else(PoisonError::into_inner);
        let run = |judged| match Worker::start(self.scenario, Surroundings::Overheard) {
            Ok(worker) => Ok(self.follow(worker, Surroundings::Overheard, seed, Closeness::Steps { judged }, is_needless)),
            Err(error) => Err(no_worker(seed, &error)),
        };
        let (step, how) = match run(true) {
            Err(row) => return row,
            // It was not the seed's fault: something else took the memory, or ended the process.
            Ok(Ending::Ended(sent)) => return Ran::Row(Box::new(sent.into_row())),
            Ok(Ending::Stalled) => return stalled(seed),
            Ok(Ending::Dropped) => return Ran::Dropped,
            Ok(Ending::Died(step, how)) => (step, how),
        };
        let by_judge = !matches!(run(false), Ok(Ending::Died(..)));
        Ran::Row(Box::new(Row::new(seed, Ok(death(seed, step.as_ref(), how, by_judge)))))
    }

    /// Lets a worker run a seed, and waits for its end. A worker that is well is idle afterwards.
    fn follow(
        &self,
        mut worker: Worker,
        surroundings: Surroundings,
        seed: u64,
        watch: Closeness,
        is_needless: &dyn Fn() -> bool,
    ) -> Ending {
        let mut step = None;
        let begun = now();
        let mut cancelled = None;
        worker.run(seed, watch);
        loop {
            match worker.hear() {
                Heard::Answer(Answer::Ended(sent)) => {
                    if watch == Closeness::Outcome {
                        self.idle(surroundings).lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                    }
                    return Ending::Ended(sent);
                }
                Heard::Answer(Answer::Step(taken)) => step = Some(taken),
                Heard::Answer(Answer::Ready | Answer::Record { .. }) | Heard::Nothing => {}
                Heard::Gone => return Ending::Died(step, worker.obituary()),
            }
            if self.cancel.load(Ordering::Relaxed) && cancelled.get_or_insert_with(now).elapsed() >= GRACE || is_needless() {
                return Ending::Dropped;
            }
            if begun.elapsed() >= self.stall {
                return Ending::Stalled;
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long to wait for another process: no run sees it, and what was not waited for has no row"
)]
pub(in crate::cli) fn now() -> Instant {
    Instant::now()
}

/// The row of a run that was held against a second one: with what differs, if anything does.
fn verified(first: Sent<'_>, differs: impl FnOnce(&Sent<'_>) -> Option<Explanation>) -> Ran {
    let difference = differs(&first);
    let Row { seed, mut result, fingerprint } = first.into_row();
    if let Ok(outcome) = &mut result {
        outcome.properties.push(match difference {
            Some(why) => PropertyReport::violated(&DETERMINISTIC, outcome.sim_time, why),
            None => PropertyReport::holds(&DETERMINISTIC),
        });
    }
    let row = Row::new(seed, result);
    let fingerprint = fingerprint.or(row.fingerprint);
    Ran::Row(Box::new(Row { fingerprint, ..row }))
}

fn no_worker(seed: u64, error: &io::Error) -> Ran {
    let message = format!("cannot start a worker process: {error}");
    Ran::Row(Box::new(Row::new(seed, Err(Defect { message }.into()))))
}

fn stalled(seed: u64) -> Ran {
    Ran::Row(Box::new(Row::new(seed, Err(NoOutcome::Stalled))))
}

/// What became of a run whose process ended: what is known of it.
fn death(seed: u64, step: Option<&Step>, how: String, by_judge: bool) -> Outcome {
    let at = step.map_or(Time::ZERO, |step| step.at);
    let property = if by_judge { JUDGE_PANICKED } else { NO_PANIC };
    let (node, doing) = match step {
        Some(step) if !by_judge => (Some(step.node), doing(&step.doing)),
        _ => (None, Doing::Judging),
    };
    let panic = Panic { node, doing, event: None, at, message: how, died: true, place: None };
    Outcome {
        seed,
        digest: step.map_or(0, |step| step.digest),
        events: 0,
        messages: Messages::default(),
        sim_time: at,
        operations: Operations::default(),
        properties: vec![PropertyReport::violated(&property, at, panic)],
        tables: Vec::new(),
        sometimes: Vec::new(),
        faults: Vec::new(),
        steps: Vec::new(),
        fates: FateCounts::default(),
        scripted: ScriptCounts::default(),
        strays: Vec::new(),
        struck: FaultPlan::default(),
    }
}

fn doing(handler: &Handler) -> Doing {
    match handler {
        Handler::Booting => Doing::Booting,
        Handler::Handling { kind, count, from } => Doing::Handling { kind: name_of(kind), count: *count, from: *from },
        Handler::Fired(timer) => Doing::Fired(Some(timer.clone())),
        Handler::Synced => Doing::Synced,
        Handler::Waking => Doing::Waking,
    }
}
