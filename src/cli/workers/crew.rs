//! The workers of a sweep: one for each thread of it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use super::ahead::Ahead;
use super::message::{Answer, Closeness, Handler, Sent, Step};
use super::worker::{Heard, Surroundings, Worker};
use crate::base::Time;
use crate::check::{Doing, Explanation, Panic, PropertyReport};
use crate::environment::FateCounts;
use crate::explore::{Claims, DETERMINISTIC, Defect, NoOutcome, Ran, Row};
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
    /// How many seeds wait for that.
    waiting_alone: AtomicUsize,
}

/// How a run in a worker ended.
enum Ending {
    Ended(Box<Sent<'static>>),
    /// The process is gone; the step that was taken last, if steps are told, and how it ended.
    Died(Option<Step>, String),
    Stalled,
    Dropped,
}

/// Why a run that is under way is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// It takes too long.
    Stalled,
    /// The sweep ends.
    Dropped,
}

impl<'a> Crew<'a> {
    /// The workers for this scenario, the first of which is started.
    pub(in crate::cli) fn new(scenario: &'a Scenario, stall: Duration, verify: bool, cancel: &'a AtomicBool) -> io::Result<Self> {
        let first = Worker::start(scenario, Surroundings::Same)?;
        let (idle, second) = (Mutex::new(vec![first]), Mutex::new(Vec::new()));
        Ok(Self { scenario, stall, cancel, verify, idle, second, alone: RwLock::new(()), waiting_alone: AtomicUsize::new(0) })
    }

    /// Runs seeds, as long as there are any. If a worker dies, the seed is run once more in a fresh one, with nothing beside it: what
    /// then dies again is a finding.
    pub(in crate::cli) fn work(&self, claims: &Claims<'_>) {
        if !self.verify {
            return Ahead::new(self, claims).work();
        }
        while let Some(seed) = claims.claim() {
            if !claims.tell(seed, self.run_twice(seed, &|| claims.is_needless(seed))) {
                return;
            }
        }
    }

    /// Runs a seed in two workers, and compares.
    fn run_twice(&self, seed: u64, is_needless: &dyn Fn() -> bool) -> Ran {
        let run = |surroundings| {
            let _beside_others = self.beside_others();
            self.worker(surroundings).map(|worker| self.follow(worker, surroundings, seed, Closeness::Outcome, is_needless))
        };
        let first = match run(Surroundings::Same) {
            Ok(Ending::Ended(sent)) => sent,
            Ok(Ending::Died(..)) => return self.run_alone(seed, is_needless),
            Ok(Ending::Stalled) => return stalled(seed),
            Ok(Ending::Dropped) => return Ran::Dropped,
            Err(error) => return no_worker(seed, &error),
        };
        match run(Surroundings::Other) {
            Ok(Ending::Ended(second)) => verified(*first, |first| first.differs(&second)),
            Ok(Ending::Died(_, how)) => verified(*first, |_| Some(format!("a second run of this seed ended its process: {how}").into())),
            Ok(Ending::Stalled) => stalled(seed),
            Ok(Ending::Dropped) => Ran::Dropped,
            Err(error) => no_worker(seed, &error),
        }
    }

    /// One that has nothing to do, or a fresh one.
    pub(super) fn worker(&self, surroundings: Surroundings) -> io::Result<Worker> {
        let idle = self.idle(surroundings).lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| Worker::start(self.scenario, surroundings), Ok)
    }

    /// While this is held, no seed is run alone.
    pub(super) fn beside_others(&self) -> RwLockReadGuard<'_, ()> {
        self.alone.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a seed waits to be run alone.
    pub(super) fn makes_room(&self) -> bool {
        self.waiting_alone.load(Ordering::Relaxed) > 0
    }

    /// Why what is under way since then is to be given up, if it is.
    pub(super) fn gives_up(&self, begun: Instant, cancelled: &mut Option<Instant>, is_needless: bool) -> Option<GivenUp> {
        if self.cancel.load(Ordering::Relaxed) && cancelled.get_or_insert_with(now).elapsed() >= GRACE || is_needless {
            return Some(GivenUp::Dropped);
        }
        (begun.elapsed() >= self.stall).then_some(GivenUp::Stalled)
    }

    /// Those that have nothing to do.
    fn idle(&self, surroundings: Surroundings) -> &Mutex<Vec<Worker>> {
        if surroundings == Surroundings::Other { &self.second } else { &self.idle }
    }

    /// Runs a seed whose worker has died again, to see in which step, and whether it dies without judges, too.
    pub(super) fn run_alone(&self, seed: u64, is_needless: &dyn Fn() -> bool) -> Ran {
        self.waiting_alone.fetch_add(1, Ordering::Relaxed);
        let _alone = self.alone.write().unwrap_or_else(PoisonError::into_inner);
        self.waiting_alone.fetch_sub(1, Ordering::Relaxed);
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
        worker.run([seed], watch, self.verify);
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
            match self.gives_up(begun, &mut cancelled, is_needless()) {
                Some(GivenUp::Dropped) => return Ending::Dropped,
                Some(GivenUp::Stalled) => return Ending::Stalled,
                None => {}
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

pub(super) fn no_worker(seed: u64, error: &io::Error) -> Ran {
    let message = format!("cannot start a worker process: {error}");
    Ran::Row(Box::new(Row::new(seed, Err(Defect { message }.into()))))
}

pub(super) fn stalled(seed: u64) -> Ran {
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
