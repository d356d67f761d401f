//! Servers and workers of locks stepped by hand.

mod session;

use std::sync::Arc;

use super::ttl::{self, ClientConfig, Message, Opening, Store, StoreConfig};
use super::{Access, Answered, Correct, Grant, HolderNote, Resource, ResourceConfig, Rules, Work, Worker, WorkerConfig};
use crate::base::{Duration, DurationRange, LocalTime, NodeId, OperationId, Ratio};
use crate::history::Noted;
use crate::process::Harness;
use crate::protocols::commit::locks::Mode;

const TTL: Duration = Duration::from_secs(2);
const N1: NodeId = NodeId::server(0);
const N2: NodeId = NodeId::server(1);
const C1: NodeId = NodeId::client(0);

fn grant(client: u32, nth: u32) -> Grant {
    Grant(OperationId { client, life: 0, nth })
}

fn rules() -> Arc<dyn Rules> {
    Arc::new(Correct)
}

fn store(durable: bool, opening: Opening) -> Harness<Store> {
    let mut store = Harness::boot(N1, StoreConfig { ttl: TTL, durable, opening, tokens: true, rules: rules() });
    store.sync();
    store
}

/// Asks for a lock, and says what was answered.
fn ask(store: &mut Harness<Store>, grant: Grant) -> Vec<Message> {
    store.deliver(C1, Message::Lock { lock: 1, grant, ttl: TTL, asked: LocalTime::default() });
    store.sync();
    store.take_sent().into_iter().map(|(_, message)| message).collect()
}

fn locked(grant: Grant, token: u64) -> Vec<Message> {
    vec![Message::Locked { grant, token: Some(token) }]
}

#[test]
fn a_lock_goes_by_itself_and_its_token_grows() {
    let mut store = store(true, Opening::AtOnce);
    let (first, second) = (grant(0, 1), grant(1, 1));
    assert_eq!(ask(&mut store, first), locked(first, 1));
    assert_eq!(ask(&mut store, first), locked(first, 1), "asked again, it is the same");
    assert_eq!(ask(&mut store, second), [Message::Held { grant: second }]);
    store.advance(TTL);
    assert_eq!(ask(&mut store, second), locked(second, 2));
    store.deliver(C1, Message::Unlock { lock: 1, grant: first });
    assert_eq!(ask(&mut store, first), [Message::Held { grant: first }], "who holds it no longer does not unlock it");
    store.crash();
    store.deliver(C1, Message::Unlock { lock: 1, grant: second });
    assert_eq!(ask(&mut store, first), locked(first, 3), "what was given is on disk");
}

#[test]
fn a_server_that_forgets_waits_before_it_gives_again() {
    let mut store = store(false, Opening::Delayed);
    assert_eq!(ask(&mut store, grant(0, 1)), locked(grant(0, 1), 1));
    store.crash();
    assert_eq!(ask(&mut store, grant(1, 1)), []);
    store.advance(TTL);
    assert_eq!(ask(&mut store, grant(1, 1)).len(), 1);
}

#[test]
fn the_resource_turns_away_what_comes_late() {
    let mut resource = Harness::<Resource<Message>>::boot(N2, ResourceConfig { fencing: true, rules: rules() });
    let mut access = |client, token, mode, nth| {
        let access = Access { lock: 1, grant: grant(client, 1), mode, token: Some(token), nth };
        resource.deliver(C1, Message::Access(access));
        resource.sync();
        resource.take_sent().into_iter().map(|(_, message)| message).collect::<Vec<_>>()
    };
    let answer = |client, nth, fenced| [Message::Answered(Answered { grant: grant(client, 1), nth, fenced })];
    assert_eq!(access(0, 1, Mode::Exclusive, 1), answer(0, 1, None));
    assert_eq!(access(1, 2, Mode::Exclusive, 1), answer(1, 1, None));
    assert_eq!(access(0, 1, Mode::Exclusive, 1), answer(0, 1, None), "it took effect before");
    assert_eq!(access(0, 1, Mode::Exclusive, 2), answer(0, 2, Some(2)));
    assert_eq!(access(3, 4, Mode::Shared, 1), answer(3, 1, None));
    assert_eq!(access(2, 3, Mode::Shared, 1), answer(2, 1, None), "those who share a lock do not go by each other");
    assert_eq!(access(1, 2, Mode::Exclusive, 2), answer(1, 2, Some(4)));
}

fn nothing() -> DurationRange {
    DurationRange::new(Duration::ZERO, Duration::ZERO).expect("low before high")
}

/// A worker of three lock servers, which has just asked for the lock.
fn worker() -> Harness<Worker<ttl::Client>> {
    let answer = Duration::from_millis(100);
    let keeper = ClientConfig { servers: 3, ttl: TTL, drift: 10_000, answer, retry: nothing(), extend: None, rules: rules() };
    let work = Work { accesses: 1, each: nothing(), guard: Some(Duration::from_millis(50)) };
    let config = WorkerConfig {
        resource: NodeId::server(3),
        locks: 1,
        work,
        readers: Ratio::NEVER,
        think: Some(nothing()),
        patience: Duration::from_secs(10),
        request_timeout: answer,
        rules: rules(),
        keeper,
    };
    let mut worker = Harness::boot(C1, config);
    worker.sync();
    worker.advance(Duration::from_nanos(1));
    worker.take_notes();
    worker
}

fn holds(worker: &mut Harness<Worker<ttl::Client>>) -> bool {
    worker.take_notes().iter().any(|note| matches!(note, Noted::Own(HolderNote::Holds { .. })))
}

#[test]
fn a_majority_gives_the_lock() {
    let mut worker = worker();
    worker.deliver(N1, Message::Locked { grant: grant(0, 1), token: None });
    worker.deliver(N1, Message::Locked { grant: grant(0, 1), token: None });
    assert!(!holds(&mut worker), "one server counts once");
    worker.deliver(N2, Message::Locked { grant: grant(0, 1), token: None });
    assert!(holds(&mut worker));
}

#[test]
fn what_a_minority_gave_is_given_back() {
    let mut worker = worker();
    worker.deliver(N1, Message::Locked { grant: grant(0, 1), token: None });
    worker.take_sent();
    worker.advance(Duration::from_millis(100));
    let unlocks = |(_, message): &(NodeId, Message)| matches!(message, Message::Unlock { grant: given, .. } if *given == grant(0, 1));
    assert_eq!(worker.take_sent().iter().filter(|sent| unlocks(sent)).count(), 3);
    worker.deliver(N2, Message::Locked { grant: grant(0, 1), token: None });
    assert!(!holds(&mut worker), "a late answer is to a question of before");
}
