//! What a service stores: effects, each once under its key, on disk.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::instance::Instance;
use super::message::Answer;
use super::note::Note;
use super::rules::Rules;
use crate::base::{Duration, LocalTime};
use crate::policies::idempotency::{Begin, Claim, IdempotencySettings, Keys};
use crate::process::Context;

/// The file of effects: of each its key and the id of its call, one after the other.
pub(super) const FILE: &str = "effects";

/// The effects of requests on one instance.
pub(super) struct Store {
    effects: u64,
    total: u64,
    /// What was answered under which key; nothing if keys are not remembered.
    keys: Option<Keys<u64, Answer>>,
    /// The keys of requests that are worked on. It is looked up alone, never walked.
    claims: FxHashMap<u64, Claim>,
}

impl Store {
    /// How many bytes an effect takes on disk.
    pub(super) const RECORD: usize = 16;

    /// What is on disk. The last record may be torn: it was never answered.
    pub(super) fn open(keep: Option<Duration>, rules: &Arc<dyn Rules>, disk: Option<&[u8]>, context: &mut Context<'_, Instance>) -> Self {
        let now = context.now();
        let keys = keep.map(|keep| Keys::new(&IdempotencySettings { keep, claim: None }));
        let mut store = Self { effects: 0, total: 0, keys, claims: FxHashMap::default() };
        let disk = disk.unwrap_or_default();
        for record in disk.chunks_exact(Self::RECORD) {
            let Effect { key, .. } = Effect::read(record);
            store.count(key);
            if rules.keys_outlive_crash() {
                // How long ago it was is not on disk: it is kept as long from now on.
                let _ = store.known(now, key);
                store.finished(now, key, Answer::Done, true);
            }
        }
        if !disk.len().is_multiple_of(Self::RECORD) {
            context.truncate(FILE, (disk.len() / Self::RECORD * Self::RECORD) as u64);
        }
        context.note(Note::Opened { effects: store.effects, total: store.total });
        store
    }

    /// What was answered to a request with this key. Nothing, if it is to be worked on: then its key is claimed.
    pub(super) fn known(&mut self, now: LocalTime, key: u64) -> Option<Answer> {
        match self.keys.as_mut()?.begin(now, key, 0) {
            Begin::New(claim) => {
                self.claims.insert(key, claim);
                None
            }
            Begin::InFlight | Begin::Mismatch => Some(Answer::InFlight),
            Begin::Done(answer) => Some(*answer),
        }
    }

    /// The effect of a request: on disk with its key, so that there is no moment between the two.
    pub(super) fn apply(&mut self, key: u64, call: u64, context: &mut Context<'_, Instance>) {
        self.count(key);
        context.append(FILE, &[key.to_le_bytes(), call.to_le_bytes()].concat());
        context.sync();
    }

    /// A request with this key was answered so: what failed may be tried again.
    pub(super) fn finished(&mut self, now: LocalTime, key: u64, answer: Answer, is_remembered: bool) {
        let (Some(keys), Some(claim)) = (&mut self.keys, self.claims.remove(&key)) else { return };
        if is_remembered {
            keys.finish(now, &key, claim, answer);
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

    fn count(&mut self, key: u64) {
        self.effects += 1;
        self.total = self.total.wrapping_add(amount(key));
    }
}

/// An effect, as it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    /// The idempotency key of the request.
    pub(super) key: u64,
    /// The id of the call.
    pub(super) call: u64,
}

impl Effect {
    /// What these bytes say, as many as a record has.
    pub(super) fn read(record: &[u8]) -> Self {
        let word = |from: usize| u64::from_le_bytes(record[from..from + 8].try_into().expect("a record has two words"));
        Self { key: word(0), call: word(8) }
    }
}

/// How much the effect of a request adds: a value that its key alone decides, so that a sum tells which effects there are.
pub(super) const fn amount(key: u64) -> u64 {
    1 + key % 1000
}
