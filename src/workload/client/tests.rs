//! A client on the bench, as exact transcripts; then any client at all, by the rules of a history.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::base::{Duration, DurationRange, KvOp, KvResponse, RunKey, Stream};
use crate::process::{Harness, Message, NoNote};
use crate::workload::{KeyChoice, KvGenerator, KvLoad, Mix};

/// What the three services of these tests say.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Toy {
    Open(ClientId),
    Ask(ClientId, u64, KvOp),
    Answer(ClientId, u64, Reply<KvResponse>),
}
impl Message for Toy {}

/// A service without sessions; `ONCE` forbids retries.
struct Plain<const ONCE: bool>;

impl<const ONCE: bool> Service for Plain<ONCE> {
    type Message = Toy;
    type Operation = KvOp;
    type Response = KvResponse;
    const RETRY: bool = !ONCE;

    fn request(session: ClientId, number: u64, operation: &KvOp) -> Toy {
        Toy::Ask(session, number, *operation)
    }

    fn reply(message: Toy) -> Option<(ClientId, u64, Reply<KvResponse>)> {
        if let Toy::Answer(session, number, reply) = message { Some((session, number, reply)) } else { None }
    }
}

/// A service with sessions.
struct WithSessions;

impl Service for WithSessions {
    type Message = Toy;
    type Operation = KvOp;
    type Response = KvResponse;

    fn open(session: ClientId) -> Option<Toy> {
        Some(Toy::Open(session))
    }

    fn request(session: ClientId, number: u64, operation: &KvOp) -> Toy {
        Toy::Ask(session, number, *operation)
    }

    fn reply(message: Toy) -> Option<(ClientId, u64, Reply<KvResponse>)> {
        Plain::<false>::reply(message)
    }
}

/// Reads key 1, key 2, key 3, ….
struct Count(u64);

impl Generator<KvOp, KvResponse> for Count {
    type Config = ();
    type Note = NoNote;

    fn new((): &()) -> Self {
        Self(0)
    }

    fn next(&mut self, _: OperationId, _: &mut Stream, _: &mut Turn<NoNote>) -> KvOp {
        self.0 += 1;
        KvOp::Read { key: self.0 }
    }
}

type Bench<S> = Harness<Client<S, Count>>;

const ME: NodeId = NodeId::client(0);
const N1: NodeId = NodeId::server(0);
const N2: NodeId = NodeId::server(1);
const N3: NodeId = NodeId::server(2);
const DONE: Reply<KvResponse> = Reply::Done(KvResponse::Value(None));

fn config(pace: Pace) -> ClientConfig<()> {
    ClientConfig { servers: 3, clients: 1, pace, patience: Patience::default(), sessions_max: 2, generator: () }
}

fn closed() -> Pace {
    Pace::Closed { think: DurationRange::from(Duration::from_millis(100)) }
}

fn open_loop() -> Pace {
    Pace::Open("10/s".parse().unwrap())
}

/// A closed-loop client whose first operation is due.
fn bench<S: Service<Message = Toy, Operation = KvOp, Response = KvResponse>>() -> Bench<S> {
    let mut bench = Bench::boot(ME, config(closed()));
    advance(&mut bench, 100);
    bench
}

/// The same, with its first operation under way.
fn asking<S: Service<Message = Toy, Operation = KvOp, Response = KvResponse>>() -> Bench<S> {
    let mut bench = bench();
    bench.sync();
    bench.take_transcript();
    bench
}

fn session(session: u32) -> ClientId {
    ClientId { client: 0, session }
}

fn advance<P: Process>(bench: &mut Harness<P>, millis: u64) {
    bench.advance(Duration::from_millis(millis));
}

fn check<P: Process>(mut bench: Harness<P>, transcript: Expect) {
    transcript.assert_eq(&bench.take_transcript());
}

#[test]
fn a_session_is_durable_and_open_before_its_first_operation() {
    let mut bench = bench::<WithSessions>();
    bench.sync();
    bench.deliver(N1, Toy::Answer(session(0), 0, Reply::Opened));
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    check(
        bench,
        expect![[r#"
            boot
              set Due(c1#1) in 100ms
            timer Due(c1#1)
              write sessions: append 1 bytes
              sync 0
            disk synced
            synced 0
              → n1 Open(c1)
              set Overdue(0) in 250ms
            n1 → c1 Answer(c1, 0, Opened)
              cancel Overdue(0)
              note Invoke { client: c1, id: c1#1, op: Read { key: 1 } }
              set GiveUp(0) in 2s
              → n1 Ask(c1, 1, Read { key: 1 })
              set Overdue(0) in 250ms
            n1 → c1 Answer(c1, 1, Done(Value(None)))
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Done(Value(None)) }
              set Due(c1#2) in 100ms
        "#]],
    );
}

#[test]
fn a_session_is_asked_for_until_it_is_open() {
    let mut bench = asking::<WithSessions>();
    advance(&mut bench, 250);
    bench.deliver(N2, Toy::Answer(session(0), 0, Reply::Redirect(Some(N3))));
    bench.deliver(N3, Toy::Answer(session(0), 0, Reply::Opened));
    bench.deliver(N3, Toy::Answer(session(0), 0, Reply::Opened));
    check(
        bench,
        expect![[r#"
            timer Overdue(0)
              → n2 Open(c1)
              set Overdue(0) in 250ms
            n2 → c1 Answer(c1, 0, Redirect(Some(n3)))
              → n3 Open(c1)
              set Overdue(0) in 250ms
            n3 → c1 Answer(c1, 0, Opened)
              cancel Overdue(0)
              note Invoke { client: c1, id: c1#1, op: Read { key: 1 } }
              set GiveUp(0) in 2s
              → n3 Ask(c1, 1, Read { key: 1 })
              set Overdue(0) in 250ms
            n3 → c1 Answer(c1, 0, Opened)
        "#]],
    );
}

#[test]
fn a_leader_is_found_by_redirects_and_remembered() {
    let mut bench = asking::<Plain<false>>();
    bench.deliver(N1, Toy::Answer(session(0), 1, Reply::Redirect(Some(N3))));
    bench.deliver(N3, Toy::Answer(session(0), 1, DONE));
    advance(&mut bench, 100);
    check(
        bench,
        expect![[r#"
            n1 → c1 Answer(c1, 1, Redirect(Some(n3)))
              → n3 Ask(c1, 1, Read { key: 1 })
              set Overdue(0) in 250ms
            n3 → c1 Answer(c1, 1, Done(Value(None)))
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Done(Value(None)) }
              set Due(c1#2) in 100ms
            timer Due(c1#2)
              note Invoke { client: c1, id: c1#2, op: Read { key: 2 } }
              set GiveUp(0) in 2s
              → n3 Ask(c1, 2, Read { key: 2 })
              set Overdue(0) in 250ms
        "#]],
    );
}

#[test]
fn circles_of_redirects_are_walked_slowly() {
    let mut bench = asking::<Plain<false>>();
    bench.deliver(N1, Toy::Answer(session(0), 1, Reply::Redirect(Some(N2))));
    bench.deliver(N2, Toy::Answer(session(0), 1, Reply::Redirect(Some(N1))));
    bench.deliver(N2, Toy::Answer(session(0), 1, Reply::Redirect(Some(N1))));
    advance(&mut bench, 10);
    bench.deliver(N1, Toy::Answer(session(0), 1, Reply::Redirect(None)));
    advance(&mut bench, 10);
    check(
        bench,
        expect![[r#"
        n1 → c1 Answer(c1, 1, Redirect(Some(n2)))
          → n2 Ask(c1, 1, Read { key: 1 })
          set Overdue(0) in 250ms
        n2 → c1 Answer(c1, 1, Redirect(Some(n1)))
          cancel Overdue(0)
          set Again(0) in 10ms
        n2 → c1 Answer(c1, 1, Redirect(Some(n1)))
        timer Again(0)
          → n1 Ask(c1, 1, Read { key: 1 })
          set Overdue(0) in 250ms
        n1 → c1 Answer(c1, 1, Redirect(None))
          cancel Overdue(0)
          set Again(0) in 10ms
        timer Again(0)
          → n2 Ask(c1, 1, Read { key: 1 })
          set Overdue(0) in 250ms
    "#]],
    );
}

#[test]
fn a_hint_that_leads_nowhere_is_not_followed() {
    let mut bench = asking::<Plain<false>>();
    bench.deliver(N1, Toy::Answer(session(0), 1, Reply::Redirect(Some(NodeId::server(7)))));
    advance(&mut bench, 10);
    bench.deliver(N2, Toy::Answer(session(0), 1, Reply::Redirect(Some(N2))));
    advance(&mut bench, 10);
    check(
        bench,
        expect![[r#"
        n1 → c1 Answer(c1, 1, Redirect(Some(n8)))
          cancel Overdue(0)
          set Again(0) in 10ms
        timer Again(0)
          → n2 Ask(c1, 1, Read { key: 1 })
          set Overdue(0) in 250ms
        n2 → c1 Answer(c1, 1, Redirect(Some(n2)))
          cancel Overdue(0)
          set Again(0) in 10ms
        timer Again(0)
          → n3 Ask(c1, 1, Read { key: 1 })
          set Overdue(0) in 250ms
    "#]],
    );
}

#[test]
fn an_unanswered_request_is_repeated_under_its_number() {
    let mut bench = asking::<Plain<false>>();
    advance(&mut bench, 250);
    bench.deliver(N1, Toy::Answer(session(0), 1, Reply::Redirect(Some(N3))));
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    check(
        bench,
        expect![[r#"
            timer Overdue(0)
              sometimes client retried
              → n2 Ask(c1, 1, Read { key: 1 })
              set Overdue(0) in 250ms
            n1 → c1 Answer(c1, 1, Redirect(Some(n3)))
            n1 → c1 Answer(c1, 1, Done(Value(None)))
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Done(Value(None)) }
              set Due(c1#2) in 100ms
        "#]],
    );
}

#[test]
fn an_operation_is_given_up_with_its_session() {
    let mut bench = asking::<Plain<false>>();
    advance(&mut bench, 1_999);
    bench.take_transcript();
    advance(&mut bench, 1);
    bench.deliver(N2, Toy::Answer(session(0), 1, DONE));
    advance(&mut bench, 100);
    bench.sync();
    check(
        bench,
        expect![[r#"
            timer Overdue(0)
              sometimes client retried
              → n3 Ask(c1, 1, Read { key: 1 })
              set Overdue(0) in 250ms
            timer GiveUp(0)
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Unknown }
              set Due(c1#2) in 100ms
            n2 → c1 Answer(c1, 1, Done(Value(None)))
            timer Due(c1#2)
              write sessions: append 1 bytes
              sync 1
            disk synced
            synced 1
              note Invoke { client: c1.2, id: c1#2, op: Read { key: 2 } }
              set GiveUp(1) in 2s
              → n3 Ask(c1.2, 1, Read { key: 2 })
              set Overdue(1) in 250ms
        "#]],
    );
}

#[test]
fn where_retries_are_forbidden_a_timeout_ends_the_operation() {
    let mut bench = asking::<Plain<true>>();
    advance(&mut bench, 250);
    check(
        bench,
        expect![[r#"
            timer Overdue(0)
              cancel Overdue(0)
              cancel GiveUp(0)
              sometimes operation unknown
              note Complete { client: c1, outcome: Unknown }
              set Due(c1#2) in 100ms
        "#]],
    );
}

#[test]
fn what_becomes_of_one_operation_changes_no_other() {
    /// What the client was to do, and when it was due: all it invokes in ten rounds, in the first of which it is sent in a circle so often.
    fn invoked(circles: u32) -> Vec<(OperationId, KvOp, String)> {
        let load = KvLoad::new(100, KeyChoice::Uniform, Mix { read: 1, write: 1, cas: 0 }).unwrap();
        let pace = Pace::Closed { think: "1ms..500ms".parse().unwrap() };
        let config = ClientConfig { servers: 3, clients: 1, pace, patience: Patience::default(), sessions_max: 2, generator: load };
        let random = RunKey::from_seed(1).stream("test", 0);
        let mut bench = Harness::<Client<Plain<false>, KvGenerator>>::boot_with(ME, config, Files::new(), random);
        let mut found = Vec::new();
        for round in 0..10 {
            let thought = bench.take_transcript().lines().rfind(|line| line.contains("set Due(")).expect("it thinks").to_owned();
            let next = bench.process().next;
            bench.fire(ClientTimer::Due(next));
            bench.sync();
            for event in bench.take_notes() {
                if let Noted::Event(Event::Invoke { id, op, .. }) = event {
                    found.push((id, op, thought.clone()));
                }
            }
            for _ in 0..if round == 0 { circles } else { 0 } {
                let asked = bench.take_sent().last().expect("it asks").0;
                bench.deliver(asked, Toy::Answer(session(0), 1, Reply::Redirect(None)));
                advance(&mut bench, 50);
            }
            bench.deliver(N1, Toy::Answer(session(0), round + 1, DONE));
        }
        found
    }
    assert_eq!(invoked(0), invoked(1));
    assert_eq!(invoked(0), invoked(3));
    assert_eq!(invoked(0).len(), 10);
}

#[test]
fn a_refused_operation_has_failed() {
    let mut bench = asking::<Plain<false>>();
    bench.deliver(N1, Toy::Answer(session(0), 1, Reply::Refused));
    check(
        bench,
        expect![[r#"
            n1 → c1 Answer(c1, 1, Refused)
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Failed }
              set Due(c1#2) in 100ms
        "#]],
    );
}

#[test]
fn late_duplicated_and_foreign_replies_are_ignored() {
    let mut bench = asking::<Plain<false>>();
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    advance(&mut bench, 100);
    bench.take_transcript();
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    bench.deliver(N1, Toy::Answer(session(1), 2, DONE));
    bench.deliver(N1, Toy::Answer(ClientId::new(1), 2, DONE));
    bench.deliver(N1, Toy::Answer(session(0), 2, Reply::Opened));
    bench.deliver(N1, Toy::Open(session(0)));
    bench.deliver(N1, Toy::Answer(session(0), 2, DONE));
    check(
        bench,
        expect![[r#"
            n1 → c1 Answer(c1, 1, Done(Value(None)))
            n1 → c1 Answer(c1.2, 2, Done(Value(None)))
            n1 → c1 Answer(c2, 2, Done(Value(None)))
            n1 → c1 Answer(c1, 2, Opened)
            n1 → c1 Open(c1)
            n1 → c1 Answer(c1, 2, Done(Value(None)))
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Done(Value(None)) }
              set Due(c1#3) in 100ms
        "#]],
    );
}

#[test]
fn an_open_loop_does_not_wait_for_answers() {
    // Half of all words make a gap of ln 2 of the mean.
    let random = Stream::scripted([1 << 63]);
    let mut bench = Bench::<Plain<false>>::boot_with(ME, config(open_loop()), Files::new(), random);
    advance(&mut bench, 70);
    bench.sync();
    advance(&mut bench, 70);
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    bench.sync();
    advance(&mut bench, 140);
    assert_eq!(bench.process().shed(), 1);
    assert_eq!(bench.process().status(), "2 under way in 2 sessions, 1 shed, asks n1");
    check(
        bench,
        expect![[r#"
            boot
              set Due(c1#1) in 69.314718ms
            timer Due(c1#1)
              set Due(c1#2) in 69.314718ms
              write sessions: append 1 bytes
              sync 0
            disk synced
            synced 0
              note Invoke { client: c1, id: c1#1, op: Read { key: 1 } }
              set GiveUp(0) in 2s
              → n1 Ask(c1, 1, Read { key: 1 })
              set Overdue(0) in 250ms
            timer Due(c1#2)
              set Due(c1#3) in 69.314718ms
              write sessions: append 1 bytes
              sync 1
            n1 → c1 Answer(c1, 1, Done(Value(None)))
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Done(Value(None)) }
              note Invoke { client: c1, id: c1#2, op: Read { key: 2 } }
              set GiveUp(0) in 2s
              → n1 Ask(c1, 2, Read { key: 2 })
              set Overdue(0) in 250ms
            disk synced
            synced 1
            timer Due(c1#3)
              set Due(c1#4) in 69.314718ms
              note Invoke { client: c1.2, id: c1#3, op: Read { key: 3 } }
              set GiveUp(1) in 2s
              → n1 Ask(c1.2, 1, Read { key: 3 })
              set Overdue(1) in 250ms
            timer Due(c1#4)
              set Due(c1#5) in 69.314718ms
        "#]],
    );
}

#[test]
fn a_quiet_client_ends_what_it_began() {
    let mut bench = asking::<Plain<false>>();
    bench.quiesce();
    assert_eq!(bench.process().under_way(), 1);
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    assert_eq!(bench.process().under_way(), 0);
    advance(&mut bench, 10_000);
    check(
        bench,
        expect![[r#"
            quiesce
              cancel Due(c1#1)
            n1 → c1 Answer(c1, 1, Done(Value(None)))
              cancel Overdue(0)
              cancel GiveUp(0)
              note Complete { client: c1, outcome: Done(Value(None)) }
        "#]],
    );
}

#[test]
fn a_quiet_client_opens_no_session() {
    let mut bench = asking::<WithSessions>();
    bench.quiesce();
    bench.deliver(N1, Toy::Answer(session(0), 0, Reply::Opened));
    advance(&mut bench, 10_000);
    check(
        bench,
        expect![[r#"
            quiesce
              cancel Due(c1#1)
              cancel Overdue(0)
            n1 → c1 Answer(c1, 0, Opened)
        "#]],
    );
}

#[test]
fn a_rebooted_client_uses_fresh_sessions() {
    let mut bench = asking::<Plain<false>>();
    bench.crash();
    bench.deliver(N1, Toy::Answer(session(0), 1, DONE));
    advance(&mut bench, 100);
    bench.sync();
    check(
        bench,
        expect![[r#"
            crash and boot
              set Due(c1+1#1) in 100ms
            n1 → c1 Answer(c1, 1, Done(Value(None)))
            timer Due(c1+1#1)
              write sessions: append 1 bytes
              sync 0
            disk synced
            synced 0
              note Invoke { client: c1.2, id: c1+1#1, op: Read { key: 1 } }
              set GiveUp(1) in 2s
              → n1 Ask(c1.2, 1, Read { key: 1 })
              set Overdue(1) in 250ms
        "#]],
    );
}

#[test]
fn arrivals_keep_to_the_clients_share_of_the_rate() {
    let random = RunKey::from_seed(1).stream("test", 0);
    let pace = Pace::Open("1000/s".parse().unwrap());
    let load = ClientConfig { clients: 4, sessions_max: u32::MAX, ..config(pace) };
    let mut bench = Bench::<Plain<false>>::boot_with(ME, load, Files::new(), random);
    advance(&mut bench, 10_000);
    // A quarter of ten thousand arrivals in ten seconds, with a standard deviation of fifty.
    let arrivals = bench.process().sessions_made;
    assert!((2_350..2_650).contains(&arrivals), "{arrivals}");
}

/// What can befall a client.
#[derive(Clone, Debug)]
enum Step {
    Reply { from: u32, session: u32, back: u64, reply: Reply<KvResponse> },
    Wait(u64),
    Sync,
    Crash,
    Quiesce,
}

fn step() -> impl Strategy<Value = Step> {
    let node = prop_oneof![3 => (0..3_u32).prop_map(Some), 1 => Just(None)];
    let reply = prop_oneof![
        6 => Just(DONE),
        4 => node.prop_map(|hint| Reply::Redirect(hint.map(NodeId::server))),
        1 => Just(Reply::Refused),
        3 => Just(Reply::Opened),
    ];
    prop_oneof![
        20 => (0..4_u32, 0..4_u32, 0..2_u64, reply)
            .prop_map(|(from, session, back, reply)| Step::Reply { from, session, back, reply }),
        10 => (0..1_000_u64).prop_map(Step::Wait),
        5 => Just(Step::Sync),
        1 => Just(Step::Crash),
        1 => Just(Step::Quiesce),
    ]
}

fn pace() -> impl Strategy<Value = Pace> {
    prop_oneof![Just(closed()), Just(open_loop())]
}

/// Takes a step. Replies aim at the latest sessions and numbers, so that most of them hit.
fn take<S: Service<Message = Toy, Operation = KvOp, Response = KvResponse>>(bench: &mut Bench<S>, step: &Step) {
    match step {
        Step::Reply { from, session, back, reply } => {
            let client = bench.process();
            let session = client.sessions_made.saturating_sub(1 + session);
            let asked = client.sessions.get(&session).map_or(1, |session| session.operations);
            let id = ClientId { client: 0, session };
            bench.deliver(NodeId::server(*from), Toy::Answer(id, asked.saturating_sub(*back), *reply));
        }
        Step::Wait(millis) => advance(bench, *millis),
        Step::Sync => bench.sync(),
        Step::Crash => bench.crash(),
        Step::Quiesce => bench.quiesce(),
    }
}

/// The rules of a history, checked from note to note.
#[derive(Default)]
struct Rules {
    /// The open operation of each session of this life.
    open: BTreeSet<ClientId>,
    /// Sessions in which nothing may happen any more.
    ended: BTreeSet<ClientId>,
    met: BTreeSet<ClientId>,
}

impl Rules {
    fn note(&mut self, event: &Event<KvOp, KvResponse>) {
        match event {
            Event::Invoke { client, .. } => {
                assert!(!self.ended.contains(client), "{client} goes on after its end");
                assert!(self.open.insert(*client), "{client} invokes twice");
                self.met.insert(*client);
            }
            Event::Complete { client, outcome } | Event::Recover { client, outcome, .. } => {
                assert!(self.open.remove(client), "{client} completes what it did not invoke");
                if *outcome == Outcome::Unknown {
                    self.ended.insert(*client);
                }
            }
        }
    }

    fn crash(&mut self) {
        self.open.clear();
        self.ended.append(&mut self.met);
    }
}

fn keeps_the_rules<S: Service<Message = Toy, Operation = KvOp, Response = KvResponse>>(pace: Pace, steps: &[Step], seed: u64) {
    let random = RunKey::from_seed(seed).stream("test", 0);
    let mut bench = Bench::<S>::boot_with(ME, config(pace), Files::new(), random);
    let (mut rules, mut quiet) = (Rules::default(), false);
    for step in steps {
        take(&mut bench, step);
        match step {
            Step::Crash => (quiet, _) = (false, rules.crash()),
            Step::Quiesce => quiet = true,
            _ => {}
        }
        for note in bench.take_notes() {
            let Noted::Event(event) = note;
            assert!(!quiet || matches!(event, Event::Complete { .. }), "invoked while quiet");
            rules.note(&event);
        }
        check_state(&bench, &rules);
    }
}

/// What must be true of a client after every step.
fn check_state<S: Service<Message = Toy, Operation = KvOp, Response = KvResponse>>(bench: &Bench<S>, rules: &Rules) {
    let client = bench.process();
    assert_eq!(client.under_way(), rules.open.len());
    assert!(client.sessions.len() <= client.sessions_max);
    let mut timers: BTreeMap<u32, usize> = BTreeMap::new();
    for timer in bench.timers().keys() {
        if let ClientTimer::Overdue(session) | ClientTimer::Again(session) = timer {
            *timers.entry(*session).or_default() += 1;
        }
    }
    let asking = client.sessions.iter().filter(|(_, session)| session.question().is_some());
    assert!(timers.into_iter().eq(asking.map(|(number, _)| (*number, 1))), "a question without its timer, or a timer without its question");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn every_history_is_well_formed(pace in pace(), steps in prop::collection::vec(step(), 1..200), seed in any::<u64>()) {
        keeps_the_rules::<Plain<false>>(pace, &steps, seed);
        keeps_the_rules::<Plain<true>>(pace, &steps, seed);
        keeps_the_rules::<WithSessions>(pace, &steps, seed);
    }
}
