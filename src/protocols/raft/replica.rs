//! What each server has applied of the log: the state machine, and client sessions (thesis §6.3), so that a retry is applied once.

use rustc_hash::FxHashMap;

use super::{Command, Rules, StateMachine};
use crate::base::{ClientId, Digest};
use crate::process::Reply;

/// The machine and its sessions after the committed entries applied so far.
#[derive(Clone, Debug)]
pub(super) struct Replica<S: StateMachine> {
    machine: S,
    sessions: FxHashMap<ClientId, Session<S::Response>>,
    /// Of all changes so far, those of sessions included.
    changes: Digest,
    applied: u64,
    /// What the machine has said to its server, and the server has not taken.
    outputs: Vec<S::Output>,
}

/// What is remembered of a session. Its client does one operation at a time, so one answer is enough.
#[derive(Clone, Debug)]
struct Session<R> {
    /// The last operation applied, and what it answered.
    last: Option<(u64, R)>,
}

/// What a client is to be told of an applied entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome<R> {
    /// The session.
    pub(super) session: ClientId,
    /// The operation's number; 0 for the opening of the session.
    pub(super) number: u64,
    /// What it is told.
    pub(super) reply: Reply<R>,
    /// Whether the entry repeated one that was applied before.
    pub(super) repeated: bool,
}

impl<S: StateMachine> Replica<S> {
    /// Nothing is applied to this machine.
    pub(super) fn new(machine: S) -> Self {
        Self { machine, sessions: FxHashMap::default(), changes: Digest::default(), applied: 0, outputs: Vec::new() }
    }

    /// The machine.
    pub(super) fn machine(&self) -> &S {
        &self.machine
    }

    /// Takes what the machine has said to its server since this was last asked.
    pub(super) fn take_outputs(&mut self) -> Vec<S::Output> {
        std::mem::take(&mut self.outputs)
    }

    /// The index of the last entry applied.
    pub(super) fn applied(&self) -> u64 {
        self.applied
    }

    /// A running digest of all changes so far: equal for equal sequences of applied entries.
    pub(super) fn digest(&self) -> u64 {
        self.changes.finish()
    }

    /// Whether the session is open.
    pub(super) fn knows(&self, session: ClientId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// The number of the session's last applied operation and its answer.
    pub(super) fn last_answer(&self, session: ClientId) -> Option<(u64, &S::Response)> {
        self.sessions.get(&session)?.last.as_ref().map(|(number, response)| (*number, response))
    }

    /// Applies the next entry; says what to tell its client, unless it has none or that cannot be waiting any more.
    pub(super) fn apply(&mut self, command: &Command<S::Operation>, rules: &dyn Rules) -> Option<Outcome<S::Response>> {
        self.applied += 1;
        match command {
            Command::Noop => None,
            Command::Open { session } => {
                let repeated = self.knows(*session);
                self.open(*session);
                Some(Outcome { session: *session, number: 0, reply: Reply::Opened, repeated })
            }
            Command::Apply { session, number, operation } => self.apply_once(*session, *number, operation, rules),
            Command::Internal { operation } => {
                self.machine.execute(operation, &mut self.changes, &mut self.outputs);
                None
            }
        }
    }

    fn open(&mut self, session: ClientId) {
        if !self.knows(session) {
            self.sessions.insert(session, Session { last: None });
            fold(&mut self.changes, session, 0);
        }
    }

    fn apply_once(&mut self, session: ClientId, number: u64, operation: &S::Operation, rules: &dyn Rules) -> Option<Outcome<S::Response>> {
        if rules.creates_unknown_session() {
            self.open(session);
        }
        let outcome = |reply, repeated| Some(Outcome { session, number, reply, repeated });
        let Some(known) = self.sessions.get_mut(&session) else {
            return outcome(Reply::Refused, false);
        };
        match &known.last {
            Some((last, response)) if rules.is_repeated(number, *last) => {
                // The client has moved on from operations before its last: it no longer waits for those answers.
                if number == *last { outcome(Reply::Done(response.clone()), true) } else { None }
            }
            _ => {
                let response = self.machine.execute(operation, &mut self.changes, &mut self.outputs);
                fold(&mut self.changes, session, number);
                known.last = Some((number, response.clone()));
                outcome(Reply::Done(response), false)
            }
        }
    }

    /// A digest of the whole state and of how much was applied: equal in replicas that have converged. Costs as much as the state is big.
    pub(super) fn fingerprint(&self) -> u64 {
        // Hash maps have no order of their own that replicas could share.
        let mut sessions: Vec<_> = self.sessions.iter().map(|(id, session)| (id, &session.last)).collect();
        sessions.sort_unstable_by_key(|(id, _)| **id);
        Digest::of(&(self.applied, self.machine.fingerprint(), sessions))
    }
}

fn fold(changes: &mut Digest, session: ClientId, number: u64) {
    changes.word(u64::from(session.client) << 32 | u64::from(session.session));
    changes.word(number);
}

#[cfg(test)]
mod tests {
    use super::super::{Correct, KvReply, KvState};
    use super::*;
    use crate::base::{KvOp, KvResponse};

    const SESSION: ClientId = ClientId::new(0);

    fn apply(replica: &mut Replica<KvState>, number: u64, operation: KvOp) -> Option<KvReply> {
        replica.apply(&Command::Apply { session: SESSION, number, operation }, &Correct).map(|outcome| outcome.reply)
    }

    fn read(replica: &Replica<KvState>, key: u64) -> KvResponse {
        replica.machine().query(&KvOp::Read { key })
    }

    fn opened() -> Replica<KvState> {
        let mut replica = Replica::new(KvState::default());
        replica.apply(&Command::Open { session: SESSION }, &Correct);
        replica
    }

    #[test]
    fn a_retry_is_applied_once() {
        let mut replica = opened();
        let swap = KvOp::Cas { key: 1, expected: None, value: 2 };
        let first = apply(&mut replica, 1, swap);
        let (fingerprint, digest) = (replica.fingerprint(), replica.digest());
        assert_eq!(apply(&mut replica, 1, swap), first, "the stored answer, not that of a second attempt");
        assert_eq!(replica.digest(), digest);
        assert_ne!(replica.fingerprint(), fingerprint, "one more entry is applied");
        apply(&mut replica, 2, KvOp::Write { key: 1, value: 3 });
        assert_eq!(apply(&mut replica, 1, swap), None, "its client has moved on");
        assert_eq!(read(&replica, 1), KvResponse::Value(Some(3)));
    }

    #[test]
    fn an_unknown_session_is_refused_and_not_made() {
        let mut replica = Replica::new(KvState::default());
        assert_eq!(apply(&mut replica, 1, KvOp::Write { key: 1, value: 1 }), Some(KvReply::Refused));
        assert!(!replica.knows(SESSION));
        assert_eq!(read(&replica, 1), KvResponse::Value(None));
    }

    #[test]
    fn opening_again_forgets_nothing() {
        let mut replica = opened();
        apply(&mut replica, 1, KvOp::Write { key: 1, value: 1 });
        replica.apply(&Command::Open { session: SESSION }, &Correct);
        assert_eq!(replica.last_answer(SESSION), Some((1, &KvResponse::Written)));
    }

    #[test]
    fn operations_of_nobodys_session_are_carried_out_each_time() {
        let mut replica = opened();
        let swap = Command::Internal { operation: KvOp::Cas { key: 1, expected: None, value: 2 } };
        assert_eq!(replica.apply(&swap, &Correct), None, "the client does not wait");
        let digest = replica.digest();
        replica.apply(&Command::Internal { operation: KvOp::Write { key: 1, value: 2 } }, &Correct);
        assert_ne!(replica.digest(), digest);
        assert_eq!((read(&replica, 1), replica.applied()), (KvResponse::Value(Some(2)), 3));
    }
}
