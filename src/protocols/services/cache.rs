//! What an instance keeps of the answers to its calls.
//!
//! One cache stands before each call that has one. What is kept is as old as the time at which it was asked for, not at which it came, so
//! that no delay makes a value older than the cache allows (as RFC 9111, §4.2.3 corrects the age of a response). A load is a call of its
//! own: it goes on when the request is over that it was begun for. Where an instance changes an item itself, its caches forget it before
//! the change is answered.

use super::caller::Wanted;
use super::graph::{Does, Graph};
use super::instance::{For, Instance, JobToken};
use super::mark;
use super::message::{Answer, Value};
use super::rules::Rules;
use crate::base::LocalTime;
use crate::policies::cache::{Cache, CacheSettings, Lease, Loaded, LookUp};
use crate::process::Context;

/// The caches of an instance.
pub(super) struct Caches {
    /// Of each call, its cache if it has one; empty if none has.
    of: Vec<Option<Kept>>,
    loads: Vec<Option<Load>>,
    free: Vec<u32>,
}

struct Kept {
    cache: Cache<u32, Found, JobToken>,
    /// The place of the service whose answers are kept.
    service: u16,
}

/// How a call ended, and what there is under its item.
type Found = (Answer, Option<Value>);

/// A load that is under way.
struct Load {
    call: u16,
    key: u32,
    lease: Lease,
    began: LocalTime,
    /// What it was begun for, if that waits for it.
    first: Option<JobToken>,
}

impl Caches {
    pub(super) fn new(graph: &Graph, service: u16, rules: &dyn Rules) -> Self {
        let routes = graph.routes(service);
        let cache = |settings: CacheSettings| {
            let settings = CacheSettings { single_flight: settings.single_flight && rules.one_load_for_all(), ..settings };
            Cache::new(&settings).expect("settings were looked at when they were read")
        };
        let of = routes.iter().map(|route| route.cache.map(|settings| Kept { cache: cache(settings), service: route.service }));
        let of = if routes.iter().any(|route| route.cache.is_some()) { of.collect() } else { Vec::new() };
        Self { of, loads: Vec::new(), free: Vec::new() }
    }

    /// Whether answers to this call are kept.
    pub(super) fn has(&self, call: u16) -> bool {
        self.of.get(usize::from(call)).is_some_and(Option::is_some)
    }

    fn add(&mut self, load: Load) -> u32 {
        if let Some(place) = self.free.pop() {
            self.loads[place as usize] = Some(load);
            return place;
        }
        self.loads.push(Some(load));
        self.loads.len() as u32 - 1
    }
}

impl Instance {
    /// A job makes a call whose answers are kept: it is answered from the cache, or waits until that is loaded.
    pub(super) fn look_up(&mut self, token: JobToken, wanted: Wanted, context: &mut Context<'_, Self>) {
        let (now, call) = (context.now(), token.call);
        let Some(Kept { cache, service }) = &mut self.caches.of[usize::from(call)] else { return };
        let item = wanted.item.unwrap_or_default();
        let key = self.rules.cached_under(item);
        let (found, load) = match cache.look_up(now, &key, token) {
            LookUp::Fresh { value, .. } => {
                context.sometimes(mark::CACHED);
                let value = *value;
                if !self.rules.ages_when_used() {
                    keep_anew(cache, now, key, value, token);
                }
                (Some(value), None)
            }
            LookUp::Stale { value, refresh, .. } => {
                context.sometimes(mark::STALE);
                (Some(*value), refresh.map(|lease| (lease, None)))
            }
            LookUp::Absent { .. } => {
                context.sometimes(mark::CACHED);
                (Some((Answer::Done, Some(Value { service: *service, item, version: 0, is_new: false }))), None)
            }
            LookUp::Load { lease, .. } => (None, Some((lease, Some(token)))),
            LookUp::Waits => return context.sometimes(mark::LOAD_SHARED),
        };
        if let Some((answer, value)) = found {
            self.caller.give(For::Job(token), Some(answer), value, wanted.item);
        }
        if let Some((lease, first)) = load {
            let place = self.caches.add(Load { call, key, lease, began: now, first });
            let deadline = wanted.deadline.filter(|_| !self.rules.load_outlives_caller());
            // It is made for all that wait, and so for no request in particular.
            let wanted = Wanted { root: wanted.call, deadline, ..wanted };
            self.caller.begin(call, For::Load { place }, wanted, context);
        }
    }

    /// A load has ended: those that waited for it are answered.
    pub(super) fn loaded(&mut self, place: u32, answer: Option<Answer>, value: Option<Value>, context: &mut Context<'_, Self>) {
        let Some(Load { call, key, lease, began, first }) = self.caches.loads[place as usize].take() else { return };
        self.caches.free.push(place);
        let Some(Kept { cache, service }) = &mut self.caches.of[usize::from(call)] else { return };
        let succeeded = answer.is_some_and(Answer::succeeded);
        if !succeeded {
            context.sometimes(mark::LOAD_FAILED);
            if !self.rules.ends_failed_load() {
                return;
            }
        }
        let mut found = (answer.unwrap_or(Answer::CallFailed), value);
        let is_missing = value.is_some_and(|value| value.version == 0 && value.service == *service);
        let loaded = match succeeded {
            true if is_missing => Loaded::Missing,
            succeeded if self.rules.caches(succeeded) => Loaded::Value(found),
            _ => Loaded::Failed,
        };
        let waiters = cache.loaded(began, &key, lease, loaded, context.random().word());
        if succeeded
            && !self.rules.voids_loads()
            && let Some(token) = first
        {
            keep_anew(cache, began, key, found, token);
        }
        if !succeeded && let Some((_, value)) = cache.fallback(context.now(), &key) {
            context.sometimes(mark::FELL_BACK);
            found = (Answer::Degraded, *value);
        }
        for token in first.into_iter().chain(waiters) {
            self.caller.give(For::Job(token), Some(found.0), found.1, Some(key));
        }
    }

    /// A call of this instance is over that may have changed an item at a service.
    pub(super) fn changed(&mut self, service: u16, does: Does, item: Option<u32>, context: &mut Context<'_, Self>) {
        let Some(item) = item.filter(|_| does != Does::Reads && self.rules.invalidates()) else { return };
        let key = self.rules.cached_under(item);
        for (call, kept) in (0..).zip(&mut self.caches.of) {
            let Some(Kept { cache, .. }) = kept.as_mut().filter(|kept| kept.service == service) else { continue };
            context.sometimes(mark::INVALIDATED);
            if self.caches.loads.iter().flatten().any(|load| load.call == call && load.key == key) {
                context.sometimes(mark::OVERTAKEN);
            }
            cache.invalidate(&key);
        }
    }
}

/// What is kept of an item is this, whatever was, and was asked for then.
fn keep_anew(cache: &mut Cache<u32, Found, JobToken>, asked: LocalTime, key: u32, found: Found, token: JobToken) {
    cache.invalidate(&key);
    if let LookUp::Load { lease, .. } = cache.look_up(asked, &key, token) {
        cache.loaded(asked, &key, lease, Loaded::Value(found), 0);
    }
}
