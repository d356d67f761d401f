//! What the judges look at: each operation, what became of it, and what it has shown all the same.

use std::collections::BTreeMap;

use crate::base::{ClientId, Shown, StreamAct, StreamOp, StreamRecord, Streamed, Time};
use crate::check::verdict::{Fact, Fate};
use crate::history::formats::ClientNames;
use crate::history::{History, Operation, Outcome};

/// An operation on streams, as its client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Whose.
    pub client: ClientId,
    /// When it began.
    pub invoked: Time,
    /// When it ended, if it did.
    pub completed: Option<Time>,
    /// Whether it took effect.
    pub fate: Fate,
    /// What was asked for.
    pub op: StreamOp,
    /// What it has shown. There may be less than there are acts if it did not take effect, or if that is not known.
    pub streamed: Streamed,
}

/// The operations of a history, in the order of their invocation.
pub fn attempts(history: &History<StreamOp, Streamed>) -> Vec<Attempt> {
    let attempt = |operation: &Operation<StreamOp, Streamed>| match &operation.outcome {
        Outcome::Done(streamed) => Attempt::of(operation, Fate::Committed, streamed.clone()),
        Outcome::Failed => Attempt::of(operation, Fate::Aborted, Streamed::default()),
        Outcome::Unknown => Attempt::of(operation, Fate::Unknown, Streamed::default()),
    };
    history.operations().iter().map(attempt).collect()
}

impl Attempt {
    /// This operation, of which this became, with what it has shown.
    pub(in crate::check) fn of<R>(operation: &Operation<StreamOp, R>, fate: Fate, streamed: Streamed) -> Self {
        let (client, invoked, completed) = (operation.client, operation.invoked, operation.completed);
        Self { client, invoked, completed, fate, op: operation.op.clone(), streamed }
    }

    /// Its sends: of which key, what, and at which offset, if that is known.
    pub(super) fn sends(&self) -> impl Iterator<Item = (u64, i64, Option<u64>)> + '_ {
        self.op.acts().iter().enumerate().filter_map(|(place, act)| match (act, self.streamed.shown.get(place)) {
            (StreamAct::Send { key, value }, Some(Shown::Sent(offset))) => Some((*key, *value, *offset)),
            (StreamAct::Send { key, value }, _) => Some((*key, *value, None)),
            (StreamAct::Poll | StreamAct::Take { .. }, _) => None,
        })
    }

    /// What its polls have shown, one after another: of which key, and which message. What it takes it knows, even if it was not told what
    /// became of it.
    pub(super) fn polled(&self) -> impl Iterator<Item = (u64, StreamRecord)> + '_ {
        let batches = self.streamed.shown.iter().filter_map(|shown| if let Shown::Polled(batches) = shown { Some(batches) } else { None });
        let told = batches.flatten().flat_map(|(key, records)| records.iter().map(|record| (*key, *record)));
        let taken = self.op.acts().iter().skip(self.streamed.shown.len()).filter_map(|act| match *act {
            StreamAct::Take { key, offset, value } => Some((key, StreamRecord { offset: Some(offset), value })),
            StreamAct::Send { .. } | StreamAct::Poll => None,
        });
        told.chain(taken)
    }

    /// Whether it took effect.
    pub(super) fn took_effect(&self) -> bool {
        self.fate == Fate::Committed
    }

    /// When it ended, or else when it began.
    pub(super) fn over(&self) -> Time {
        self.completed.unwrap_or(self.invoked)
    }
}

/// What keys, messages and clients are called where they are no numbers of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamNames {
    /// Clients, if not as in a run.
    pub clients: Option<ClientNames>,
    /// Keys that are not called after their number.
    pub keys: BTreeMap<u64, Box<str>>,
    /// Messages that are not.
    pub values: BTreeMap<i64, Box<str>>,
}

impl StreamNames {
    pub(super) fn client(&self, client: ClientId) -> Fact {
        Fact::Client(self.clients.as_ref().map_or_else(|| client.to_string(), |names| names.of(client)))
    }

    pub(super) fn key(&self, key: u64) -> Fact {
        Fact::Key(self.keys.get(&key).map_or_else(|| format!("k{key}"), ToString::to_string))
    }

    pub(super) fn value(&self, value: i64) -> Fact {
        Fact::Value(self.values.get(&value).map_or_else(|| value.to_string(), ToString::to_string))
    }
}
