//! The side that calls: it chooses an instance, waits for the answer, tries again, and refrains from calling where that would do harm.

use std::collections::VecDeque;
use std::sync::Arc;

use super::agenda::{Agenda, Alarm, Node};
use super::credits::{BLOCKED_AFTER, Credits};
use super::discovery::Discovery;
use super::graph::{Does, Graph, Route};
use super::message::{Answer, Attempt, Channel, Message, Request, Value};
use super::note::Note;
use super::peak::Peak;
use super::rules::Rules;
use crate::base::{Duration, LocalTime, NodeId};
use crate::policies::Outcome;
use crate::policies::balancer::Balancer;
use crate::policies::breaker::{Breaker, Permit, State};
use crate::policies::bulkhead::{Bulkhead, Entry};
use crate::policies::hedge::{Hedge, Hedging};
use crate::policies::outlier::Outliers;
use crate::policies::retry::{Again, Attempts, Retry, RetrySettings};
use crate::policies::throttle::Throttle;
use crate::process::{Context, Release};

/// Why policies can be built.
const VALID: &str = "settings were looked at when they were read";
/// Why a site whose breaker is told of something has settings of it.
const HAS_BREAKER: &str = "the breaker was built of them";
/// For how long a failure counts where no time-out says how long a call may take.
const FAILURE: Duration = Duration::from_secs(1);

/// Calls that are under way, each for something of its process: its token.
pub(super) struct Caller<T> {
    pub(super) graph: Arc<Graph>,
    pub(super) rules: Arc<dyn Rules>,
    pub(super) sites: Vec<Site>,
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    /// The generation that a slot begins with.
    first: u32,
    pub(super) agenda: Agenda,
    /// Calls that may start, as others have left their bulkhead.
    ready: Vec<(u32, u32)>,
    /// Calls that are over, for the process to take.
    over: Vec<Over<T>>,
}

/// A call that is over.
pub(super) struct Over<T> {
    /// What it was for.
    pub(super) token: T,
    /// How it ended.
    pub(super) answer: Option<Answer>,
    /// What a store has under its item, as the answer said.
    pub(super) value: Option<Value>,
    /// The item.
    pub(super) item: Option<u32>,
}

/// Where calls are made, with what guards them.
pub(super) struct Site {
    pub(super) route: Route,
    pub(super) instances: u32,
    /// Whether an instance is chosen by the key alone: the one that stores what has it, or the only one.
    is_chosen_by_key: bool,
    /// Whether that key is the item.
    has_items: bool,
    /// For how long the service knows what it has answered, where calls have effects there.
    keys: Option<Duration>,
    credits: Option<Credits>,
    pub(super) balancer: Balancer,
    pub(super) outliers: Option<Outliers>,
    pub(super) discovery: Option<Discovery>,
    /// When instances were asked last how loaded they are.
    pub(super) asked: Option<LocalTime>,
    breaker: Option<Breaker>,
    /// Whether the breaker has ever been open.
    has_tripped: bool,
    bulkhead: Option<Bulkhead>,
    throttle: Option<Throttle>,
    retry: Option<Retry>,
    hedge: Option<Hedge>,
    /// Calls that wait for the bulkhead.
    waiting: VecDeque<(u32, u32)>,
    /// The most that have waited of late.
    held: Peak,
}

struct Slot<T> {
    generation: u32,
    call: Option<Call<T>>,
    /// Attempts that are not over. It stays when the slot is used again, so that a request needs no memory of its own.
    open: Vec<Open>,
}

/// What a call is made for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// The id of the client's request.
    pub(super) root: u64,
    /// The id of the call.
    pub(super) call: u64,
    pub(super) priority: u8,
    /// The deadline of what it is made for.
    pub(super) deadline: Option<LocalTime>,
    /// When it was due.
    pub(super) due: LocalTime,
    /// What it is about.
    pub(super) item: Option<u32>,
    /// Whether it is sent when all is on disk that was written before.
    pub(super) when_durable: bool,
}

struct Call<T> {
    token: T,
    site: u16,
    wanted: Wanted,
    deadline: Option<LocalTime>,
    attempts: Option<Attempts>,
    /// How many requests were sent for it.
    sent: u16,
    /// How many of the last attempt's requests are copies.
    copies: u32,
    /// The instance that was tried last.
    last: Option<u32>,
    /// Whether it is within the bulkhead.
    within: bool,
}

struct Open {
    number: u16,
    instance: u32,
    sent: LocalTime,
    permit: Option<Permit>,
}

impl<T: Copy> Caller<T> {
    /// One with these routes.
    pub(super) fn new(graph: &Arc<Graph>, routes: &[Route], rules: &Arc<dyn Rules>, now: LocalTime) -> Self {
        let sites = routes.iter().map(|route| Site::new(graph, route, rules, now)).collect();
        Self {
            graph: Arc::clone(graph),
            rules: Arc::clone(rules),
            sites,
            slots: Vec::new(),
            free: Vec::new(),
            first: if rules.counts_on_after_crash() { generation(now) } else { 0 },
            agenda: Agenda::default(),
            ready: Vec::new(),
            over: Vec::new(),
        }
    }

    /// How many calls are under way.
    pub(super) fn under_way(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// A call that is over: what it was for, and how it ended. It is asked for until there is none.
    pub(super) fn take_over(&mut self) -> Option<Over<T>> {
        self.over.pop()
    }

    /// A call is over without having been made.
    pub(super) fn give(&mut self, token: T, answer: Option<Answer>, value: Option<Value>, item: Option<u32>) {
        self.over.push(Over { token, answer, value, item });
    }

    /// Whether the process can do without what is called here.
    pub(super) fn is_optional(&self, site: u16) -> bool {
        self.sites[usize::from(site)].route.optional
    }

    /// The place of the service that is called here, and what that does there.
    pub(super) fn target(&self, site: u16) -> (u16, Does) {
        let route = &self.sites[usize::from(site)].route;
        (route.service, route.does)
    }

    /// The place of the service that is called here.
    pub(super) fn service(&self, site: u16) -> u16 {
        self.sites[usize::from(site)].route.service
    }

    /// The deadline that a call has that begins here now, whatever it is made for.
    pub(super) fn own_deadline(&self, site: u16, now: LocalTime) -> Option<LocalTime> {
        self.sites[usize::from(site)].route.policy.deadline.map(|within| now + within)
    }

    /// Begins a call.
    pub(super) fn begin<P: Node>(&mut self, site: u16, token: T, wanted: Wanted, context: &mut Context<'_, P>) {
        let own = self.own_deadline(site, context.now());
        let deadline = self.rules.deadline(wanted.deadline, own);
        let call = Call { token, site, wanted, deadline, attempts: None, sent: 0, copies: 0, last: None, within: false };
        let (slot, generation) = self.take_slot(call);
        let place = &mut self.sites[usize::from(site)];
        match place.bulkhead.as_mut().map_or(Entry::Starts, Bulkhead::enter) {
            Entry::Starts => self.ready.push((slot, generation)),
            Entry::Waits => {
                place.waiting.push_back((slot, generation));
                let count = place.waiting.len() as u32;
                if place.held.grows(context.now(), count) {
                    context.note(P::noted(Note::Held { service: place.route.service, count }));
                }
            }
            Entry::Refused => self.end(slot, None, None, context),
        }
        if let Some(deadline) = deadline {
            self.agenda.set(deadline, Alarm::Late { slot, generation }, context);
        }
        self.start_ready(context);
    }

    /// An answer has come.
    pub(super) fn answered<P: Node>(&mut self, attempt: Attempt, answer: Answer, value: Option<Value>, context: &mut Context<'_, P>) {
        // What is wrong itself says nothing against who says so.
        let outcome = if answer.served() { Outcome::Success } else { Outcome::Failure };
        if !self.close(attempt, Some(outcome), context) {
            return;
        }
        let slot = attempt.slot;
        if let Some(throttle) = self.site(slot).and_then(|site| site.throttle.as_mut()).filter(|_| !answer.refused()) {
            throttle.accepted(context.now());
        }
        if answer.succeeded() || self.rules.is_final(answer == Answer::Rejected) {
            self.end(slot, Some(answer), value, context);
        } else if self.slots[slot as usize].open.is_empty() {
            self.again(slot, Some(answer), context);
        }
        self.start_ready(context);
    }

    /// Something on the agenda is due that is about a call.
    pub(super) fn alarmed<P: Node>(&mut self, alarm: Alarm, context: &mut Context<'_, P>) {
        match alarm {
            Alarm::Timeout(attempt) => {
                if self.close(attempt, None, context) {
                    context.sometimes(super::mark::TIMED_OUT);
                    if self.slots[attempt.slot as usize].open.is_empty() {
                        self.again(attempt.slot, None, context);
                    }
                }
            }
            Alarm::Again { slot, generation } if self.is_current(slot, generation) => self.attempt(slot, context),
            Alarm::Hedge { slot, generation } if self.is_current(slot, generation) => self.hedge(slot, context),
            Alarm::Late { slot, generation } if self.is_current(slot, generation) => {
                context.sometimes(super::mark::DEADLINE_PASSED);
                self.end(slot, None, None, context);
            }
            Alarm::Blocked(site) => self.tell_blocked(site, context),
            Alarm::LookUp(site) => self.look_up(site, context),
            Alarm::Again { .. }
            | Alarm::Hedge { .. }
            | Alarm::Late { .. }
            | Alarm::User(_)
            | Alarm::Undo(_)
            | Alarm::Register
            | Alarm::Expire => {}
        }
        self.start_ready(context);
    }

    fn start_ready<P: Node>(&mut self, context: &mut Context<'_, P>) {
        while let Some((slot, generation)) = self.ready.pop() {
            if !self.is_current(slot, generation) {
                continue;
            }
            let call = self.slots[slot as usize].call.as_mut().expect("a current slot has a call");
            call.within = true;
            let site = &mut self.sites[usize::from(call.site)];
            call.attempts = site.retry.as_mut().map(|retry| retry.begin(context.now()));
            self.attempt(slot, context);
        }
    }

    fn is_current(&self, slot: u32, generation: u32) -> bool {
        self.slots.get(slot as usize).is_some_and(|found| found.generation == generation && found.call.is_some())
    }

    fn site(&mut self, slot: u32) -> Option<&mut Site> {
        let site = self.slots[slot as usize].call.as_ref()?.site;
        Some(&mut self.sites[usize::from(site)])
    }

    /// Sends a request for a call, the first or one more.
    fn attempt<P: Node>(&mut self, slot: u32, context: &mut Context<'_, P>) {
        let found = &mut self.slots[slot as usize];
        let Some(call) = found.call.as_mut() else { return };
        let now = context.now();
        let number_of_site = call.site;
        let site = &mut self.sites[usize::from(number_of_site)];
        if site.route.policy.credits.is_some() && !site.has_credit(&call.wanted, context) && self.rules.waits_for_credit() {
            context.sometimes(super::mark::STARVED);
            return self.starve(slot, context);
        }
        let permit = match site.breaker.as_mut().map(|breaker| breaker.try_call(now)) {
            Some(Err(_)) if site.is_half_open(now) && self.rules.passes(false) => None,
            Some(Err(_)) => {
                site.has_tripped = true;
                context.sometimes(super::mark::BREAKER_OPEN);
                return self.again_unless_open(slot, context);
            }
            Some(Ok(permit)) if site.has_tripped && !self.rules.lets_probes_through() => {
                if let Some(breaker) = &mut site.breaker {
                    breaker.record(now, permit, Duration::ZERO, Outcome::Failure);
                }
                return self.again_unless_open(slot, context);
            }
            Some(Ok(permit)) => Some(permit),
            None => None,
        };
        let is_held_back = site.throttle.as_mut().is_some_and(|throttle| !throttle.admit(now, context.random().word()));
        if is_held_back {
            context.sometimes(super::mark::THROTTLED);
        }
        let tried: &[Open] = if call.copies > 0 && self.rules.copies_go_elsewhere() { &found.open } else { &[] };
        let last = call.last.filter(|_| site.route.policy.elsewhere);
        let avoids = |id: u32| last == Some(id) || tried.iter().any(|open| open.instance == id);
        let is_choosy = last.is_some() || !tried.is_empty();
        let picked = if is_held_back { None } else { site.pick(&call.wanted, &*self.rules, is_choosy.then_some(&avoids), context) };
        let Some(instance) = picked else {
            if !is_held_back {
                context.sometimes(super::mark::NO_INSTANCE);
            }
            if let (Some(breaker), Some(permit)) = (&mut site.breaker, permit) {
                breaker.record(now, permit, Duration::ZERO, Outcome::Ignored);
            }
            return self.again_unless_open(slot, context);
        };
        let number = call.sent;
        call.sent = call.sent.saturating_add(1);
        call.last = Some(instance);
        let key = self.rules.key_of_attempt(call.wanted.call, number);
        let Wanted { root, call: id, priority, item, when_durable, .. } = call.wanted;
        let credit = site.credits.as_mut().map(|credits| credits.take(call.site, instance));
        let (service, endpoint, deadline) = (site.route.service, site.route.endpoint, call.deadline);
        let (timeout, hedged) = (site.route.policy.timeout, site.hedge.as_mut().filter(|_| call.copies == 0).map(|hedge| hedge.begin(now)));
        let attempt = Attempt { slot, generation: found.generation, number };
        found.open.push(Open { number, instance, sent: now, permit });
        let node = self.graph.node(service, instance);
        let request = Message::Request(Request { attempt, root, call: id, key, endpoint, priority, deadline, item, credit });
        let release = if when_durable && self.rules.logs_saga_first() { Release::Durable } else { Release::Now };
        for _ in 1..self.rules.copies() {
            context.release(release, node, request.clone());
        }
        context.release(release, node, request);
        if site.route.policy.probes() {
            site.probe(number_of_site, &self.graph, context);
        }
        if let Some(timeout) = timeout {
            self.agenda.set(now + timeout, Alarm::Timeout(attempt), context);
        }
        if let Some(after) = hedged {
            self.agenda.set(now + after, Alarm::Hedge { slot, generation: attempt.generation }, context);
        }
    }

    /// Looks whether a copy of a call goes out, and when to look again.
    fn hedge<P: Node>(&mut self, slot: u32, context: &mut Context<'_, P>) {
        let now = context.now();
        let found = &mut self.slots[slot as usize];
        let (Some(call), generation) = (found.call.as_mut(), found.generation) else { return };
        let Some(hedge) = self.sites[usize::from(call.site)].hedge.as_mut().filter(|_| !found.open.is_empty()) else { return };
        if let Hedging::Send { again_after } = hedge.due(now, call.copies) {
            call.copies += 1;
            context.sometimes(super::mark::HEDGED);
            if let Some(after) = again_after {
                self.agenda.set(now + after, Alarm::Hedge { slot, generation }, context);
            }
            self.attempt(slot, context);
        }
    }

    /// An attempt was not even made: if others are under way, they may succeed still.
    fn again_unless_open<P: Node>(&mut self, slot: u32, context: &mut Context<'_, P>) {
        if self.slots[slot as usize].open.is_empty() {
            self.again(slot, None, context);
        }
    }

    /// No attempt is under way: the call is tried again, or is over.
    fn again<P: Node>(&mut self, slot: u32, answer: Option<Answer>, context: &mut Context<'_, P>) {
        let now = context.now();
        let found = &mut self.slots[slot as usize];
        let (Some(call), generation) = (found.call.as_mut(), found.generation) else { return };
        let site = &mut self.sites[usize::from(call.site)];
        let of_key = site.key_ends(call.wanted.due).filter(|_| self.rules.gives_up_with_key());
        let end = call.deadline.into_iter().chain(of_key).min();
        let left = end.map(|end| if end > now { end.since(now) } else { Duration::ZERO });
        let again = match (site.retry.as_mut(), call.attempts.as_mut()) {
            (Some(retry), Some(attempts)) => retry.again(now, attempts, left, context.random()),
            _ => return self.end(slot, answer, None, context),
        };
        match self.rules.again(again) {
            Again::After(after) => {
                call.copies = 0;
                context.sometimes(super::mark::RETRIED);
                self.agenda.set(now + after, Alarm::Again { slot, generation }, context);
            }
            Again::Stop(_) => self.end(slot, answer, None, context),
        }
    }

    /// An attempt is over, by an answer or without one; returns whether it was under way.
    fn close<P: Node>(
        &mut self,
        Attempt { slot, generation, number }: Attempt,
        answered: Option<Outcome>,
        context: &mut Context<'_, P>,
    ) -> bool {
        if !self.rules.takes_answer(self.is_current(slot, generation)) {
            return false;
        }
        let Some(found) = self.slots.get_mut(slot as usize) else { return false };
        let Some(place) = found.open.iter().position(|open| open.number == number) else { return false };
        let open = found.open.swap_remove(place);
        if let Some(call) = &found.call {
            let outcome = answered.unwrap_or(Outcome::Failure);
            self.sites[usize::from(call.site)].finished(open, outcome, answered.is_some(), &*self.rules, context);
        }
        true
    }

    /// A call is over, and with it all of its attempts.
    fn end<P: Node>(&mut self, slot: u32, answer: Option<Answer>, value: Option<Value>, context: &mut Context<'_, P>) {
        let now = context.now();
        let found = &mut self.slots[slot as usize];
        let Some(call) = found.call.take() else { return };
        let generation = found.generation;
        found.generation = generation.wrapping_add(1);
        let site = &mut self.sites[usize::from(call.site)];
        let cancels =
            site.hedge.as_ref().is_some_and(|_| site.route.policy.hedge.is_some_and(|hedge| hedge.cancel)) && self.rules.cancels_copies();
        while let Some(open) = found.open.pop() {
            if cancels {
                let attempt = Attempt { slot, generation, number: open.number };
                context.send(self.graph.node(site.route.service, open.instance), Message::Cancel { attempt });
            }
            let outcome = if answer.is_some_and(Answer::succeeded) { Outcome::Ignored } else { Outcome::Failure };
            site.finished(open, outcome, false, &*self.rules, context);
        }
        if let Some(bulkhead) = &mut site.bulkhead {
            if !call.within {
                // One that was refused was never in.
                if let Some(place) = site.waiting.iter().position(|waits| *waits == (slot, generation)) {
                    site.waiting.remove(place);
                    bulkhead.gave_up();
                }
            } else if self.rules.leaves_bulkhead(answer.is_some()) && bulkhead.leave() && self.rules.starts_waiting() {
                self.ready.extend(site.waiting.pop_front());
            }
        }
        let took = now.since(call.wanted.due);
        let (Wanted { call: id, priority, item, .. }, Route { service, does, .. }) = (call.wanted, &site.route);
        let (service, does) = (*service, *does);
        context.note(P::noted(Note::Ended { service, call: id, answer, took, does, priority, value }));
        self.free.push(slot);
        self.over.push(Over { token: call.token, answer, value, item });
    }

    /// A call waits until an instance has room for it.
    fn starve<P: Node>(&mut self, slot: u32, context: &mut Context<'_, P>) {
        let found = &self.slots[slot as usize];
        let Some(call) = &found.call else { return };
        let (number, site) = (call.site, &mut self.sites[usize::from(call.site)]);
        let instance = site.only(&call.wanted);
        let Some(credits) = &mut site.credits else { return };
        credits.wait(instance, slot, found.generation);
        if !std::mem::replace(&mut credits.is_armed, true) {
            self.agenda.set(context.now() + BLOCKED_AFTER, Alarm::Blocked(number), context);
        }
    }

    /// Calls have waited for a while: what was sent may have been lost.
    fn tell_blocked<P: Node>(&mut self, number: u16, context: &mut Context<'_, P>) {
        let site = &mut self.sites[usize::from(number)];
        let Some(credits) = &mut site.credits else { return };
        for (instance, channel, used) in credits.blocked(number) {
            context.send(self.graph.node(site.route.service, instance), Message::Blocked { channel, number: used });
        }
        credits.is_armed = credits.has_waiting();
        if credits.is_armed {
            self.agenda.set(context.now() + BLOCKED_AFTER, Alarm::Blocked(number), context);
        }
    }

    /// An instance has room for more.
    pub(super) fn granted<P: Node>(&mut self, from: NodeId, channel: Channel, limit: u64, context: &mut Context<'_, P>) {
        let Some(site) = self.sites.get_mut(usize::from(channel.site)) else { return };
        let (service, instance) = self.graph.at(from);
        let is_any = !site.is_chosen_by_key;
        let Some(credits) = site.credits.as_mut().filter(|_| service == site.route.service) else { return };
        credits.granted(channel, instance, limit);
        while let Some((slot, generation)) = self.next_starved(channel.site, instance, is_any) {
            if self.is_current(slot, generation) {
                self.attempt(slot, context);
            }
        }
        self.start_ready(context);
    }

    fn next_starved(&mut self, site: u16, instance: u32, any: bool) -> Option<(u32, u32)> {
        self.sites[usize::from(site)].credits.as_mut()?.next(instance, any)
    }

    fn take_slot(&mut self, call: Call<T>) -> (u32, u32) {
        if let Some(slot) = self.free.pop() {
            let found = &mut self.slots[slot as usize];
            found.call = Some(call);
            return (slot, found.generation);
        }
        self.slots.push(Slot { generation: self.first, call: Some(call), open: Vec::new() });
        (self.slots.len() as u32 - 1, self.first)
    }
}

/// The generation that slots begin with whose caller starts now: none that it had before a crash, so that no answer to a call from then is
/// taken for one to a call from now.
fn generation(now: LocalTime) -> u32 {
    (now.as_nanos() / 1000) as u32
}

impl Site {
    fn new(graph: &Graph, route: &Route, rules: &Arc<dyn Rules>, now: LocalTime) -> Self {
        let (service, policy) = (graph.service(route.service), &route.policy);
        let discovery = graph.registry_of(route.service).map(Discovery::new);
        let retry = policy.retry.clone().map(|settings| RetrySettings { backoff: rules.backoff(settings.backoff), ..settings });
        let mut site = Self {
            balancer: Balancer::new(&rules.balance(policy.balance.clone())).expect(VALID),
            outliers: policy.outliers.map(|settings| Outliers::new(&rules.outliers(settings)).expect(VALID)),
            is_chosen_by_key: service.stores || service.is_orchestrator() || service.instances == 1 && discovery.is_none(),
            discovery,
            asked: None,
            has_tripped: false,
            throttle: policy.throttle.as_ref().map(|settings| Throttle::new(settings).expect(VALID)),
            instances: service.instances,
            has_items: service.has_items(),
            keys: service.keys.filter(|_| route.does == Does::Writes),
            credits: None,
            breaker: policy.breaker.as_ref().map(|settings| Breaker::new(settings).expect(VALID)),
            bulkhead: policy.bulkhead.as_ref().map(|settings| Bulkhead::new(settings).expect(VALID)),
            retry: retry.map(|settings| Retry::new(&settings).expect(VALID)),
            hedge: policy.hedge.as_ref().map(|settings| Hedge::new(settings).expect(VALID)),
            waiting: VecDeque::new(),
            held: Peak::default(),
            route: route.clone(),
        };
        // Until a registry says otherwise, those are there that were installed.
        site.set_instances(graph, &(0..service.instances).collect::<Vec<_>>(), now);
        site
    }

    /// Until when a call that was due then is tried again: what comes when its key is forgotten is a new request to the service. Half of
    /// that time is left for what is under way by then.
    fn key_ends(&self, due: LocalTime) -> Option<LocalTime> {
        self.keys.map(|keep| due + keep / 2)
    }

    /// Whether the breaker tries probes.
    fn is_half_open(&self, now: LocalTime) -> bool {
        self.breaker.as_ref().is_some_and(|breaker| breaker.state(now) == State::HalfOpen)
    }

    /// The instance that is asked, where no other will do: of a store the one that has the key.
    fn only(&self, wanted: &Wanted) -> Option<u32> {
        let key = wanted.item.map(u64::from).filter(|_| self.has_items).unwrap_or(wanted.call);
        self.is_chosen_by_key.then(|| (key % u64::from(self.instances)) as u32)
    }

    /// Whether there is a credit for an instance that can be asked.
    fn has_credit<P: Node>(&mut self, wanted: &Wanted, context: &mut Context<'_, P>) -> bool {
        let only = self.only(wanted);
        if self.credits.is_none() {
            let life = context.random().word() as u32;
            self.credits = self.route.policy.credits.map(|settings| Credits::new(settings, self.instances, life));
        }
        self.credits.as_ref().is_none_or(|credits| credits.has_for(only))
    }

    /// The instance that is asked: of a store the one that has the key; of others one that is not avoided, if there is one.
    fn pick<P: Node>(
        &mut self,
        wanted: &Wanted,
        rules: &dyn Rules,
        avoids: Option<&impl Fn(u32) -> bool>,
        context: &mut Context<'_, P>,
    ) -> Option<u32> {
        if let Some(only) = self.only(wanted) {
            return Some(only);
        }
        let (now, outliers) = (context.now(), &self.outliers);
        let all = outliers.as_ref().is_none_or(|outliers| outliers.in_panic(now));
        let credits = self.credits.as_ref().filter(|_| rules.waits_for_credit());
        let eligible = |id| {
            (all || outliers.as_ref().is_none_or(|outliers| !outliers.is_ejected(now, id)))
                && credits.is_none_or(|credits| credits.has(id as u32))
        };
        let picked = avoids.and_then(|avoids| {
            let other = |id: u64| eligible(id) && !avoids(id as u32);
            self.balancer.pick(now, wanted.call, other, context.random())
        });
        picked.or_else(|| self.balancer.pick(now, wanted.call, eligible, context.random())).map(|id| id as u32)
    }

    /// A request to an instance is over: it was answered, or is not waited for any more.
    fn finished<P: Node>(&mut self, open: Open, outcome: Outcome, is_answered: bool, rules: &dyn Rules, context: &mut Context<'_, P>) {
        let now = context.now();
        let (id, latency) = (u64::from(open.instance), now.since(open.sent));
        if !self.is_chosen_by_key && rules.tells_balancer(is_answered) {
            let length = match outcome {
                Outcome::Failure => rules.length_of_failure(latency, self.route.policy.timeout.unwrap_or(FAILURE)),
                Outcome::Success | Outcome::Ignored => latency,
            };
            self.balancer.finished(now, id, length, outcome);
        }
        if let (Some(breaker), Some(permit)) = (&mut self.breaker, open.permit)
            && rules.tells_breaker(outcome == Outcome::Ignored)
        {
            breaker.record(now, permit, latency, outcome);
            // What has begun before it opened does not tell how its dependency is now.
            if outcome == Outcome::Success && breaker.state(now) != State::Closed && rules.counts_success(false) {
                *breaker = Breaker::new(self.route.policy.breaker.as_ref().expect(HAS_BREAKER)).expect(VALID);
            }
        }
        if let (Some(hedge), Outcome::Success) = (&mut self.hedge, outcome) {
            hedge.observe(latency);
        }
        let Some(outliers) = &mut self.outliers else { return };
        if outliers.record(now, id, outcome).is_some() || !outliers.tick(now).is_empty() {
            context.sometimes(super::mark::EJECTED);
        }
    }
}
