//! How a worker gets and keeps a lock over its session with a registry.

use std::sync::Arc;

use serde::Serialize;

use super::super::ttl::allowance;
use super::super::{Grant, HolderNote, Keeper, Lease, Rules, Turn, Wanted, Worker, WorkerTimer};
use super::{Message, RECORD, SHARED, is_place};
use crate::base::{Duration, LocalTime, NodeId, OperationId};
use crate::history::Noted;
use crate::process::{Context, Embeds, Files, Joined, Mark, NoNote, Process, SyncToken};
use crate::protocols::commit::locks::Mode;
use crate::protocols::registry::{
    self, Agent, AgentConfig, AgentTimer, Condition, Item, Key, Listing, News, Operation, Outcome, Response, Value,
};

/// How a worker gets and keeps such a lock.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    life: u32,
    agent: Agent,
    /// How many times it has asked for a lock.
    asked: u32,
    wanted: Option<Wanted>,
    state: State,
    /// Whether it has waited in its queue.
    has_waited: bool,
    /// What it has put down that it holds the lock.
    record: Option<Place>,
    /// What holders have left that did not release the lock.
    left: Vec<Place>,
    /// The term that it observed last.
    observed: Option<u64>,
}

/// What it is built from.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Its session.
    pub agent: AgentConfig,
    /// How far two clocks may drift apart, in parts per million, for all that it knows.
    pub drift: u32,
    /// Whether it wakes at the release of the one before it alone; else at each.
    pub one_wakeup: bool,
    /// Whether it waits for its turn; else it gives up if it is not first.
    pub waits: bool,
    /// How long it waits if the last holder did not release the lock.
    pub lock_delay: Duration,
    /// How it observes who leads: who holds the first lock.
    pub observes: Observing,
    /// Whether it deletes its key when it releases the lock; else it lets its lease run out, and the key with it.
    pub resigns: bool,
    /// Its rules.
    pub rules: Arc<dyn Rules>,
}

/// How a client learns who leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observing {
    /// It does not.
    Off,
    /// It watches the queue: what it sees goes forward.
    Watching,
    /// It asks now and then, any server, which may lag behind the last one that it asked.
    Asking(Duration),
}

/// Where it stands. The revision of its key is its place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    /// It has no lease.
    Unleased,
    /// Its key is being put.
    Entering(u64, Key),
    /// It has a place in the queue, and asks whether it is first.
    Looking(u64, Place),
    /// It waits for the one before it to go.
    Waiting(Place, Place),
    /// It is first, and waits since a holder before it did not release the lock.
    Delaying(Place),
    /// It is first, and puts down that it holds the lock.
    Recording(u64, Place),
    /// It holds the lock until then.
    Holding(Place, LocalTime),
}

impl State {
    /// The ticket of what it waits for to be done.
    fn awaits(self) -> Option<u64> {
        match self {
            Self::Entering(asked, _) | Self::Looking(asked, _) | Self::Recording(asked, _) => Some(asked),
            Self::Idle | Self::Unleased | Self::Waiting(..) | Self::Delaying(_) | Self::Holding(..) => None,
        }
    }
}

/// A place in the queue, or the record of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    key: Key,
    created: u64,
}

/// What its timers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum SessionTimer {
    /// One of its agent's.
    Agent(AgentTimer),
    /// It has waited as long as it is patient.
    Impatient,
    /// The lock-delay is over.
    Delayed,
    /// It is time to ask who leads.
    Observe,
}

/// Who holds this lock leads.
const LEADS: u32 = 1;

const QUEUED: Mark = Mark::new("waited in the queue", "A client waited for the one before it in the queue of a lock.");
const MOVED_UP: Mark = Mark::new("not first yet", "The one before a client in the queue of a lock left, and it was not first yet.");
const PLACE_LOST: Mark = Mark::new("place lost", "A client lost its place in the queue of a lock, since its lease had ended.");
const TRIED: Mark = Mark::new("lock tried in vain", "A client that does not wait found a lock held.");
const DELAYED: Mark = Mark::new("lock delayed", "A client was first, and waited since the last holder had not released the lock.");
const ABANDONED: Mark = Mark::new("did not resign", "A client that was done let its lease run out, and did not release the lock.");
const NEW_TERM: Mark = Mark::new("new leader observed", "A client observed that another leads than before.");

static MARKS: Joined<Mark> = Joined::of(QUEUED, [&[QUEUED, MOVED_UP, PLACE_LOST, TRIED, DELAYED, ABANDONED, NEW_TERM], Agent::MARKS]);

type Contexts<'a> = Context<'a, Worker<Session>>;

impl Embeds<Agent> for Worker<Session> {
    const SCOPE: &'static str = "agent";

    fn wrap_message(message: registry::Message) -> Message {
        Message::Registry(message)
    }

    fn wrap_timer(timer: AgentTimer) -> WorkerTimer<SessionTimer> {
        WorkerTimer::Keeper(SessionTimer::Agent(timer))
    }

    fn wrap_note(note: NoNote) -> Option<Noted<super::super::Job, super::super::Worked, HolderNote>> {
        match note {}
    }
}

/// Gets in line.
impl Session {
    fn ask(&mut self, operation: Operation, context: &mut Contexts<'_>) -> u64 {
        context.embed(|context: &mut Context<'_, Agent>| self.agent.ask(operation, context))
    }

    /// Puts its key, if it has a lease.
    fn enter(&mut self, context: &mut Contexts<'_>) {
        let Some(Wanted { lock, mode, .. }) = self.wanted else { return };
        let Some((lease, _)) = self.agent.lease() else {
            self.state = State::Unleased;
            return;
        };
        self.asked += 1;
        self.has_waited = false;
        context.note(Noted::Own(HolderNote::Asks { lock, grant: self.grant(context) }));
        // The name is the lease's: no other has it.
        let key = Key { directory: lock, name: lease.grant as u32 };
        let value = Value::Number(u64::from(mode == Mode::Shared));
        let put = Operation::Put { key, value, lease: Some(lease), only: Condition::Absent };
        let ticket = self.ask(put, context);
        for _ in 1..self.config.rules.puts() {
            self.ask(put, context);
        }
        self.state = State::Entering(ticket, key);
    }

    fn grant(&self, context: &Contexts<'_>) -> Grant {
        Grant(OperationId { client: context.me().index() as u32, life: self.life, nth: self.asked })
    }

    /// The place is no longer its own: it gets in line again.
    fn enter_again(&mut self, place: Place, context: &mut Contexts<'_>) {
        context.sometimes(PLACE_LOST);
        self.leave(place, context);
        self.enter(context);
    }

    /// Leaves the queue, and nothing behind: it has nothing under way at what the lock guards.
    fn leave(&mut self, place: Place, context: &mut Contexts<'_>) {
        if let Some(Place { key, created }) = self.record.take() {
            let only = if self.config.rules.spares_others_records() { Condition::Created(created) } else { Condition::Always };
            self.ask(Operation::Delete { key, only }, context);
        }
        self.give_up(place, context);
    }

    /// Deletes this key, if it is there still.
    fn give_up(&mut self, Place { key, created }: Place, context: &mut Contexts<'_>) {
        self.ask(Operation::Delete { key, only: Condition::Created(created) }, context);
    }

    fn look(&mut self, place: Place, context: &mut Contexts<'_>) {
        let ticket = self.ask(Operation::List { directory: place.key.directory }, context);
        self.state = State::Looking(ticket, place);
    }

    /// What was asked for is done. What it has put and does not want any more is taken back: else it would be in the way for as long as its
    /// lease lasts.
    fn on_done(&mut self, ticket: u64, operation: Operation, response: Response, context: &mut Contexts<'_>) -> Option<Turn> {
        match (self.state, operation, response) {
            (State::Entering(asked, key), _, response) if asked == ticket => self.on_entered(key, response, context),
            (State::Looking(asked, place), _, Response::Listed(listing)) if asked == ticket => {
                return self.on_looked(place, &listing, context);
            }
            (State::Recording(asked, place), operation, response) if asked == ticket => {
                if let (Operation::Put { key, .. }, Response::Put { created }) = (operation, response) {
                    self.record = Some(Place { key, created });
                }
                self.look(place, context);
            }
            (_, Operation::Put { key, .. }, Response::Put { created }) if self.config.rules.takes_back_late() => {
                self.give_up(Place { key, created }, context);
            }
            _ => {}
        }
        None
    }

    fn on_entered(&mut self, key: Key, response: Response, context: &mut Contexts<'_>) {
        match response {
            Response::Put { created } => self.look(Place { key, created }, context),
            // A key of its own, of an earlier turn: its lease was not over, as it had thought.
            Response::Unmet(created) => {
                self.give_up(Place { key, created }, context);
                self.enter(context);
            }
            _ => self.enter(context),
        }
    }

    /// Who is before this place in the queue, and in its way: the last of them.
    fn before(place: Place, mode: Mode, items: impl Iterator<Item = (u32, Item)>) -> Option<Place> {
        let in_the_way = |(name, item): &(u32, Item)| {
            let shares = mode == Mode::Shared && item.value == Value::Number(1);
            is_place(Key { name: *name, ..place.key }) && item.created < place.created && !shares
        };
        let last = items.filter(in_the_way).max_by_key(|(_, item)| item.created);
        last.map(|(name, item)| Place { key: Key { name, ..place.key }, created: item.created })
    }

    fn on_looked(&mut self, place: Place, listing: &Listing, context: &mut Contexts<'_>) -> Option<Turn> {
        let mode = self.wanted.as_ref()?.mode;
        let is_there = listing.items.iter().any(|(name, item)| *name == place.key.name && item.created == place.created);
        let lease = self.agent.lease().map(|(_, until)| until).filter(|_| is_there);
        let Some(until) = self.config.rules.lease_at_last(lease, context.now() + self.config.agent.lease) else {
            self.enter_again(place, context);
            return None;
        };
        if let Some(before) = Self::before(place, mode, listing.items.iter().copied()) {
            if !self.config.waits {
                context.sometimes(TRIED);
                return Some(self.miss(context));
            }
            context.sometimes(if self.has_waited { MOVED_UP } else { QUEUED });
            self.has_waited = true;
            self.state = State::Waiting(place, before);
            return self.watch(None, context);
        }
        let delays = !self.config.lock_delay.is_zero() && self.config.rules.minds_lock_delay(mode == Mode::Shared);
        if delays && !self.is_recorded(place, mode, listing, context) {
            return None;
        }
        self.gain(place, until, context)
    }

    /// Whether it, who is first, has put down that it holds the lock. Where holders have left records that did not release it, it waits
    /// before it does. Who only reads passes by what other readers have left.
    fn is_recorded(&mut self, place: Place, mode: Mode, listing: &Listing, context: &mut Contexts<'_>) -> bool {
        let own = self.record_key(place, mode);
        let is_in_the_way = |(name, item): &(u32, Item)| {
            let passes_by = mode == Mode::Shared && name & SHARED != 0 && *name != own.name;
            *name >= RECORD && item.value != Value::Number(place.created) && !passes_by
        };
        let left = listing.items.iter().copied().filter(is_in_the_way);
        self.left = left.map(|(name, item)| Place { key: Key { name, ..place.key }, created: item.created }).collect();
        if !self.left.is_empty() {
            context.sometimes(DELAYED);
            context.set_timer(WorkerTimer::Keeper(SessionTimer::Delayed), self.config.lock_delay);
            self.state = State::Delaying(place);
        } else if self.record.is_none() {
            self.put_down(place, mode, context);
        }
        self.left.is_empty() && self.record.is_some()
    }

    /// Where it puts down that it holds the lock by this place.
    fn record_key(&self, place: Place, mode: Mode) -> Key {
        let shared = if mode == Mode::Shared { SHARED } else { 0 };
        Key { name: RECORD | shared | self.config.rules.record(place.key.name), ..place.key }
    }

    fn put_down(&mut self, place: Place, mode: Mode, context: &mut Contexts<'_>) {
        let (key, value) = (self.record_key(place, mode), Value::Number(place.created));
        let ticket = self.ask(Operation::Put { key, value, lease: None, only: Condition::Absent }, context);
        self.state = State::Recording(ticket, place);
    }

    /// It has waited for long enough.
    fn on_delayed(&mut self, context: &mut Contexts<'_>) {
        if let (State::Delaying(place), Some(&Wanted { mode, .. })) = (self.state, self.wanted.as_ref()) {
            for left in std::mem::take(&mut self.left) {
                self.give_up(left, context);
            }
            self.put_down(place, mode, context);
        }
    }

    fn gain(&mut self, place: Place, until: LocalTime, context: &mut Contexts<'_>) -> Option<Turn> {
        let until = self.less(until);
        context.cancel_timer(WorkerTimer::Keeper(SessionTimer::Impatient));
        self.state = State::Holding(place, until);
        Some(Turn::Gained(Lease { grant: self.grant(context), token: Some(self.token(place)), until }))
    }

    fn token(&self, place: Place) -> u64 {
        self.config.rules.token(place.created, u64::from(place.key.name))
    }

    /// Less than so long, by what clocks may drift apart.
    fn less(&self, until: LocalTime) -> LocalTime {
        let less = allowance(self.config.agent.lease, self.config.drift);
        LocalTime::from_nanos(until.as_nanos().saturating_sub(i64::try_from(less.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// The lock is not to be had in time.
    fn miss(&mut self, context: &mut Contexts<'_>) -> Turn {
        self.release(context);
        Turn::Missed
    }
}

/// Waits, and holds.
impl Session {
    /// Something may have changed in the directory: perhaps a key went at a revision. A name serves many keys, one after the other: only
    /// what goes after it came to be is the one that it waits for.
    fn watch(&mut self, gone: Option<(Key, u64)>, context: &mut Contexts<'_>) -> Option<Turn> {
        let State::Waiting(place, before) = self.state else { return None };
        let wakes_for_all = !self.config.rules.wakes_for_its_own(self.config.one_wakeup);
        if gone.is_some_and(|(key, revision)| key != before.key || revision < before.created) && !wakes_for_all {
            return None;
        }
        let cache = self.agent.cache(place.key.directory, context.now())?;
        // What came to be after the cache was filled is not known to have gone.
        let is_there = cache.revision < before.created || cache.items.values().any(|item| item.created == before.created);
        if is_there && (!wakes_for_all || gone.is_none()) {
            return None;
        }
        // Those who share a lock may have waited for the same one.
        if let Some((_, revision)) = gone
            && self.wanted.as_ref().is_some_and(|wanted| wanted.mode == Mode::Exclusive)
        {
            context.note(Noted::Own(HolderNote::Wakes { lock: place.key.directory, name: place.key.name, revision }));
        }
        // Once it has waited, another may have come to be first, and its own key may be gone.
        if self.config.rules.looks_again() {
            self.look(place, context);
            return None;
        }
        let until = self.agent.lease().map_or_else(|| context.now() + self.config.agent.lease, |(_, until)| until);
        self.gain(place, until, context)
    }

    fn on_news(&mut self, news: News, context: &mut Contexts<'_>) -> Option<Turn> {
        match news {
            News::Held(_) if self.state == State::Unleased => self.enter(context),
            News::Lost(_) => return self.on_lost(context),
            News::Over { ticket, operation, outcome: Outcome::Done(response), .. } => {
                return self.on_done(ticket, operation, response, context);
            }
            News::Over { ticket, operation, .. } => self.on_failed(ticket, operation, context),
            News::Listed(directory, _) => {
                self.observe_cache(directory, context);
                return self.watch(None, context);
            }
            News::Peeked { found: Some((Listing { items, .. }, _)), .. } => self.observe(items.into_iter(), context),
            News::Changed(change) => {
                self.observe_cache(change.key.directory, context);
                let waits_there = matches!(self.state, State::Waiting(place, _) if place.key.directory == change.key.directory);
                // What comes to be is behind it.
                let has_left = waits_there && change.item.is_none() && is_place(change.key);
                return if has_left { self.watch(Some((change.key, change.revision)), context) } else { None };
            }
            _ => {}
        }
        None
    }

    /// It took no effect, and never will: if still wanted, it is asked for again. Where that is not known the agent asks on by itself.
    fn on_failed(&mut self, ticket: u64, operation: Operation, context: &mut Contexts<'_>) {
        let is_awaited = self.state.awaits() == Some(ticket);
        if !is_awaited && !matches!(operation, Operation::Delete { .. }) {
            return;
        }
        let again = self.ask(operation, context);
        if let State::Entering(asked, _) | State::Looking(asked, _) | State::Recording(asked, _) = &mut self.state
            && is_awaited
        {
            *asked = again;
        }
    }

    fn on_lost(&mut self, context: &mut Contexts<'_>) -> Option<Turn> {
        match self.state {
            // What it has put down stays: it may have something under way.
            State::Holding(..) if self.config.rules.minds_its_lease() => {
                self.record = None;
                return Some(Turn::Lost);
            }
            // One that would not miss it does not notice either.
            State::Waiting(..) if self.config.rules.lease_at_last(None, context.now()).is_some() => {}
            State::Looking(_, place) | State::Waiting(place, _) | State::Delaying(place) | State::Recording(_, place) => {
                context.cancel_timer(WorkerTimer::Keeper(SessionTimer::Delayed));
                self.enter_again(place, context);
            }
            State::Idle | State::Unleased | State::Entering(..) | State::Holding(..) => {}
        }
        None
    }

    /// Who leads, as far as it knows by what it watches.
    fn observe_cache(&mut self, directory: u32, context: &mut Contexts<'_>) {
        if !self.watches_leaders(directory) {
            return;
        }
        let Some(cache) = self.agent.cache(directory, context.now()) else { return };
        let items: Vec<(u32, Item)> = cache.items.iter().map(|(name, item)| (*name, *item)).collect();
        self.observe(items.into_iter(), context);
    }

    fn observe(&mut self, items: impl Iterator<Item = (u32, Item)> + Clone, context: &mut Contexts<'_>) {
        let terms = items.filter(|(name, _)| *name < RECORD).map(|(_, item)| item.created);
        let term = self.config.rules.leads(terms.clone().min(), terms.max());
        if term != self.observed {
            self.observed = term;
            context.sometimes(NEW_TERM);
            context.note(Noted::Own(HolderNote::Observes { lock: LEADS, term }));
        }
    }

    fn watches_leaders(&self, lock: u32) -> bool {
        self.config.observes == Observing::Watching && lock == LEADS
    }

    fn ask_who_leads(&mut self, context: &mut Contexts<'_>) {
        if let Observing::Asking(every) = self.config.observes {
            let age_max = self.config.agent.lease;
            context.embed(|context: &mut Context<'_, Agent>| self.agent.peek(LEADS, age_max, context));
            context.set_timer(WorkerTimer::Keeper(SessionTimer::Observe), every);
        }
    }

    /// Takes what has come of the agent's step.
    fn after(&mut self, context: &mut Contexts<'_>) -> Option<Turn> {
        let mut turn = None;
        loop {
            let news = self.agent.take_news();
            if news.is_empty() {
                break;
            }
            for news in news {
                let next = self.on_news(news, context);
                // What is lost is lost, whatever came before.
                turn = next.or(turn);
            }
        }
        if turn.is_none()
            && let (State::Holding(place, until), Some((_, now))) = (self.state, self.agent.lease())
        {
            let now = self.less(now);
            if now > until {
                self.state = State::Holding(place, now);
                turn = Some(Turn::Extended(now));
            }
        }
        turn
    }
}

impl Keeper for Session {
    type Config = SessionConfig;
    type Message = Message;
    type Timer = SessionTimer;

    const MARKS: &'static [Mark] = MARKS.list();

    fn boot(config: &SessionConfig, life: u32, disk: &Files, context: &mut Contexts<'_>) -> Self {
        let mut agent = Worker::<Self>::boot_inner(&config.agent, disk, context);
        context.embed(|context| {
            agent.hold(context);
            if config.observes == Observing::Watching {
                agent.watch(LEADS, context);
            }
        });
        let mut keeper = Self {
            config: config.clone(),
            life,
            agent,
            asked: 0,
            wanted: None,
            state: State::Idle,
            has_waited: false,
            record: None,
            left: Vec::new(),
            observed: None,
        };
        keeper.ask_who_leads(context);
        keeper
    }

    fn acquire(&mut self, wanted: Wanted, context: &mut Contexts<'_>) -> Option<Turn> {
        let (lock, patience) = (wanted.lock, wanted.until.since(context.now()));
        self.wanted = Some(wanted);
        if !self.watches_leaders(lock) {
            context.embed(|context: &mut Context<'_, Agent>| self.agent.watch(lock, context));
        }
        context.set_timer(WorkerTimer::Keeper(SessionTimer::Impatient), patience);
        self.enter(context);
        self.after(context)
    }

    fn on_message(&mut self, from: NodeId, message: Message, context: &mut Contexts<'_>) -> Option<Turn> {
        let Message::Registry(message) = message else { return None };
        context.embed(|context| self.agent.on_message(from, message, context));
        self.after(context)
    }

    fn on_timer(&mut self, timer: SessionTimer, context: &mut Contexts<'_>) -> Option<Turn> {
        match timer {
            SessionTimer::Agent(timer) => context.embed(|context| self.agent.on_timer(timer, context)),
            SessionTimer::Impatient => return Some(self.miss(context)),
            SessionTimer::Delayed => self.on_delayed(context),
            SessionTimer::Observe => self.ask_who_leads(context),
        }
        self.after(context)
    }

    fn on_synced(&mut self, token: SyncToken, context: &mut Contexts<'_>) -> Option<Turn> {
        context.embed(|context| self.agent.on_synced(token, context));
        self.after(context)
    }

    fn release(&mut self, context: &mut Contexts<'_>) {
        context.cancel_timer(WorkerTimer::Keeper(SessionTimer::Impatient));
        context.cancel_timer(WorkerTimer::Keeper(SessionTimer::Delayed));
        if let Some(Wanted { lock, .. }) = self.wanted.take()
            && !self.watches_leaders(lock)
        {
            context.embed(|context: &mut Context<'_, Agent>| self.agent.unwatch(lock, context));
        }
        match self.state {
            State::Holding(..) if !self.config.resigns => {
                context.sometimes(ABANDONED);
                context.embed(|context: &mut Context<'_, Agent>| self.agent.abandon(context));
            }
            State::Looking(_, place)
            | State::Waiting(place, _)
            | State::Delaying(place)
            | State::Recording(_, place)
            | State::Holding(place, _) => self.leave(place, context),
            // A key that is being put is taken back when it is there.
            State::Idle | State::Unleased | State::Entering(..) => {}
        }
        self.state = State::Idle;
    }

    fn status(&self) -> String {
        format!("{:?}, {}", self.state, self.agent.status())
    }
}
