//! An instance of a service: a queue, workers, and the calls that its work needs.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use super::agenda::{Alarm, Node, Timer};
use super::cache::Caches;
use super::caller::{Caller, Over, Wanted};
use super::credits::{Rooms, Taken};
use super::graph::{Does, Graph, Service, Unlike};
use super::mark;
use super::message::{Answer, Attempt, Channel, Message, Request, Value};
use super::note::Note;
use super::peak::Peak;
use super::recent::Recent;
use super::registry::Registry;
use super::rules::Rules;
use super::saga::{self, Sagas};
use super::store::{FILE, Store};
use crate::base::{Duration, LocalTime, NodeId, Ratio};
use crate::policies::Outcome;
use crate::policies::balancer::Load;
use crate::policies::limiter::{Concurrency, Held, TokenBucket};
use crate::policies::queue::{DropReason, Popped, Pushed, Queue, QueueSettings, Waiting};
use crate::policies::sampler::Sampler;
use crate::process::{Context, Files, Mark, Process};

/// An instance.
pub struct Instance {
    pub(super) graph: Arc<Graph>,
    pub(super) rules: Arc<dyn Rules>,
    /// The place of its service.
    pub(super) service: u16,
    /// Which of its instances it is.
    instance: u32,
    /// In what it is unlike the others.
    unlike: Option<Unlike>,
    pub(super) endpoints: Vec<Ready>,
    queue: Queue<Arrived>,
    /// The most that have waited of late, and that were worked on.
    longest: Peak,
    most: Peak,
    /// How many workers are at work, or held.
    busy: u32,
    jobs: Vec<Slot>,
    free: Vec<u32>,
    pub(super) caller: Caller<For>,
    pub(super) caches: Caches,
    pub(super) sagas: Sagas,
    store: Option<Store>,
    rooms: Rooms,
    limit: Option<Concurrency>,
    rate: Option<TokenBucket>,
    /// What requests have taken of late, where callers want to know.
    recent: Option<Recent>,
    /// What it lists, if it is a registry.
    registry: Option<Registry>,
}

/// What an instance is built from.
#[derive(Clone, Debug)]
pub struct InstanceConfig {
    /// The graph of all services.
    pub graph: Arc<Graph>,
    /// The place of its service.
    pub service: u16,
    /// Which of its instances it is, from 0.
    pub instance: u32,
    /// What it goes by.
    pub rules: Arc<dyn Rules>,
}

/// An endpoint, as an instance has it.
pub(super) struct Ready {
    work: Sampler,
    fails: Ratio,
    does: Does,
    atomic: bool,
    rejects: Ratio,
    /// The first call of each step, and how many it has.
    pub(super) steps: Vec<(u16, u16)>,
}

/// A request that has come.
#[derive(Clone, Copy, Debug)]
struct Arrived {
    from: NodeId,
    request: Request,
    /// Whether it has a place in the queue that was promised to its caller.
    has_place: bool,
    /// How many it found worked on or waiting.
    found: u32,
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
    /// What a store has under the item, as the last of its calls said that had something to say.
    value: Option<(u16, Value)>,
}

/// What a call is made for.
#[derive(Clone, Copy, Debug)]
pub(super) enum For {
    /// A job.
    Job(JobToken),
    /// A load into a cache.
    Load {
        /// Its place.
        place: u32,
    },
    /// A saga that is undone.
    Undo {
        /// Its place.
        place: u32,
    },
}

/// A job, and the number of a call that is made for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct JobToken {
    slot: u32,
    generation: u32,
    pub(super) call: u16,
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
        let InstanceConfig { graph, service, instance, rules } = config;
        let (own, now) = (graph.service(*service), context.now());
        let endpoint = |(place, endpoint): (usize, &super::graph::Endpoint)| Ready {
            work: Sampler::new(endpoint.work.clone()).expect(VALID),
            fails: endpoint.fails,
            rejects: endpoint.rejects,
            does: endpoint.does,
            atomic: endpoint.atomic,
            steps: own.steps(place as u16),
        };
        let store = own.stores.then(|| Store::open(*service, own, rules, disk, context));
        let queue = QueueSettings { bound: own.queue.bound.map(|bound| rules.bound(bound)), ..own.queue.clone() };
        let mut instance = Self {
            endpoints: own.endpoints.iter().enumerate().map(endpoint).collect(),
            queue: Queue::new(&queue).expect(VALID),
            longest: Peak::default(),
            most: Peak::default(),
            busy: 0,
            jobs: Vec::new(),
            free: Vec::new(),
            caller: Caller::new(graph, graph.routes(*service), rules, now),
            caches: Caches::new(graph, *service, &**rules),
            sagas: Sagas::default(),
            store,
            rooms: Rooms::default(),
            limit: own.limit.as_ref().map(|settings| Concurrency::new(settings).expect(VALID)),
            rate: own.rate.as_ref().map(|settings| TokenBucket::new(settings).expect(VALID)),
            graph: Arc::clone(graph),
            rules: Arc::clone(rules),
            service: *service,
            unlike: own.unlike.iter().find(|unlike| unlike.instance == *instance + 1).copied(),
            recent: graph.is_probed(*service).then(Recent::default),
            registry: own.registry.map(|settings| Registry::new(settings, now)),
            instance: *instance,
        };
        instance.caller.discover(context);
        instance.register(context);
        if own.is_orchestrator() {
            instance.resume_sagas(disk, context);
        }
        instance
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Context<'_, Self>) {
        match message {
            Message::Request(request) => {
                let found = self.under_way() as u32;
                self.arrived(Arrived { from, request, has_place: false, found }, context);
            }
            Message::Reply { attempt, answer, value, .. } => {
                self.caller.answered(attempt, answer, value, context);
                self.go_on(context);
            }
            Message::Granted { channel, limit } => {
                self.caller.granted(from, channel, limit, context);
                self.go_on(context);
            }
            Message::Blocked { channel, number } => self.blocked(from, channel, number, context),
            Message::Cancel { attempt } => self.cancelled(from, attempt, context),
            Message::Probe { site } => {
                let in_flight = self.under_way() as u32;
                let latency = self.recent.as_ref().map_or(Duration::ZERO, |recent| recent.latency(in_flight));
                context.send(from, Message::Load { site, in_flight, latency });
            }
            Message::Load { site, in_flight, latency } => self.caller.loaded(site, from, Load { in_flight, latency }, context.now()),
            Message::Listed { site, at, instances } => self.caller.listed(site, at, instances, context),
            Message::Register { service, instance } => {
                if let Some(registry) = &mut self.registry {
                    registry.register((service, instance), &mut self.caller.agenda, &*self.rules, context);
                }
            }
            Message::LookUp { site, service, watch } => {
                if let Some(registry) = &mut self.registry {
                    registry.look_up((from, site), service, watch, &*self.rules, context);
                }
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, context: &mut Context<'_, Self>) {
        match timer {
            Timer::Work(slot) => self.worked(slot, context),
            Timer::Wake => {
                while let Some(alarm) = self.caller.agenda.take(context) {
                    match (alarm, &mut self.registry) {
                        (Alarm::Undo(place), _) => self.compensate(place, context),
                        (Alarm::Register, _) => self.register(context),
                        (Alarm::Expire, Some(registry)) => registry.expire(&*self.rules, context),
                        _ => self.caller.alarmed(alarm, context),
                    }
                }
            }
            Timer::Arrive | Timer::Due(_) => {}
        }
        self.go_on(context);
    }

    fn status(&self) -> String {
        let service = self.own();
        if let Some(registry) = &self.registry {
            return format!("{}, {} instances listed", service.name, registry.len());
        }
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
        let said = |file, what: &str| disk.read(file).map(|bytes| format!("{} bytes of {what}", bytes.len()));
        said(FILE, "effects").or_else(|| said(saga::FILE, "sagas"))
    }
}

impl Instance {
    /// How many requests it works on or has waiting, and how many sagas it undoes.
    pub fn under_way(&self) -> usize {
        self.jobs.len() - self.free.len() + self.queue.len() + self.sagas.undoing()
    }

    fn own(&self) -> &Service {
        self.graph.service(self.service)
    }

    /// Tells the registry that it is there, and does so again when it is time to.
    fn register(&mut self, context: &mut Context<'_, Self>) {
        let Some(registry) = self.graph.registry_of(self.service) else { return };
        for instance in 0..self.graph.service(registry).instances {
            let message = Message::Register { service: self.service, instance: self.instance };
            context.send(self.graph.node(registry, instance), message);
        }
        if let Some(every) = self.own().registers.as_ref().map(|registering| registering.every) {
            self.caller.agenda.set(context.now() + every, Alarm::Register, context);
        }
    }

    fn arrived(&mut self, mut arrived: Arrived, context: &mut Context<'_, Self>) {
        let whole = self.graph.roots().first().and_then(|root| root.policy.deadline);
        arrived.request.deadline = self.rules.received(arrived.request.deadline, context.now(), whole);
        if !self.takes_credit(&mut arrived, context) {
            context.sometimes(mark::REFUSED);
            return Self::reply(arrived, Answer::Full, Duration::ZERO, context);
        }
        if self.rate.as_mut().is_some_and(|rate| rate.try_take(context.now(), 1).is_err()) {
            context.sometimes(mark::LIMITED);
            self.leaves_place(&arrived, context);
            return Self::reply(arrived, Answer::Limited, Duration::ZERO, context);
        }
        if self.busy < self.own().workers && self.queue.is_empty() {
            return self.start(arrived, Duration::ZERO, context);
        }
        let Request { priority, deadline, .. } = arrived.request;
        let priority = self.rules.priority(priority);
        let deadline = deadline.filter(|_| self.rules.is_too_late(true));
        match self.queue.push(context.now(), Waiting { item: arrived, priority, deadline }) {
            Pushed::Queued => {}
            Pushed::Refused(refused) => {
                context.sometimes(mark::REFUSED);
                self.leaves_place(&refused, context);
                Self::reply(refused, Answer::Full, Duration::ZERO, context);
            }
            Pushed::Displaced { item, why } => self.dropped(item, Duration::ZERO, why, context),
        }
        let length = self.queue.len() as u32;
        if length > 0 && self.longest.grows(context.now(), length) {
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
            self.longest.clear();
        }
    }

    fn start(&mut self, arrived: Arrived, waited: Duration, context: &mut Context<'_, Self>) {
        self.leaves_place(&arrived, context);
        let (now, Request { root, call, key, endpoint, deadline, item, .. }) = (context.now(), arrived.request);
        if deadline.is_some_and(|deadline| self.rules.is_too_late(deadline <= now)) {
            context.sometimes(mark::EXPIRED);
            return Self::reply(arrived, Answer::Expired, waited, context);
        }
        if self.graph.has_deadlines() {
            context.note(Note::Works { root, call, deadline });
        }
        let Ready { does, atomic, .. } = self.endpoints[usize::from(endpoint)];
        if let Some(store) = self.store.as_mut().filter(|_| does == Does::Writes) {
            let known = if self.rules.claims_key_first() { store.known(now, key) } else { store.known_when_done(now, key) };
            if let Some((known, value)) = known {
                context.sometimes(mark::KNOWN);
                return self.answer(arrived, known, value, waited, context);
            }
            if !self.rules.counts_stock_last() && store.is_sold_out(item) {
                store.abandoned(key);
                return Self::reply(arrived, Answer::Failed, waited, context);
            }
        }
        let held = self.limit.as_mut().map(Concurrency::try_acquire);
        if held == Some(None) {
            if let Some(store) = &mut self.store {
                store.abandoned(key);
            }
            context.sometimes(mark::LIMITED);
            return Self::reply(arrived, Answer::Limited, waited, context);
        }
        if let Some(known) = if atomic { self.begin_saga(&arrived.request, context) } else { None } {
            context.sometimes(mark::KNOWN);
            if let (Some(limit), Some(held)) = (&mut self.limit, held.flatten()) {
                limit.release(held, Duration::ZERO, Outcome::Ignored, 0);
            }
            return self.answer(arrived, known, None, waited, context);
        }
        self.busy += 1;
        let mut work = self.endpoints[usize::from(endpoint)].work.draw(context.random());
        if let Some(unlike) = self.unlike.filter(|unlike| unlike.lasts(now)) {
            work = work * u64::from(unlike.work_percent) / 100;
        }
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
            value: None,
        };
        let slot = self.take_slot(job);
        context.set_timer(Timer::Work(slot), work);
        let count = (self.jobs.len() - self.free.len()) as u32;
        if count > self.own().workers && self.most.grows(now, count) {
            context.note(Note::Working { count });
        }
    }

    /// The own work of a job is done.
    fn worked(&mut self, slot: u32, context: &mut Context<'_, Self>) {
        let (holds, service) = (self.own().holds, self.service);
        let Some(job) = self.jobs[slot as usize].job.as_mut() else { return };
        job.is_worked = true;
        let Request { endpoint, call, .. } = job.arrived.request;
        let Ready { fails, rejects, .. } = self.endpoints[usize::from(endpoint)];
        let unlike = self.unlike.filter(|unlike| unlike.lasts(context.now()));
        // Whether a request is wrong hangs on it alone, whoever tries it and however often.
        if !rejects.is_never() && rejects.strikes(spread(call)) {
            return self.finish(slot, Answer::Rejected, context);
        }
        if context.random().chance(unlike.and_then(|unlike| unlike.fails).unwrap_or(fails)) {
            return self.finish(slot, Answer::Failed, context);
        }
        let does = self.endpoints[usize::from(endpoint)].does;
        if let (Some(store), false) = (&mut self.store, self.rules.effect_comes_last() || does != Does::Writes) {
            // What is refused here is refused again at the end.
            let _ = store.apply(does, &job.arrived.request, &*self.rules, context);
        }
        if !holds && !self.graph.routes(service).is_empty() {
            let job = self.jobs[slot as usize].job.as_mut().expect("it was there above");
            job.holds = false;
            self.busy -= 1;
        }
        self.step(slot, context);
    }

    /// Begins the calls of the step that a job is in, or answers if there is none.
    fn step(&mut self, slot: u32, context: &mut Context<'_, Self>) {
        let Slot { generation, job: Some(job) } = &mut self.jobs[slot as usize] else { return };
        let Request { root, call: id, endpoint, priority, deadline, item, .. } = job.arrived.request;
        let ready = &self.endpoints[usize::from(endpoint)];
        let Some((first, count)) = ready.steps.get(job.step).copied() else {
            let answer = if job.is_degraded { Answer::Degraded } else { Answer::Done };
            return self.finish(slot, answer, context);
        };
        job.pending = count;
        let (generation, due, when_durable) = (*generation, context.now(), ready.atomic);
        for call in first..first + count {
            let wanted = Wanted { root, call: id_of_call(id, call), priority, deadline, due, item, when_durable };
            let token = JobToken { slot, generation, call };
            if self.caches.has(call) {
                self.look_up(token, wanted, context);
            } else {
                self.caller.begin(call, For::Job(token), wanted, context);
            }
        }
    }

    /// Goes on with that whose calls are over.
    fn go_on(&mut self, context: &mut Context<'_, Self>) {
        while let Some(Over { token, answer, value, item }) = self.caller.take_over() {
            match token {
                For::Job(token) => {
                    if item.is_some() {
                        let (service, does) = self.caller.target(token.call);
                        self.changed(service, does, item, context);
                    }
                    self.called(token, answer, value, context);
                }
                For::Load { place } => self.loaded(place, answer, value, context),
                For::Undo { place } => self.compensated(place, answer.is_some_and(Answer::succeeded), context),
            }
        }
        self.take_next(context);
    }

    /// A call that was made for a job is over.
    fn called(&mut self, token: JobToken, answer: Option<Answer>, value: Option<Value>, context: &mut Context<'_, Self>) {
        let JobToken { slot, generation, call } = token;
        let found = &mut self.jobs[slot as usize];
        let Some(job) = found.job.as_mut().filter(|_| found.generation == generation) else { return };
        job.pending -= 1;
        if let Some(value) = value
            && job.value.is_none_or(|(other, _)| other < call)
        {
            job.value = Some((call, value));
        }
        let pending = job.pending;
        match answer {
            Some(Answer::Done) => {}
            Some(Answer::Degraded) => job.is_degraded = true,
            _ if self.caller.is_optional(call) => {
                job.is_degraded = true;
                context.sometimes(mark::DEGRADED);
            }
            // The others of the step may go on: what comes of them is of no use any more.
            Some(Answer::Rejected) => return self.finish(slot, Answer::Rejected, context),
            _ => return self.finish(slot, Answer::CallFailed, context),
        }
        if pending == 0 {
            job.step += 1;
            self.step(slot, context);
        }
    }

    /// A job is over.
    fn finish(&mut self, slot: u32, answer: Answer, context: &mut Context<'_, Self>) {
        let found = &mut self.jobs[slot as usize];
        let Some(job) = found.job.take() else { return };
        found.generation = found.generation.wrapping_add(1);
        self.free.push(slot);
        self.busy -= u32::from(job.holds);
        let outcome = if answer.served() { Outcome::Success } else { Outcome::Failure };
        self.leave(&job, outcome, context);
        if let Some(recent) = &mut self.recent {
            recent.add(job.arrived.found, context.now().since(job.began) + job.waited);
        }
        let (mut answer, mut value) = (answer, job.value.map(|(_, value)| value));
        let Ready { does, atomic, .. } = self.endpoints[usize::from(job.arrived.request.endpoint)];
        if let Some(store) = &mut self.store {
            let (request, now) = (&job.arrived.request, context.now());
            // The effect comes last: what failed has none.
            if answer.succeeded() && (self.rules.effect_comes_last() || does != Does::Writes) {
                match store.apply(does, request, &*self.rules, context) {
                    Ok(stored) => value = stored.or(value),
                    Err(refused) => answer = refused,
                }
            }
            if does == Does::Writes {
                if !self.rules.claims_key_first() {
                    let _ = store.known(now, request.key);
                }
                store.finished(now, request.key, (answer, value), self.rules.remembers(answer.succeeded()));
            }
        }
        if atomic {
            // What its own work could not do was not begun.
            let steps = if answer == Answer::Failed { 0 } else { job.step + 1 };
            self.end_saga(&job.arrived.request, answer.succeeded(), steps, context);
        }
        self.answer(job.arrived, answer, value, job.waited, context);
    }

    /// Answers; what has an effect only when that is on disk.
    fn answer(&self, arrived: Arrived, answer: Answer, value: Option<Value>, waited: Duration, context: &mut Context<'_, Self>) {
        let Arrived { from, request, .. } = arrived;
        let reply = Message::Reply { attempt: request.attempt, answer, waited, value };
        let is_stored = self.store.is_some() || self.endpoints[usize::from(request.endpoint)].atomic;
        if is_stored && answer.succeeded() && self.rules.answers_when_durable() {
            context.send_when_durable(from, reply);
        } else {
            context.send(from, reply);
        }
    }

    fn dropped(&mut self, arrived: Arrived, waited: Duration, why: DropReason, context: &mut Context<'_, Self>) {
        if self.rules.frees_dropped() {
            self.leaves_place(&arrived, context);
        }
        let is_late = why == DropReason::Deadline;
        context.sometimes(if is_late { mark::EXPIRED } else { mark::SHED });
        if self.rules.answers_dropped() {
            Self::reply(arrived, if is_late { Answer::Expired } else { Answer::Shed }, waited, context);
        }
    }

    fn reply(Arrived { from, request, .. }: Arrived, answer: Answer, waited: Duration, context: &mut Context<'_, Self>) {
        context.send(from, Message::Reply { attempt: request.attempt, answer, waited, value: None });
    }

    /// A request comes for a credit, where its caller needs one: whether there is room for it.
    fn takes_credit(&mut self, arrived: &mut Arrived, context: &mut Context<'_, Self>) -> bool {
        let (from, Some(credit)) = (arrived.from, arrived.request.credit) else { return true };
        let Some(settings) = self.graph.credits(from, credit.channel.site) else { return true };
        let Taken { has_room, lost, limit, has_place } = self.rooms.takes(settings, from, credit, self.rules.finds_lost_credits());
        arrived.has_place = has_place && has_room;
        Self::tell_room(from, credit.channel, lost, limit, context);
        has_room || !self.rules.waits_for_credit()
    }

    /// A request that had a place leaves it.
    fn leaves_place(&mut self, arrived: &Arrived, context: &mut Context<'_, Self>) {
        let (from, Some(credit), true) = (arrived.from, arrived.request.credit, arrived.has_place) else { return };
        let limit = self.rooms.left(from, credit.channel);
        Self::tell_room(from, credit.channel, 0, limit, context);
    }

    /// A caller has used so many credits, and waits for more.
    fn blocked(&mut self, from: NodeId, channel: Channel, number: u64, context: &mut Context<'_, Self>) {
        let Some(settings) = self.graph.credits(from, channel.site) else { return };
        let (lost, limit) = self.rooms.blocked(settings, from, channel, number, self.rules.finds_lost_credits());
        Self::tell_room(from, channel, lost, Some(limit), context);
    }

    fn tell_room(to: NodeId, channel: Channel, lost: u64, limit: Option<u64>, context: &mut Context<'_, Self>) {
        if lost > 0 {
            context.sometimes(mark::CREDIT_LOST);
        }
        if let Some(limit) = limit {
            context.send(to, Message::Granted { channel, limit });
        }
    }

    /// A request is not needed any more: if it waits, it goes; if it is worked on, the work stops, as long as nothing has come of it.
    fn cancelled(&mut self, from: NodeId, attempt: Attempt, context: &mut Context<'_, Self>) {
        let is_meant = |arrived: &Arrived| arrived.from == from && arrived.request.attempt == attempt;
        if self.rules.heeds_cancel()
            && let Some(arrived) = self.queue.remove(|arrived| is_meant(arrived))
        {
            self.leaves_place(&arrived, context);
            return context.sometimes(mark::CANCELLED);
        }
        // A saga that has begun is brought to an end.
        let may_stop = |job: &Job| !job.is_worked && !self.endpoints[usize::from(job.arrived.request.endpoint)].atomic;
        let place = self.jobs.iter().position(|slot| slot.job.as_ref().is_some_and(|job| may_stop(job) && is_meant(&job.arrived)));
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
pub(super) fn id_of_call(id: u64, call: u16) -> u64 {
    spread(id ^ (u64::from(call) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// The finaliser of SplitMix64: one to one.
const fn spread(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
