//! A client that gets a lock, works at what it guards while it holds it, and gives it back.

use std::collections::VecDeque;
use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{Access, Answered, AtResource, Grant, HolderNote, Rules, Speaks, mark};
use crate::base::{ClientId, Duration, DurationRange, LocalTime, NodeId, OperationId, Ratio, SortedMap, Stream};
use crate::history::{Event, Noted, Outcome};
use crate::process::{Claim, ClientProcess, Context, Files, Joined, Mark, Process, Role, SyncToken, Timer};
use crate::protocols::commit::locks::Mode;

/// How a lock is got and kept: the part of a worker that talks to the servers that give locks.
pub trait Keeper: Sized + 'static {
    /// What it is built from.
    type Config: Clone + 'static;
    /// What it and all others of its system send.
    type Message: Speaks;
    /// Its timers.
    type Timer: Timer;
    /// The marks that it may set.
    const MARKS: &'static [Mark];

    /// For a worker that has just started, after so many lives.
    fn boot(config: &Self::Config, life: u32, disk: &Files, context: &mut Context<'_, Worker<Self>>) -> Self;

    /// Asks for a lock, until it is had or missed. The last one was given back.
    fn acquire(&mut self, wanted: Wanted, context: &mut Context<'_, Worker<Self>>) -> Option<Turn>;

    /// A message has come that is not the resource's.
    fn on_message(&mut self, from: NodeId, message: Self::Message, context: &mut Context<'_, Worker<Self>>) -> Option<Turn>;

    /// One of its timers has fired.
    fn on_timer(&mut self, timer: Self::Timer, context: &mut Context<'_, Worker<Self>>) -> Option<Turn>;

    /// All that was written before this sync is on disk.
    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Worker<Self>>) -> Option<Turn> {
        let _ = (token, context);
        None
    }

    /// Gives back what it has, or may have.
    fn release(&mut self, context: &mut Context<'_, Worker<Self>>);

    /// One line on where it stands.
    fn status(&self) -> String;
}

/// The lock that a worker wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which.
    pub lock: u32,
    /// How it is to be held.
    pub mode: Mode,
    /// When it gives up waiting.
    pub until: LocalTime,
    /// For what is drawn on the way.
    pub random: Stream,
}

/// A lock that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// By which grant.
    pub grant: Grant,
    /// The token that came with it, if grants have one.
    pub token: Option<u64>,
    /// Until when, by the holder's clock.
    pub until: LocalTime,
}

/// What has come of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is held.
    Gained(Lease),
    /// It is held until then.
    Extended(LocalTime),
    /// It was not to be had.
    Missed,
    /// It is held no longer.
    Lost,
}

/// What a worker is built from.
#[derive(Clone, Debug)]
pub struct WorkerConfig<K> {
    /// The node that the locks guard.
    pub resource: NodeId,
    /// How many locks there are.
    pub locks: u32,
    /// How it works.
    pub work: Work,
    /// How many of its jobs only read, and share their lock with others that do.
    pub readers: Ratio,
    /// How long it thinks between two jobs; if it has none of its own, it does only those that it is [handed](Worker::hand).
    pub think: Option<DurationRange>,
    /// How long it waits for a lock.
    pub patience: Duration,
    /// How long the resource is given to answer, before it is asked again.
    pub request_timeout: Duration,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
    /// What its keeper is built from.
    pub keeper: K,
}

/// How a holder works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// How often it accesses the resource by one grant.
    pub accesses: u32,
    /// How long it works before each access.
    pub each: DurationRange,
    /// It begins nothing when so little is left of its lease, or less; nothing if it never looks.
    pub guard: Option<Duration>,
}

/// What a worker does, as an operation of the history: gets this lock, works, and gives it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Which lock.
    pub lock: u32,
    /// How it is held.
    pub mode: Mode,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under lock {}", if self.mode == Mode::Shared { "read" } else { "work" }, self.lock)
    }
}

/// That all accesses of a job took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Worked {
    /// By which grant.
    pub grant: Grant,
}

impl fmt::Display for Worked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "done by {}", self.grant)
    }
}

/// The worker that holds a lock.
pub const HOLDER: Role = Role::new("Holder", "A client that believes to hold a lock; of several, the one whose lease lasts longest.");

/// A client with jobs to do under a lock.
///
/// A job that is done is *done* in its history; one whose lock was not to be had has *failed*. One whose lock was lost on the way is of
/// *unknown* outcome: some of it took effect, and an access of it may still be on its way.
pub struct Worker<K: Keeper> {
    config: WorkerConfig<K::Config>,
    life: u32,
    /// That it has started once more is on its way to disk.
    numbered: Option<SyncToken>,
    keeper: K,
    /// How many jobs of its own it has planned in this life.
    jobs: u32,
    /// What it was handed and has not begun yet: all of them are due, or wait.
    handed: SortedMap<OperationId, Option<Job>>,
    /// Jobs that are due and wait until the one under way is over.
    waiting: VecDeque<OperationId>,
    current: Option<Current>,
    quiet: bool,
}

/// The job under way.
#[derive(Debug)]
struct Current {
    id: OperationId,
    lock: u32,
    mode: Mode,
    /// Whether it was handed: then no other of its own follows.
    is_handed: bool,
    random: Stream,
    /// If it holds the lock: by which lease, and which access it is at.
    holds: Option<(Lease, u32)>,
}

/// A worker's timers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WorkerTimer<T> {
    /// This job is due.
    Due(OperationId),
    /// The work before the next access is done.
    Worked,
    /// The resource has not answered in time.
    Overdue,
    /// Its keeper's.
    Keeper(T),
}

/// A keeper's timer is shown as if it stood alone.
impl<T: Debug> Debug for WorkerTimer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Due(_) => f.write_str("Due"),
            Self::Worked => f.write_str("Worked"),
            Self::Overdue => f.write_str("Overdue"),
            Self::Keeper(timer) => timer.fmt(f),
        }
    }
}

/// It is written so, too. Which job is due is not written with the timer, but with its invocation.
impl<T: Serialize> Serialize for WorkerTimer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Due(_) => serializer.serialize_unit_variant("WorkerTimer", 0, "Due"),
            Self::Worked => serializer.serialize_unit_variant("WorkerTimer", 1, "Worked"),
            Self::Overdue => serializer.serialize_unit_variant("WorkerTimer", 2, "Overdue"),
            Self::Keeper(timer) => timer.serialize(serializer),
        }
    }
}

/// What random words are for.
enum Purpose {
    /// The time until a job is due.
    Due = 1,
    /// What it is, and how long it works.
    Work = 2,
    /// What its keeper draws.
    Keeper = 3,
}

/// A byte for each start. Only its length counts: unlike a number, it cannot be torn into a smaller one by a crash.
const LIVES: &str = "lives";

impl<K: Keeper> Worker<K> {
    const ALL_MARKS: Joined<Mark> = Joined::of(mark::GRANTED, [mark::OF_WORKERS, K::MARKS]);

    /// Takes a job that a scenario writes down, under this identity; without one, it will be what is drawn for it. It is due when the timer
    /// fires that this returns.
    pub fn hand(&mut self, id: OperationId, job: Option<Job>) -> WorkerTimer<K::Timer> {
        self.handed.insert(id, job);
        WorkerTimer::Due(id)
    }

    /// Plans the next job of its own, if it has any.
    fn expect_next(&mut self, context: &mut Context<'_, Self>) {
        let Some(think) = self.config.think else { return };
        self.jobs += 1;
        let next = self.next(context);
        let after = drawn(Purpose::Due, next, context).within(think);
        context.set_timer(WorkerTimer::Due(next), after);
    }

    /// The job of its own that is due next or was due last.
    fn next(&self, context: &Context<'_, Self>) -> OperationId {
        OperationId { client: context.me().index() as u32, life: self.life, nth: self.jobs }
    }

    fn session(&self, context: &Context<'_, Self>) -> ClientId {
        ClientId { client: context.me().index() as u32, session: self.life }
    }

    /// A job is due: begins it, or lets it wait until that is possible.
    fn on_due(&mut self, due: OperationId, context: &mut Context<'_, Self>) {
        self.waiting.push_back(due);
        self.go_on(context);
    }

    /// Begins the first job that waits, if none is under way.
    fn go_on(&mut self, context: &mut Context<'_, Self>) {
        if self.numbered.is_some() || self.current.is_some() {
            return;
        }
        if let Some(due) = self.waiting.pop_front() {
            self.begin(due, context);
        }
    }

    fn begin(&mut self, id: OperationId, context: &mut Context<'_, Self>) {
        let mut random = drawn(Purpose::Work, id, context);
        let lock = 1 + random.below(u64::from(self.config.locks)) as u32;
        let mode = if random.chance(self.config.readers) { Mode::Shared } else { Mode::Exclusive };
        let handed = self.handed.remove(&id);
        let is_handed = handed.is_some();
        let Job { lock, mode } = handed.flatten().unwrap_or(Job { lock, mode });
        context.note(Noted::Event(Event::Invoke { client: self.session(context), id, op: Job { lock, mode } }));
        self.current = Some(Current { id, lock, mode, is_handed, random, holds: None });
        let wanted = Wanted { lock, mode, until: context.now() + self.config.patience, random: drawn(Purpose::Keeper, id, context) };
        let turn = self.keeper.acquire(wanted, context);
        self.take(turn, context);
    }

    /// The job has ended so.
    fn end(&mut self, outcome: Outcome<Worked>, context: &mut Context<'_, Self>) {
        context.cancel_timer(WorkerTimer::Worked);
        context.cancel_timer(WorkerTimer::Overdue);
        let is_handed = self.current.take().is_some_and(|current| current.is_handed);
        context.note(Noted::Event(Event::Complete { client: self.session(context), outcome }));
        if !is_handed && !self.quiet {
            self.expect_next(context);
        }
        self.go_on(context);
    }

    /// Something has come of the lock.
    fn take(&mut self, turn: Option<Turn>, context: &mut Context<'_, Self>) {
        let (Some(turn), Some(current)) = (turn, &mut self.current) else { return };
        match (turn, &mut current.holds) {
            (Turn::Gained(lease), holds) => {
                *holds = Some((lease, 1));
                let (lock, mode, Lease { grant, token, .. }) = (current.lock, current.mode, lease);
                context.sometimes(mark::GRANTED);
                context.note(Noted::Own(HolderNote::Holds { lock, grant, mode, token }));
                self.work(context);
            }
            (Turn::Extended(until), Some((lease, _))) => lease.until = until,
            (Turn::Lost, Some(_)) => {
                context.sometimes(mark::LOST);
                self.leave("lost", Outcome::Unknown, context);
            }
            (Turn::Missed, None) => {
                context.sometimes(mark::NOT_GRANTED);
                self.end(Outcome::Failed, context);
            }
            (Turn::Extended(_) | Turn::Lost, None) | (Turn::Missed, Some(_)) => {}
        }
    }

    /// Holds the lock no longer.
    fn leave(&mut self, why: &'static str, outcome: Outcome<Worked>, context: &mut Context<'_, Self>) {
        self.keeper.release(context);
        if let Some(Current { lock, holds: Some((Lease { grant, .. }, _)), .. }) = &self.current {
            context.note(Noted::Own(HolderNote::Leaves { lock: *lock, grant: *grant, why }));
        }
        self.end(outcome, context);
    }

    /// Works for the next access, if that much is left of the lease.
    fn work(&mut self, context: &mut Context<'_, Self>) {
        if self.is_over(context.now()) {
            return self.stop(context);
        }
        let Some(current) = &mut self.current else { return };
        context.set_timer(WorkerTimer::Worked, current.random.within(self.config.work.each));
    }

    fn is_over(&self, now: LocalTime) -> bool {
        let Some(Current { holds: Some((lease, _)), .. }) = &self.current else { return false };
        self.config.rules.stops(self.config.work.guard.is_some_and(|guard| now + guard >= lease.until))
    }

    fn stop(&mut self, context: &mut Context<'_, Self>) {
        context.sometimes(mark::ENDED);
        self.leave("ended", Outcome::Unknown, context);
    }

    /// The work is done, and what came of it is brought to the resource.
    fn access(&mut self, context: &mut Context<'_, Self>) {
        let Some(Current { lock, mode, holds: Some((Lease { grant, token, .. }, nth)), .. }) = &self.current else { return };
        let access = Access { lock: *lock, grant: *grant, mode: *mode, token: *token, nth: *nth };
        for _ in 0..self.config.rules.copies() {
            context.send(self.config.resource, AtResource::Access(access).into());
        }
        context.set_timer(WorkerTimer::Overdue, self.config.request_timeout);
    }

    fn on_overdue(&mut self, context: &mut Context<'_, Self>) {
        if self.is_over(context.now()) {
            return self.stop(context);
        }
        context.sometimes(mark::RESENT);
        self.access(context);
    }

    fn on_answered(&mut self, answered: Answered, context: &mut Context<'_, Self>) {
        let Some(Current { holds: Some((Lease { grant, .. }, nth)), .. }) = &mut self.current else { return };
        let grant = *grant;
        if (answered.grant, answered.nth) != (grant, *nth) {
            return;
        }
        context.cancel_timer(WorkerTimer::Overdue);
        if answered.fenced.is_some() {
            self.leave("fenced", Outcome::Unknown, context);
        } else if *nth == self.config.work.accesses {
            self.leave("done", Outcome::Done(Worked { grant }), context);
        } else {
            *nth += 1;
            self.work(context);
        }
    }
}

/// The random words for this purpose of a job.
fn drawn<K: Keeper>(purpose: Purpose, job: OperationId, context: &mut Context<'_, Worker<K>>) -> Stream {
    context.random().fork(purpose as u64, job.word())
}

impl<K: Keeper> Process for Worker<K> {
    type Config = WorkerConfig<K::Config>;
    type Message = K::Message;
    type Timer = WorkerTimer<K::Timer>;
    type Note = Noted<Job, Worked, HolderNote>;

    const ROLES: &'static [Role] = &[HOLDER];
    const MARKS: &'static [Mark] = Self::ALL_MARKS.list();

    fn boot(config: &Self::Config, disk: &Files, context: &mut Context<'_, Self>) -> Self {
        let life = disk.read(LIVES).map_or(0, <[u8]>::len) as u32;
        context.append(LIVES, b".");
        let keeper = K::boot(&config.keeper, life, disk, context);
        // The last to be told is the worker: whether it then has something to do makes no difference to when its keeper is told.
        let numbered = Some(context.sync());
        Self {
            config: config.clone(),
            life,
            numbered,
            keeper,
            jobs: 0,
            handed: SortedMap::new(),
            waiting: VecDeque::new(),
            current: None,
            quiet: false,
        }
    }

    fn on_message(&mut self, from: NodeId, message: K::Message, context: &mut Context<'_, Self>) {
        match message.at_resource() {
            Ok(AtResource::Answered(answered)) => self.on_answered(answered, context),
            Ok(AtResource::Access(_)) => {}
            Err(message) => {
                let turn = self.keeper.on_message(from, message, context);
                self.take(turn, context);
            }
        }
    }

    fn on_timer(&mut self, timer: Self::Timer, context: &mut Context<'_, Self>) {
        match timer {
            WorkerTimer::Due(job) => self.on_due(job, context),
            WorkerTimer::Worked => self.access(context),
            WorkerTimer::Overdue => self.on_overdue(context),
            WorkerTimer::Keeper(timer) => {
                let turn = self.keeper.on_timer(timer, context);
                self.take(turn, context);
            }
        }
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Context<'_, Self>) {
        if self.numbered.take_if(|awaited| *awaited == token).is_some() && !self.quiet {
            self.expect_next(context);
        }
        let turn = self.keeper.on_synced(token, context);
        self.take(turn, context);
        self.go_on(context);
    }

    fn role(&self) -> Option<Claim> {
        let (lease, _) = self.current.as_ref()?.holds?;
        Some(HOLDER.ranked(lease.until.as_nanos().max(0) as u64))
    }

    fn status(&self) -> String {
        match &self.current {
            None => "idle".to_owned(),
            Some(Current { id, lock, holds: None, .. }) => format!("{id} waits for lock {lock}, {}", self.keeper.status()),
            Some(Current { id, lock, holds: Some((lease, nth)), .. }) => {
                format!("{id} holds lock {lock} by {} until {}, at access {nth}", lease.grant, lease.until)
            }
        }
    }
}

impl<K: Keeper> ClientProcess for Worker<K> {
    fn quiesce(&mut self, context: &mut Context<'_, Self>) {
        self.quiet = true;
        self.waiting.clear();
        self.handed.clear();
        context.cancel_timer(WorkerTimer::Due(self.next(context)));
    }

    fn under_way(&self) -> usize {
        usize::from(self.current.is_some())
    }
}
