//! A worker of locks over a registry stepped by hand; the registry is a catalogue that answers for all its servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{ClientId, Digest, Duration, NodeId, Ratio, RunKey};
use crate::history::Noted;
use crate::notation::LONGEST;
use crate::process::{Files, Harness, Reply};
use crate::protocols::lock::session::{self, Message, Observing, Session, SessionConfig};
use crate::protocols::lock::{HolderNote, Rules, Work, Worker, WorkerConfig, rules_of};
use crate::protocols::raft::{Operation as _, StateMachine};
use crate::protocols::registry::{self, AgentConfig, Catalogue, Condition, Key, LeaseId, Operation, RaftMessage, Response, Value};

use super::{C1, N1, nothing};

const PATIENCE: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(60);

struct Bench {
    worker: Harness<Worker<Session>>,
    catalogue: Catalogue,
    /// By number of its session: what was answered.
    answered: BTreeMap<u64, Response>,
}

fn config(locks: u32, rules: Arc<dyn Rules>) -> WorkerConfig<SessionConfig> {
    let agent = AgentConfig {
        servers: 1,
        lease: LEASE,
        keep_alive: Duration::from_secs(1),
        request_timeout: Duration::from_millis(250),
        operation_timeout: LONGEST,
        pause: nothing(),
        renew: Duration::from_secs(1),
        resumes: true,
        report: None,
        rules: Arc::new(registry::Correct),
    };
    let keeper = SessionConfig {
        agent,
        drift: 0,
        one_wakeup: true,
        waits: true,
        lock_delay: Duration::ZERO,
        observes: Observing::Off,
        resigns: true,
        rules: Arc::clone(&rules),
    };
    WorkerConfig {
        resource: NodeId::server(1),
        locks,
        work: Work { accesses: 1, each: nothing(), guard: None },
        readers: Ratio::NEVER,
        think: Some(nothing()),
        patience: PATIENCE,
        request_timeout: Duration::from_millis(100),
        rules,
        keeper,
    }
}

impl Bench {
    /// A worker that has a lease, and asks for a lock from now on.
    fn new(locks: u32, rules: Arc<dyn Rules>) -> Self {
        let mut worker = Harness::boot_with(C1, config(locks, rules), Files::new(), RunKey::from_seed(1).stream("test", 0));
        worker.sync();
        let mut bench = Self { worker, catalogue: Catalogue::new(1_000, Arc::new(registry::Correct)), answered: BTreeMap::new() };
        bench.serve();
        bench.worker.advance(Duration::from_nanos(1));
        bench.worker.take_notes();
        bench
    }

    fn execute(&mut self, operation: Operation) -> Response {
        if operation.is_read() {
            return self.catalogue.query(&operation);
        }
        self.catalogue.execute(&operation, &mut Digest::new(), &mut Vec::new())
    }

    fn answer(&mut self, message: registry::Message) {
        let answer = match message {
            registry::Message::Raft(RaftMessage::Open { session }) => {
                registry::Message::Raft(RaftMessage::Answer { session, number: 0, reply: Reply::Opened })
            }
            registry::Message::Raft(RaftMessage::Request { session, number, operation }) => {
                if !self.answered.contains_key(&number) {
                    let response = self.execute(operation);
                    self.answered.insert(number, response);
                }
                let reply = Reply::Done(self.answered[&number].clone());
                registry::Message::Raft(RaftMessage::Answer { session, number, reply })
            }
            registry::Message::KeepAlive { lease, asked, .. } => {
                registry::Message::KeptAlive { lease, asked, remaining: LEASE, attached: None }
            }
            registry::Message::Watch { directory, asked, .. } => {
                registry::Message::Listing { directory, asked, age: None, listing: self.catalogue.list(directory) }
            }
            _ => return,
        };
        self.worker.deliver(N1, Message::Registry(answer));
    }

    fn sent(&mut self) -> Vec<registry::Message> {
        let sent = self.worker.take_sent().into_iter();
        sent.filter_map(|(_, message)| if let Message::Registry(message) = message { Some(message) } else { None }).collect()
    }

    /// Answers until nothing is asked any more.
    fn serve(&mut self) {
        loop {
            let sent = self.sent();
            if sent.is_empty() {
                break;
            }
            sent.into_iter().for_each(|message| self.answer(message));
        }
    }

    /// The places in all queues.
    fn places(&self) -> usize {
        self.catalogue.keys().filter(|(key, _)| session::is_place(**key)).count()
    }

    fn lease_of_another(&mut self) -> LeaseId {
        match self.execute(Operation::Grant { holder: ClientId { client: 9, session: 0 }, length: LEASE }) {
            Response::Granted(lease) => lease,
            other => panic!("{other}"),
        }
    }
}

/// A worker asks for one lock, gives up since no server answers, and asks for another. Then all that it has asked for is done.
fn places_after_giving_up(rules: &[&str]) -> usize {
    let mut bench = Bench::new(1_000, rules_of(rules));
    bench.worker.advance(PATIENCE + Duration::from_millis(10));
    bench.worker.take_sent();
    for _ in 0..4 {
        bench.worker.advance(Duration::from_millis(250));
        bench.serve();
    }
    bench.places()
}

#[test]
fn what_is_put_too_late_is_taken_back() {
    assert_eq!(places_after_giving_up(&[]), 1, "that of the lock which it wants");
    assert_eq!(places_after_giving_up(&["lock/leaves-its-key-behind"]), 2);
}

/// The key that a worker waits for has the name of one that went before; it learns of both at once.
#[test]
fn one_that_waits_wakes_for_the_key_that_it_waits_for() {
    let mut bench = Bench::new(1, rules_of(&[]));
    let mut sent = bench.sent();
    let watches = |message: &registry::Message| matches!(message, registry::Message::Watch { .. });
    let watch = sent.iter().position(watches).expect("it watches the directory");
    let watch = sent.remove(watch);
    bench.answer(watch);
    let listed = bench.catalogue.revision();
    let lease = bench.lease_of_another();
    let key = Key { directory: 1, name: lease.grant as u32 };
    let put = Operation::Put { key, value: Value::Number(0), lease: Some(lease), only: Condition::Absent };
    let delete = Operation::Delete { key, only: Condition::Always };
    for operation in [put, delete, put] {
        bench.execute(operation);
    }
    sent.into_iter().for_each(|message| bench.answer(message));
    bench.serve();
    bench.execute(delete);
    let (after, through) = (listed, bench.catalogue.revision());
    let changes = bench.catalogue.changes_after(1, after).expect("they are remembered");
    let told = registry::Message::Changes { directory: 1, asked: None, age: None, after, through, changes };
    bench.worker.deliver(N1, Message::Registry(told));
    let woke = |note| if let Noted::Own(HolderNote::Wakes { revision, .. }) = note { Some(revision) } else { None };
    let woken: Vec<u64> = bench.worker.take_notes().into_iter().filter_map(woke).collect();
    assert_eq!(woken, [through]);
}
