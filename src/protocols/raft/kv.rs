//! The replicated state machine: a key-value store with client sessions (thesis §6.3), so that a retry is applied once.

use rustc_hash::FxHashMap;

use super::{Command, KvReply, Rules};
use crate::base::{ClientId, Digest, KvOp, KvResponse};

/// Keys, values and sessions after the committed entries applied so far.
#[derive(Clone, Debug, Default)]
pub(super) struct KvStore {
    state: State,
    sessions: FxHashMap<ClientId, Session>,
    applied: u64,
}

#[derive(Clone, Debug, Default)]
struct State {
    values: FxHashMap<u64, u64>,
    /// Of all changes so far, those of sessions included.
    digest: Digest,
}

/// What is remembered of a session. Its client does one operation at a time, so one answer is enough.
#[derive(Clone, Copy, Debug, Default)]
struct Session {
    /// The last operation applied, and what it answered.
    last: Option<(u64, KvResponse)>,
}

/// What a client is to be told of an applied entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The session.
    pub(super) session: ClientId,
    /// The operation's number; 0 for the opening of the session.
    pub(super) number: u64,
    /// What it is told.
    pub(super) reply: KvReply,
    /// Whether the entry repeated one that was applied before.
    pub(super) repeated: bool,
}

impl KvStore {
    /// The index of the last entry applied.
    pub(super) fn applied(&self) -> u64 {
        self.applied
    }

    /// A running digest of all changes so far: equal for equal sequences of applied entries.
    pub(super) fn digest(&self) -> u64 {
        self.state.digest.finish()
    }

    /// The value of a key.
    pub(super) fn read(&self, key: u64) -> KvResponse {
        self.state.read(key)
    }

    /// Whether the session is open.
    pub(super) fn knows(&self, session: ClientId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// The number of the session's last applied operation and its answer.
    pub(super) fn last_answer(&self, session: ClientId) -> Option<(u64, KvResponse)> {
        self.sessions.get(&session)?.last
    }

    /// Applies the next entry; says what to tell its client, unless it has none or nobody can be waiting any more.
    pub(super) fn apply(&mut self, command: &Command, rules: &dyn Rules) -> Option<Outcome> {
        self.applied += 1;
        match *command {
            Command::Noop => None,
            Command::Open { session } => {
                let repeated = self.knows(session);
                self.open(session);
                Some(Outcome { session, number: 0, reply: KvReply::Opened, repeated })
            }
            Command::Apply { session, number, operation } => self.apply_once(session, number, &operation, rules),
        }
    }

    fn open(&mut self, session: ClientId) {
        if !self.knows(session) {
            self.sessions.insert(session, Session::default());
            self.state.fold(session, 0);
        }
    }

    fn apply_once(&mut self, session: ClientId, number: u64, operation: &KvOp, rules: &dyn Rules) -> Option<Outcome> {
        if rules.creates_unknown_session() {
            self.open(session);
        }
        let outcome = |reply, repeated| Some(Outcome { session, number, reply, repeated });
        let Some(known) = self.sessions.get_mut(&session) else {
            return outcome(KvReply::Refused, false);
        };
        match known.last {
            Some((last, response)) if rules.is_repeated(number, last) => {
                // The client has moved on from operations before its last: nobody waits for those answers.
                if number == last { outcome(KvReply::Done(response), true) } else { None }
            }
            _ => {
                let response = self.state.execute(operation);
                self.state.fold(session, number);
                known.last = Some((number, response));
                outcome(KvReply::Done(response), false)
            }
        }
    }

    /// A digest of the whole state and of how much was applied: equal in replicas that have converged. Costs as much as the state is big.
    pub(super) fn fingerprint(&self) -> u64 {
        // Hash maps have no order of their own that replicas could share.
        let mut values: Vec<_> = self.state.values.iter().collect();
        values.sort_unstable();
        let mut sessions: Vec<_> = self.sessions.iter().map(|(id, session)| (id, session.last)).collect();
        sessions.sort_unstable();
        Digest::of(&(self.applied, values, sessions))
    }
}

impl State {
    fn read(&self, key: u64) -> KvResponse {
        KvResponse::Value(self.values.get(&key).copied())
    }

    fn execute(&mut self, operation: &KvOp) -> KvResponse {
        match *operation {
            KvOp::Read { key } => self.read(key),
            KvOp::Write { key, value } => {
                self.set(key, value);
                KvResponse::Written
            }
            KvOp::Cas { key, expected, value } => {
                let found = self.values.get(&key).copied();
                if found == expected {
                    self.set(key, value);
                    KvResponse::Swapped
                } else {
                    KvResponse::Mismatch(found)
                }
            }
        }
    }

    fn set(&mut self, key: u64, value: u64) {
        self.values.insert(key, value);
        self.digest.word(key);
        self.digest.word(value);
    }

    fn fold(&mut self, session: ClientId, number: u64) {
        self.digest.word(u64::from(session.client) << 32 | u64::from(session.session));
        self.digest.word(number);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;

    const SESSION: ClientId = ClientId::new(0);

    fn apply(store: &mut KvStore, number: u64, operation: KvOp) -> Option<KvReply> {
        store.apply(&Command::Apply { session: SESSION, number, operation }, &Correct).map(|outcome| outcome.reply)
    }

    fn opened() -> KvStore {
        let mut store = KvStore::default();
        store.apply(&Command::Open { session: SESSION }, &Correct);
        store
    }

    #[test]
    fn operations_do_as_they_say() {
        let mut store = opened();
        let cas = |expected, value| KvOp::Cas { key: 1, expected, value };
        let done = |response| Some(KvReply::Done(response));
        assert_eq!(apply(&mut store, 1, cas(Some(1), 2)), done(KvResponse::Mismatch(None)));
        assert_eq!(apply(&mut store, 2, cas(None, 2)), done(KvResponse::Swapped));
        assert_eq!(apply(&mut store, 3, cas(None, 3)), done(KvResponse::Mismatch(Some(2))));
        assert_eq!(apply(&mut store, 4, KvOp::Write { key: 1, value: 4 }), done(KvResponse::Written));
        assert_eq!(apply(&mut store, 5, KvOp::Read { key: 1 }), done(KvResponse::Value(Some(4))));
    }

    #[test]
    fn a_retry_is_applied_once() {
        let mut store = opened();
        let swap = KvOp::Cas { key: 1, expected: None, value: 2 };
        let first = apply(&mut store, 1, swap);
        let (fingerprint, digest) = (store.fingerprint(), store.digest());
        assert_eq!(apply(&mut store, 1, swap), first, "the stored answer, not that of a second attempt");
        assert_eq!(store.digest(), digest);
        assert_ne!(store.fingerprint(), fingerprint, "one more entry is applied");
        apply(&mut store, 2, KvOp::Write { key: 1, value: 3 });
        assert_eq!(apply(&mut store, 1, swap), None, "its client has moved on");
        assert_eq!(store.read(1), KvResponse::Value(Some(3)));
    }

    #[test]
    fn an_unknown_session_is_refused_and_not_made() {
        let mut store = KvStore::default();
        assert_eq!(apply(&mut store, 1, KvOp::Write { key: 1, value: 1 }), Some(KvReply::Refused));
        assert!(!store.knows(SESSION));
        assert_eq!(store.read(1), KvResponse::Value(None));
    }

    #[test]
    fn opening_again_forgets_nothing() {
        let mut store = opened();
        apply(&mut store, 1, KvOp::Write { key: 1, value: 1 });
        store.apply(&Command::Open { session: SESSION }, &Correct);
        assert_eq!(store.last_answer(SESSION), Some((1, KvResponse::Written)));
    }
}
