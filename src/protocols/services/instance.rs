//! An instance of a service: a queue, workers, and the calls that its work needs.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use super::agenda::{Node, Timer};
use super::caller::{Caller, Wanted};
use super::graph::{Graph, Service};
use super::mark;
use super::message::{Answer, Attempt, Message, Request};
use super::note::Note;
use super::rules::Rules;
use super::store::{FILE, Store};
use crate::base::{Duration, LocalTime, NodeId, Ratio};
use crate::policies::Outcome;
use crate::policies::limiter::{Concurrency, Held, TokenBucket};
use crate::policies::queue::{DropReason, Popped, Pushed, Queue, Waiting};
use crate::policies::sampler::Sampler;
use crate::process::{Context, Files, Mark, Process};

/// An instance.
pub struct Instance {
    graph: Arc<Graph>,
    rules: Arc<dyn Rules>,
    /// The place of its service.
    service: u16,
    endpoints: Vec<Ready>,
    queue: Queue<Arrived>,
    /// The most that have waited since the queue was empty.
    longest: u32,
    /// How many workers are at work, or held.
    busy: u32,
    jobs: Vec<Slot>,
    free: Vec<u32>,
    caller: Caller<Token>,
    store: Option<Store>,
    limit: Option<Concurrency>,
    rate: Option<TokenBucket>,
}

/// What an instance is built from.
#[derive(Clone, Debug)]
pub struct InstanceConfig {
    /// The graph of all services.
    pub graph: Arc<Graph>,
    /// The place of its service.
    pub service: u16,
    /// What it goes by.
    pub rules: Arc<dyn Rules>,
}

/// An endpoint, as an instance has it.
struct Ready {
    work: Sampler,
    fails: Ratio,
    /// The first call of each step, and how many it has.
    steps: Vec<(u16, u16)>,
}

/// A request that has come.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    from: NodeId,
    request: Request,
}

/// A place for a job.
struct Slot {
    generation: u32,
    job: Option<Job>,
}

/// A request that is worked on.
struct Job {
    arrived: Arrived,
    began: LocalTime,
    /// Its place within the limit, if there is one.
    held: Option<Held>,
    waited: Duration,
    /// Whether its own work is done.
    is_worked: bool,
    /// Whether it holds a worker.
    holds: bool,
    /// The step that it is in.
    step: usize,
    /// How many calls of that are under way.
    pending: u16,
    is_degraded: bool,
}

/// What a call is made for: a job, and the number of the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    slot: u32,
    generation: u32,
    call: u16,
}

impl Node for Instance {
    fn noted(note: Note) -> Note {
        note
    }
}

impl Debug for Instance {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let jobs: Vec<&Arrived> = self.jobs.iter().filter_map(|slot| Some(&slot.job.as_ref()?.arrived)).collect();
        f.debug_struct("Instance")
            .field("service", &self.own().name)
            .field("busy", &self.busy)
            .field("waiting", &self.queue.len())
            .field("jobs", &jobs)
            .field("calls", &self.caller.under_way())
            .finish()
    }
}

impl Process for Instance {
    type Config = InstanceConfig;
    type Message = Message;
    type Timer = Timer;
    type Note = Note;

    const MARKS: &'static [Mark] = mark::OF_INSTANCES;

    fn boot(config: &InstanceConfig, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        const VALID: &str = "settings were looked at when they were read";
        let InstanceConfig { graph, service, rules } = config;
        let own = graph.service(*service);
        let endpoint = |(place, endpoint): (usize, &super::graph::Endpoint)| Ready {
            work: Sampler::new(endpoint.work.clone()).expect(VALID),
            fails: endpoint.fails,
            steps: own.steps(place as u16),
        };
        let store = own.stores.then(|| Store::open(own.keys, rules, disk.read(FILE), context));
        Self {
            endpoints: own.endpoints.iter().enumerate().map(endpoint).collect(),
            queue: Queue::new(&own.queue).expect(VALID),
            longest: 0,
            busy: 0,
            jobs: Vec::new(),
            free: Vec::new(),
            caller: Caller::new(graph, graph.routes(*service), rules, context.now()),
            store,
            limit: own.limit.as_ref().map(|settings| Concurrency::new(settings).expect(VALID)),
            rate: own.rate.as_ref().map(|settings| TokenBucket::new(settings).expect(VALID)),
            graph: Arc::clone(graph),
            rules: Arc::clone(rules),
            service: *service,
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Request(request) => self.arrived(Arrived { from, request }, context),
            Message::Reply { attempt, answer, .. } => {
                self.caller.answered(attempt, answer, context);
                self.go_on(context);
            }
            Message::Cancel { attempt } => self.cancelled(from, attempt, context),
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        match timer {
            Timer::Work(slot) => self.worked(slot, context),
            Timer::Wake => {
                while let Some(alarm) = self.caller.agenda.take(context) {
                    self.caller.alarmed(alarm, context);
                }
            }
            Timer::Arrive => {}
        }
        self.go_on(context);
    }

    fn status(&self) -> String {
        let service = self.own();
        format!(
            "{}, {} of {} workers busy, {} waiting, {} calls",
            service.name,
            self.busy,
            service.workers,
            self.queue.len(),
            self.caller.under_way()
        )
    }

    fn inspect(&self) -> Option<&dyn Debug> {
        Some(self)
    }

    fn read_disk(disk: &Files) -> Option<String> {
        disk.read(FILE).map(|bytes| format!("{} effects", bytes.len() / Store::RECORD))
    }
}

impl Instance {
    /// How many requests it works on or has waiting.
    pub fn under_way(&self) -> usize {
        self.jobs.len() - self.free.len() + self.queue.len()
    }

    fn own(&self) -> &Service {
        self.graph.service(self.service)
    }

    fn arrived(&mut self, arrived: Arrived, context: &mut Context<'_, Self>) {
        if self.rate.as_mut().is_some_and(|rate| rate.try_take(context.now(), 1).is_err()) {
            context.sometimes(mark::LIMITED);
            return Self::reply(arrived, Answer::Limited, Duration::ZERO, context);
        }
        if self.busy < self.own().workers && self.queue.is_empty() {
            return self.start(arrived, Duration::ZERO, context);
        }
        let Request { priority, deadline, .. } = arrived.request;
        let deadline = deadline.filter(|_| self.rules.is_too_late(true));
        match self.queue.push(context.now(), Waiting { item: arrived, priority, deadline }) {
            Pushed::Queued => {}
            Pushed::Refused(refused) => {
                context.sometimes(mark::REFUSED);
                Self::reply(refused, Answer::Full, Duration::ZERO, context);
            }
            Pushed::Displaced { item, why } => self.dropped(item, Duration::ZERO, why, context),
        }
        let length = self.queue.len() as u32;
        if length > self.longest {
            self.longest = length;
            context.note(Note::Queued { length });
        }
    }

    /// Takes what waits while workers are free.
    fn take_next(&mut self, context: &mut Context<'_, Self>) {
        while self.busy < self.own().workers {
            match self.queue.pop(context.now()) {
                Some(Popped::Served { item, waited }) => self.start(item, waited, context),
                Some(Popped::Dropped { item, waited, why }) => self.dropped(item, waited, why, context),
                None => break,
            }
        }
        if self.queue.is_empty() {
            self.longest = 0;
        }
    }

    fn start(&mut self, arrived: Arrived, waited: Duration, context: &mut Context<'_, Self>) {
        let (now, Request { root, call, key, endpoint, deadline, .. }) = (context.now(), arrived.request);
        if deadline.is_some_and(|deadline| self.rules.is_too_late(deadline <= now)) {
            context.sometimes(mark::EXPIRED);
            return Self::reply(arrived, Answer::Expired, waited, context);
        }
        if self.graph.has_deadlines() {
            context.note(Note::Works { root, call, deadline });
        }
        if let Some(known) = self.store.as_mut().and_then(|store| store.known(now, key)) {
            context.sometimes(mark::KNOWN);
            return self.answer(arrived, known, waited, context);
        }
        let held = self.limit.as_mut().map(Concurrency::try_acquire);
        if held == Some(None) {
            if let Some(store) = &mut self.store {
                store.abandoned(key);
            }
            context.sometimes(mark::LIMITED);
            return Self::reply(arrived, Answer::Limited, waited, context);
        }
        self.busy += 1;
        let work = self.endpoints[usize::from(endpoint)].work.draw(context.random());
        let job = Job {
            arrived,
            began: now,
            held: held.flatten(),
            waited,
            is_worked: false,
            holds: true,
            step: 0,
            pending: 0,
            is_degraded: false,
        };
        let slot = self.take_slot(job);
        context.set_timer(Timer::Work(slot), work);
    }

    /// The own work of a job is done.
    fn worked(&mut self, slot: u32, context: &mut Context<'_, Self>) {
        let (holds, service) = (self.own().holds, self.service);
        let Some(job) = self.jobs[slot as usize].job.as_mut() else { return };
        job.is_worked = true;
        let endpoint = job.arrived.request.endpoint;
        if context.random().chance(self.endpoints[usize::from(endpoint)].fails) {
            return self.finish(slot, Answer::Failed, context);
        }
        if let (Some(store), false) = (&mut self.store, self.rules.effect_comes_last()) {
            let Request { key, call, .. } = job.arrived.request;
            store.apply(key, call, context);
        }
        if !holds && !self.graph.routes(service).is_empty() {
            let job = self.jobs[slot as usize].job.as_mut().expect("it was there above");
            job.holds = false;
            self.busy -= 1;
        }
        self.step(slot, context);
        self.take_next(context);
    }

    /// Begins the calls of the step that a job is in, or answers if there is none.
    fn step(&mut self, slot: u32, context: &mut Context<'_, Self>) {
        let Slot { generation, job: Some(job) } = &mut self.jobs[slot as usize] else { return };
        let Request { root, call: id, endpoint, priority, deadline, .. } = job.arrived.request;
        let Some((first, count)) = self.endpoints[usize::from(endpoint)].steps.get(job.step).copied() else {
            let answer = if job.is_degraded { Answer::Degraded } else { Answer::Done };
            return self.finish(slot, answer, context);
        };
        job.pending = count;
        let (generation, due) = (*generation, context.now());
        for call in first..first + count {
            let wanted = Wanted { root, call: id_of_call(id, call), priority, deadline, due };
            self.caller.begin(call, Token { slot, generation, call }, wanted, context);
        }
    }

    /// Goes on with the jobs whose calls are over.
    fn go_on(&mut self, context: &mut Context<'_, Self>) {
        while let Some((Token { slot, generation, call }, answer)) = self.caller.take_over() {
            let found = &mut self.jobs[slot as usize];
            let Some(job) = found.job.as_mut().filter(|_| found.generation == generation) else { continue };
            job.pending -= 1;
            let pending = job.pending;
            match answer {
                Some(Answer::Done) => {}
                Some(Answer::Degraded) => job.is_degraded = true,
                _ if self.caller.is_optional(call) => {
                    job.is_degraded = true;
                    context.sometimes(mark::DEGRADED);
                }
                // The others of the step may go on: what comes of them is of no use any more.
                _ => {
                    self.finish(slot, Answer::CallFailed, context);
                    continue;
                }
            }
            if pending == 0 {
                job.step += 1;
                self.step(slot, context);
            }
        }
        self.take_next(context);
    }

    /// A job is over.
    fn finish(&mut self, slot: u32, answer: Answer, context: &mut Context<'_, Self>) {
        let found = &mut self.jobs[slot as usize];
        let Some(job) = found.job.take() else { return };
        found.generation = found.generation.wrapping_add(1);
        self.free.push(slot);
        self.busy -= u32::from(job.holds);
        let outcome = if answer.succeeded() { Outcome::Success } else { Outcome::Failure };
        self.leave(&job, outcome, context);
        if let Some(store) = &mut self.store {
            let Request { key, call, .. } = job.arrived.request;
            // The effect comes last: what failed has none.
            if answer.succeeded() && self.rules.effect_comes_last() {
                store.apply(key, call, context);
            }
            store.finished(context.now(), key, answer, self.rules.remembers(answer.succeeded()));
        }
        self.answer(job.arrived, answer, job.waited, context);
    }

    /// Answers; what has an effect only when that is on disk.
    fn answer(&self, Arrived { from, request }: Arrived, answer: Answer, waited: Duration, context: &mut Context<'_, Self>) {
        let reply = Message::Reply { attempt: request.attempt, answer, waited };
        if self.store.is_some() && answer.succeeded() && self.rules.answers_when_durable() {
            context.send_when_durable(from, reply);
        } else {
            context.send(from, reply);
        }
    }

    fn dropped(&self, arrived: Arrived, waited: Duration, why: DropReason, context: &mut Context<'_, Self>) {
        let is_late = why == DropReason::Deadline;
        context.sometimes(if is_late { mark::EXPIRED } else { mark::SHED });
        if self.rules.answers_dropped() {
            Self::reply(arrived, if is_late { Answer::Expired } else { Answer::Shed }, waited, context);
        }
    }

    fn reply(Arrived { from, request }: Arrived, answer: Answer, waited: Duration, context: &mut Context<'_, Self>) {
        context.send(from, Message::Reply { attempt: request.attempt, answer, waited });
    }

    /// A request is not needed any more: if it waits, it goes; if it is worked on, the work stops, as long as nothing has come of it.
    fn cancelled(&mut self, from: NodeId, attempt: Attempt, context: &mut Context<'_, Self>) {
        let is_meant = |arrived: &Arrived| arrived.from == from && arrived.request.attempt == attempt;
        if self.queue.remove(|arrived| is_meant(arrived)).is_some() {
            return context.sometimes(mark::CANCELLED);
        }
        let place = self.jobs.iter().position(|slot| slot.job.as_ref().is_some_and(|job| !job.is_worked && is_meant(&job.arrived)));
        let Some(place) = place else { return };
        let slot = place as u32;
        let found = &mut self.jobs[place];
        let Some(job) = found.job.take() else { return };
        found.generation = found.generation.wrapping_add(1);
        self.free.push(slot);
        self.busy -= u32::from(job.holds);
        self.leave(&job, Outcome::Ignored, context);
        if let Some(store) = &mut self.store {
            store.abandoned(job.arrived.request.key);
        }
        context.cancel_timer(Timer::Work(slot));
        context.sometimes(mark::CANCELLED);
        self.take_next(context);
    }

    /// A job leaves the limit on how many there may be at once.
    fn leave(&mut self, job: &Job, outcome: Outcome, context: &mut Context<'_, Self>) {
        if let (Some(limit), Some(held), true) = (&mut self.limit, job.held, self.rules.leaves_limit(outcome != Outcome::Ignored)) {
            limit.release(held, context.now().since(job.began), outcome, context.random().word());
        }
    }

    fn take_slot(&mut self, job: Job) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.jobs[slot as usize].job = Some(job);
            return slot;
        }
        self.jobs.push(Slot { generation: 0, job: Some(job) });
        self.jobs.len() as u32 - 1
    }
}

/// The id of a call that is made for the call of this id: the same whenever it is made.
fn id_of_call(id: u64, call: u16) -> u64 {
    // The finaliser of SplitMix64: one to one.
    let mut word = id ^ (u64::from(call) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
