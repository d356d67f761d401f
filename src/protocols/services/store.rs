//! What a service stores: effects, each once under its key, on disk; and what they leave of each item, where requests are about items.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::{Does, Service};
use super::instance::Instance;
use super::mark;
use super::message::{Answer, Request, Value};
use super::note::Note;
use super::rules::Rules;
use crate::base::LocalTime;
use crate::policies::idempotency::{Begin, Claim, IdempotencySettings, Keys};
use crate::process::{Context, Files};

/// The file of effects.
pub(super) const FILE: &str = "effects";

/// The effects of requests on one instance.
pub(super) struct Store {
    service: u16,
    effects: u64,
    total: u64,
    /// What was answered under which key; nothing if keys are not remembered.
    keys: Option<Keys<u64, Known>>,
    /// The keys of requests that are worked on. It is looked up alone, never walked.
    claims: FxHashMap<u64, Claim>,
    /// What there is under each item, where requests are about items.
    items: Option<Items>,
}

/// What is known of a request that is over.
type Known = (Answer, Option<Value>);

/// Items, by their numbers. It is looked up alone, never walked.
struct Items {
    known: FxHashMap<u32, Item>,
    /// How much there is of each; any number without.
    stock: Option<u32>,
    /// The calls that have had their effect, where effects can be undone.
    done: FxHashSet<u64>,
    /// Those that were undone, or are never to be done.
    undone: FxHashSet<u64>,
    has_undo: bool,
    /// The version of an item that was never changed.
    first: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Item {
    version: u32,
    taken: u32,
}

impl Store {
    /// What is on disk. The last record may be torn: it was never answered.
    pub(super) fn open(service: u16, own: &Service, rules: &Arc<dyn Rules>, disk: &Files, context: &mut Context<'_, Instance>) -> Self {
        let now = context.now();
        let keys = own.keys.map(|keep| Keys::new(&IdempotencySettings { keep, claim: None }));
        let mut store = Self { service, effects: 0, total: 0, keys, claims: FxHashMap::default(), items: Items::of(own) };
        let (disk, length) = (disk.read(FILE).unwrap_or_default(), Effect::length(own.has_items()));
        for record in disk.chunks_exact(length) {
            let effect = Effect::read(record);
            let value = store.count(effect);
            if rules.keys_outlive_crash() && effect.does == Does::Writes {
                // How long ago it was is not on disk: it is kept as long from now on.
                let _ = store.known(now, effect.key);
                store.finished(now, effect.key, (Answer::Done, value), true);
            }
        }
        if !disk.len().is_multiple_of(length) {
            context.truncate(FILE, (disk.len() / length * length) as u64);
        }
        context.note(Note::Opened { effects: store.effects, total: store.total });
        store
    }

    /// What was answered to a request with this key. Nothing, if it is to be worked on: then its key is claimed.
    pub(super) fn known(&mut self, now: LocalTime, key: u64) -> Option<Known> {
        match self.keys.as_mut()?.begin(now, key, 0) {
            Begin::New(claim) => {
                self.claims.insert(key, claim);
                None
            }
            Begin::InFlight | Begin::Mismatch => Some((Answer::InFlight, None)),
            Begin::Done(known) => Some(*known),
        }
    }

    /// What was answered to a request with this key, if it is known to be over.
    pub(super) fn known_when_done(&mut self, now: LocalTime, key: u64) -> Option<Known> {
        let known = self.known(now, key);
        if known.is_none() {
            self.abandoned(key);
        }
        known.filter(|(answer, _)| *answer != Answer::InFlight)
    }

    /// What a request does comes to pass, and is on disk with its key, so that there is no moment between the two. It fails if it must not.
    pub(super) fn apply(
        &mut self,
        does: Does,
        request: &Request,
        rules: &dyn Rules,
        context: &mut Context<'_, Instance>,
    ) -> Result<Option<Value>, Answer> {
        let Request { key, call, item, .. } = *request;
        let item = item.unwrap_or_default();
        if let Some(items) = &self.items {
            match does {
                Does::Reads => return Ok(Some(self.value(item, false))),
                Does::Writes if items.undone.contains(&call) && rules.refuses_undone() => return Err(Answer::Failed),
                Does::Writes if items.is_sold_out(item) && rules.counts_stock_last() => {
                    context.sometimes(mark::SOLD_OUT);
                    return Err(Answer::Failed);
                }
                Does::Undoes if items.undone.contains(&call) && rules.undoes_once() => return Ok(Some(self.value(item, false))),
                Does::Undoes if !items.done.contains(&call) => context.sometimes(mark::UNDONE_FIRST),
                Does::Writes | Does::Undoes => {}
            }
        }
        let effect = Effect { key, call, item, does };
        let value = self.count(effect);
        context.append(FILE, &effect.record(self.items.is_some()));
        context.sync();
        Ok(value)
    }

    /// Whether nothing is left of an item.
    pub(super) fn is_sold_out(&self, item: Option<u32>) -> bool {
        self.items.as_ref().is_some_and(|items| items.is_sold_out(item.unwrap_or_default()))
    }

    fn value(&self, item: u32, is_new: bool) -> Value {
        let changed = self.items.as_ref().and_then(|items| items.known.get(&item)).map_or(0, |known| known.version);
        let version = changed.saturating_add(self.items.as_ref().map_or(0, |items| items.first));
        Value { service: self.service, item, version, is_new }
    }

    /// A request with this key was answered so: what failed may be tried again.
    pub(super) fn finished(&mut self, now: LocalTime, key: u64, known: Known, is_remembered: bool) {
        let (Some(keys), Some(claim)) = (&mut self.keys, self.claims.remove(&key)) else { return };
        if is_remembered {
            keys.finish(now, &key, claim, known);
        } else {
            keys.abandon(&key, claim);
        }
    }

    /// The work for this key was given up.
    pub(super) fn abandoned(&mut self, key: u64) {
        if let (Some(keys), Some(claim)) = (&mut self.keys, self.claims.remove(&key)) {
            keys.abandon(&key, claim);
        }
    }

    fn count(&mut self, Effect { key, call, item, does }: Effect) -> Option<Value> {
        self.effects += 1;
        self.total = self.total.wrapping_add(amount(key));
        let items = self.items.as_mut()?;
        let was_done = items.done.contains(&call);
        let known = items.known.entry(item).or_default();
        match does {
            Does::Undoes if !was_done => {}
            Does::Undoes => (known.version, known.taken) = (known.version.saturating_add(1), known.taken.saturating_sub(1)),
            Does::Writes | Does::Reads => (known.version, known.taken) = (known.version.saturating_add(1), known.taken.saturating_add(1)),
        }
        match does {
            Does::Undoes => drop(items.undone.insert(call)),
            Does::Writes | Does::Reads if items.has_undo => drop(items.done.insert(call)),
            Does::Writes | Does::Reads => {}
        }
        Some(self.value(item, true))
    }
}

impl Items {
    fn of(service: &Service) -> Option<Self> {
        let has_undo = service.endpoints.iter().any(|endpoint| endpoint.does == Does::Undoes);
        let (known, done, undone) = (FxHashMap::default(), FxHashSet::default(), FxHashSet::default());
        service.has_items().then_some(Self { known, stock: service.stock, done, undone, has_undo, first: service.filled.into() })
    }

    fn is_sold_out(&self, item: u32) -> bool {
        self.stock.is_some_and(|stock| self.known.get(&item).map_or(0, |known| known.taken) >= stock)
    }
}

/// An effect, as it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// The idempotency key of the request.
    pub(super) key: u64,
    /// The id of the call; where something is undone, that of the call that had the effect.
    pub(super) call: u64,
    /// What it is about, where requests are about items.
    pub(super) item: u32,
    /// Whether it is an effect, or the undoing of one.
    pub(super) does: Does,
}

impl Effect {
    /// How many bytes one takes on disk: its key and the id of its call; and, where there are items, its item and what it does.
    pub(super) const fn length(has_items: bool) -> usize {
        if has_items { 24 } else { 16 }
    }

    /// What these bytes say, as many as a record has.
    pub(super) fn read(record: &[u8]) -> Self {
        let word = |from: usize| u64::from_le_bytes(record[from..from + 8].try_into().expect("a record has two words"));
        let half = |from: usize| record.get(from..from + 4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("these are four")));
        let does = if half(20) == Some(1) { Does::Undoes } else { Does::Writes };
        Self { key: word(0), call: word(8), item: half(16).unwrap_or_default(), does }
    }

    fn record(self, has_items: bool) -> Vec<u8> {
        let mut record = [self.key.to_le_bytes(), self.call.to_le_bytes()].concat();
        if has_items {
            record.extend(self.item.to_le_bytes());
            record.extend(u32::from(self.does == Does::Undoes).to_le_bytes());
        }
        record
    }
}

/// How much the effect of a request adds: a value that its key alone decides, so that a sum tells which effects there are.
pub(super) const fn amount(key: u64) -> u64 {
    1 + key % 1000
}
