//! The checker against its reference checker, on small random histories, and on cases made by hand.

use stormglass::base::{ClientId, Ratio, RunKey, Stream, Time};
use stormglass::check::Verdict;
use stormglass::check::generate::{self, Lie, Planted};
use stormglass::check::linearizability::{self, Judgement, Strategies, reference};
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::model::{Model, Next, Role};
use stormglass::history::{History, Outcome};

use crate::support::{self, reference::agree};

fn register_op(values: u64) -> impl Fn(&mut Stream) -> RegisterOp<u64> {
    move |random| match random.below(6) {
        0..=2 => RegisterOp::Read,
        3 | 4 => RegisterOp::Write(random.below(values)),
        _ => RegisterOp::Cas { expect: Some(random.below(values + 1)).filter(|value| *value < values), new: random.below(values) },
    }
}

fn register_answers(values: u64) -> impl Fn(&RegisterOp<u64>) -> Vec<RegisterResult<u64>> {
    move |op| match op {
        RegisterOp::Read => (0..values).map(|value| RegisterResult::Value(Some(value))).chain([RegisterResult::Value(None)]).collect(),
        RegisterOp::Write(_) => vec![RegisterResult::Written],
        RegisterOp::Cas { .. } => vec![RegisterResult::Swapped, RegisterResult::Mismatch],
    }
}

fn registers(count: u64, extra: usize) {
    agree("register of two values", &Register::empty(), (count, extra), register_op(2), register_answers(2));
    agree("register of four values", &Register::holding(1), (count, extra), register_op(4), register_answers(4));
}

fn writes_and_reads(count: u64, extra: usize) {
    let op = |random: &mut Stream| match random.below(2) {
        0 => RegisterOp::Read,
        _ => RegisterOp::Write(random.below(3)),
    };
    agree("register without cas", &Register::empty(), (count, extra), op, register_answers(3));
}

fn stores(count: u64, extra: usize) {
    let op = |random: &mut Stream| {
        let (key, value) = (random.below(2), random.below(2));
        match random.below(8) {
            0..=3 => KvOp::Read { key },
            4 | 5 => KvOp::Write { key, value },
            6 => KvOp::Cas { key, expect: Some(random.below(3)).filter(|value| *value < 2), new: value },
            _ => KvOp::Delete { key },
        }
    };
    let answers = |op: &KvOp| {
        let held = [None, Some(0), Some(1)];
        match op {
            KvOp::Read { .. } => held.map(KvResult::Value).to_vec(),
            KvOp::Cas { .. } => held.map(KvResult::Mismatch).into_iter().chain([KvResult::Swapped]).collect(),
            _ => vec![KvResult::Written],
        }
    };
    agree("store of numbers", &Kv::empty(), (count, extra), op, answers);
}

fn appends(count: u64, extra: usize) {
    let op = |random: &mut Stream| {
        let key = ["a", "b"][random.below(2) as usize].to_owned();
        let value = ["x", "y", ""][random.below(3) as usize].to_owned();
        match random.below(8) {
            0..=3 => KvOp::Read { key },
            4..=6 => KvOp::Append { key, value },
            _ => KvOp::Write { key, value },
        }
    };
    let answers = |op: &KvOp<String, String>| match op {
        KvOp::Read { .. } => [
            "", "x", "y", "xx", "xy", "yx", "yy", "xxx", "xxy", "xyx", "xyy", "yxx", "yxy", "yyx", "yyy", "xxxx", "yyyy", "xyxy", "xxyy",
            "yxyx", "yyxx", "xyyx", "yxxy", "xxxy", "xxyx", "xyxx", "yxxx", "yyyx", "yyxy", "yxyy", "xyyy",
        ]
        .iter()
        .map(|text| KvResult::Value(Some((*text).to_owned())))
        .chain((5..8).flat_map(|length| {
            (0..1_u32 << length)
                .map(move |bits| KvResult::Value(Some((0..length).map(|place| if bits >> place & 1 == 0 { 'x' } else { 'y' }).collect())))
        }))
        .collect(),
        _ => vec![KvResult::Written],
    };
    agree("store of text", &Kv::holding(String::new()), (count, extra), op, answers);
}

/// A queue that loses nothing but may hand out any of its two oldest items: nondeterministic, without any hints.
struct LooseQueue;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum QueueOp {
    Put(u64),
    /// Makes room by dropping the first or the last item, and does not say which.
    Drop,
    Take,
}

impl Model for LooseQueue {
    type State = Vec<u64>;
    type Op = QueueOp;
    type Ret = Option<u64>;

    fn initial(&self) -> Vec<u64> {
        Vec::new()
    }

    fn step(&self, state: &Vec<u64>, op: &QueueOp, ret: Option<&Option<u64>>) -> Next<Vec<u64>> {
        let without = |place: usize| {
            let mut state = state.clone();
            state.remove(place);
            state
        };
        match op {
            QueueOp::Put(item) if ret.is_none_or(Option::is_none) => {
                let mut state = state.clone();
                state.push(*item);
                Next::One(state)
            }
            QueueOp::Drop if ret.is_none_or(Option::is_none) => match state.len() {
                0 => Next::Same,
                length => Next::Any(vec![without(0), without(length - 1)]),
            },
            QueueOp::Take if state.is_empty() => {
                if ret.is_none_or(Option::is_none) {
                    Next::Same
                } else {
                    Next::Illegal
                }
            }
            QueueOp::Take => {
                let fits = |place: &usize| ret.is_none_or(|ret| *ret == Some(state[*place]));
                Next::Any((0..state.len().min(2)).filter(fits).map(without).collect())
            }
            _ => Next::Illegal,
        }
    }

    fn role(&self, _: &QueueOp, _: Option<&Option<u64>>) -> Role<Vec<u64>> {
        Role::Other
    }
}

fn loose_queues(count: u64, extra: usize) {
    let op = |random: &mut Stream| match random.below(5) {
        0 | 1 => QueueOp::Put(random.below(2)),
        2 => QueueOp::Drop,
        _ => QueueOp::Take,
    };
    let answers = |op: &QueueOp| match op {
        QueueOp::Take => vec![None, Some(0), Some(1)],
        _ => vec![None],
    };
    agree("loose queue", &LooseQueue, (count, extra), op, answers);
}

#[test]
fn the_reference_checker_agrees() {
    registers(40_000, 0);
    writes_and_reads(40_000, 0);
    stores(40_000, 0);
    appends(20_000, 0);
    loose_queues(20_000, 0);
}

/// Histories that a search in depth alone gets stuck in: many clients, or operations of unknown outcome that must not be wasted.
#[test]
fn greedy_searches_find_what_the_exhaustive_one_does_not() {
    let model = Register::empty();
    for (clients, operations, unknown) in [(100, 10_000, 0), (100, 1_000, 5), (10, 10_000, 5), (10, 10_000, 20)] {
        let unknown = Ratio::new(unknown, 100).expect("a ratio");
        for seed in 1..4 {
            let shape = generate::HistoryShape { unknown, values: Some(5), ..generate::HistoryShape::new(clients, operations) };
            let history = generate::generate(&model, &shape, RunKey::from_seed(seed)).history;
            for strategy in [Strategies::All, Strategies::Greedy] {
                let report = linearizability::check_by(strategy, &model, &history, 1_000_000);
                let Judgement::Holds { witness } = &report.judgement else { panic!("{shape:?}, seed {seed}, {strategy:?}: {report:?}") };
                support::verify(&model, &history, witness).unwrap_or_else(|why| panic!("{shape:?}, seed {seed}, {strategy:?}: {why}"));
            }
        }
    }
}

/// One that went back far and found nothing knows nothing.
#[test]
fn greedy_searches_do_not_say_that_there_is_no_order_where_they_did_not_look() {
    let model = Register::empty();
    for seed in 4..12 {
        let shape = generate::HistoryShape { values: Some(5), ..generate::HistoryShape::new(100, 10_000) };
        let history = generate::generate(&model, &shape, RunKey::from_seed(seed)).history;
        let verdict = linearizability::check_by(Strategies::Greedy, &model, &history, 100_000).verdict();
        assert_ne!(verdict, Verdict::Violated, "seed {seed}");
    }
}

/// What they say of histories too long for the reference checker, they say with the exhaustive search.
#[test]
fn greedy_searches_agree_with_the_exhaustive_one() {
    let model = Register::empty();
    let mut violated = 0;
    for seed in 0..200 {
        let unknown = Ratio::new(seed % 3, 20).expect("a ratio");
        let planted = Some(Planted { lie: Lie::Stale, after: 150 });
        let shape = generate::HistoryShape { unknown, values: Some(3), planted, ..generate::HistoryShape::new(12, 200) };
        let history = generate::generate(&model, &shape, RunKey::from_seed(u64::from(seed))).history;
        let exhaustive = linearizability::check_by(Strategies::Exhaustive, &model, &history, 300_000).verdict();
        let greedy = linearizability::check_by(Strategies::Greedy, &model, &history, 300_000).verdict();
        if exhaustive != Verdict::Unknown && greedy != Verdict::Unknown {
            assert_eq!(exhaustive, greedy, "seed {seed}");
            violated += u32::from(greedy == Verdict::Violated);
        }
    }
    assert!(violated > 20, "{violated}");
}

/// Takes minutes; for whoever changes the search.
#[test]
#[ignore = "slow: more and longer histories"]
fn the_reference_checker_agrees_at_length() {
    for (count, extra) in [(250_000, 0), (50_000, 2), (10_000, 4)] {
        registers(count, extra);
        writes_and_reads(count, extra);
        stores(count, extra);
        appends(count, extra);
        loose_queues(count, extra);
    }
}

/// One register's history, drawn: `(client, invoked, completed, op, outcome)`; an open operation completes never.
type Drawn = (u32, u64, Option<u64>, RegisterOp<u64>, Outcome<RegisterResult<u64>>);

fn drawn(operations: &[Drawn]) -> History<RegisterOp<u64>, RegisterResult<u64>> {
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (place, (_, invoked, completed, ..)) in operations.iter().enumerate() {
        events.push((*invoked, place, true));
        events.extend(completed.map(|completed| (completed, place, false)));
    }
    // A client's completion goes before its next invocation at the same instant.
    events.sort_by_key(|(at, place, invokes)| (*at, *place, !invokes));
    let mut history = History::new();
    for (at, place, invokes) in events {
        let (client, _, _, op, outcome) = &operations[place];
        let (at, client) = (Time::from_nanos(at), ClientId::new(*client));
        let recorded = if invokes { history.invoke(at, client, op.clone()) } else { history.complete(at, client, outcome.clone()) };
        recorded.expect("a well-formed history");
    }
    history
}

fn read(client: u32, invoked: u64, completed: u64, value: u64) -> Drawn {
    (client, invoked, Some(completed), RegisterOp::Read, Outcome::Done(RegisterResult::Value(Some(value))))
}

fn write(client: u32, invoked: u64, completed: u64, value: u64) -> Drawn {
    (client, invoked, Some(completed), RegisterOp::Write(value), Outcome::Done(RegisterResult::Written))
}

fn cas(client: u32, invoked: u64, completed: u64, expect: u64, new: u64, swapped: bool) -> Drawn {
    let result = if swapped { RegisterResult::Swapped } else { RegisterResult::Mismatch };
    (client, invoked, Some(completed), RegisterOp::Cas { expect: Some(expect), new }, Outcome::Done(result))
}

fn ended<T>(mut operation: Drawn, outcome: Outcome<T>) -> Drawn {
    operation.4 = match outcome {
        Outcome::Failed => Outcome::Failed,
        _ => Outcome::Unknown,
    };
    operation
}

#[test]
fn cases_made_by_hand() {
    let unknown = |operation| ended::<()>(operation, Outcome::Unknown);
    let failed = |operation| ended::<()>(operation, Outcome::Failed);
    let never = |mut operation: Drawn| {
        operation.2 = None;
        ended::<()>(operation, Outcome::Unknown)
    };
    let cases: Vec<(&str, bool, Vec<Drawn>)> = vec![
        ("nothing", true, vec![]),
        ("a read of the initial value", true, vec![read(0, 1, 2, 0)]),
        ("a stale read", false, vec![write(0, 1, 2, 1), read(1, 3, 4, 0)]),
        ("a read beside a write sees either", true, vec![write(0, 1, 4, 1), read(1, 2, 3, 0), read(2, 2, 3, 1)]),
        ("new, then old again", false, vec![write(0, 1, 9, 1), read(1, 2, 3, 1), read(1, 4, 5, 0)]),
        ("new and old at once", true, vec![write(0, 1, 9, 1), read(1, 2, 5, 1), read(2, 2, 5, 0)]),
        (
            "two readers, two orders of two writes",
            false,
            vec![write(0, 1, 9, 1), write(1, 1, 9, 2), read(2, 2, 3, 1), read(3, 2, 3, 2), read(2, 4, 5, 2), read(3, 4, 5, 1)],
        ),
        ("a value nobody wrote", false, vec![write(0, 1, 2, 1), read(1, 1, 3, 7)]),
        ("a lost update", false, vec![cas(0, 1, 4, 0, 1, true), cas(1, 2, 5, 0, 2, true)]),
        ("one of two swaps", true, vec![cas(0, 1, 4, 0, 1, true), cas(1, 2, 5, 0, 2, false)]),
        ("a chain of swaps in one order only", true, vec![cas(0, 1, 9, 2, 3, true), cas(1, 1, 9, 0, 1, true), cas(2, 1, 9, 1, 2, true)]),
        ("a mismatch where only a swap was possible", false, vec![cas(0, 1, 2, 0, 1, false)]),
        ("an unknown write that took effect late", true, vec![unknown(write(0, 1, 2, 1)), read(1, 3, 4, 0), read(1, 5, 6, 1)]),
        ("an unknown write that never did", true, vec![unknown(write(0, 1, 2, 1)), read(1, 3, 4, 0), read(1, 5, 6, 0)]),
        (
            "an unknown write cannot take effect twice",
            false,
            vec![unknown(write(0, 1, 2, 1)), read(1, 3, 4, 1), write(1, 5, 6, 2), read(1, 7, 8, 1)],
        ),
        ("an unknown write does not act before it is invoked", false, vec![read(1, 1, 2, 1), unknown(write(0, 3, 4, 1))]),
        ("a write still open is seen", true, vec![never(write(0, 1, 0, 1)), read(1, 3, 4, 1)]),
        ("a failed write is never seen", false, vec![failed(write(0, 1, 9, 1)), read(1, 3, 4, 1)]),
        ("a failed write does nothing", true, vec![failed(write(0, 1, 9, 1)), read(1, 3, 4, 0)]),
        ("an unknown read constrains nothing", true, vec![unknown(read(0, 1, 2, 7)), read(1, 3, 4, 0)]),
        ("an unknown swap enables another", true, vec![unknown(cas(0, 1, 2, 0, 1, true)), cas(1, 3, 4, 1, 2, true)]),
        ("an unknown swap cannot swap what was not there", false, vec![unknown(cas(0, 1, 2, 5, 1, true)), cas(1, 3, 4, 1, 2, true)]),
        (
            "alike unknown writes serve one read each",
            true,
            vec![unknown(write(0, 1, 2, 1)), unknown(write(0, 3, 4, 1)), read(1, 5, 6, 1), write(1, 7, 8, 2), read(1, 9, 10, 1)],
        ),
        (
            "alike unknown writes are not more than there are",
            false,
            vec![
                unknown(write(0, 1, 2, 1)),
                unknown(write(0, 3, 4, 1)),
                read(1, 5, 6, 1),
                write(1, 7, 8, 2),
                read(1, 9, 10, 1),
                write(1, 11, 12, 2),
                read(1, 13, 14, 1),
            ],
        ),
        ("a write that ends as a read begins is concurrent with it", true, vec![write(0, 1, 3, 1), read(1, 3, 4, 0)]),
        ("but not for the same client", false, vec![write(0, 1, 3, 1), read(0, 3, 4, 0)]),
        ("nor for the same client while others tie", false, vec![write(0, 1, 3, 1), read(0, 3, 4, 0), read(1, 1, 3, 0), read(1, 3, 9, 1)]),
        (
            "ties in a ring: each client's own order holds",
            true,
            vec![write(0, 1, 3, 1), read(0, 3, 4, 2), write(1, 1, 3, 2), read(1, 3, 4, 2)],
        ),
        ("operations that take no time", true, vec![write(0, 3, 3, 1), read(0, 3, 3, 1), write(1, 3, 3, 2), read(1, 3, 3, 2)]),
        (
            "operations that take no time, in an order that is not",
            false,
            vec![write(0, 3, 3, 1), read(0, 3, 3, 2), write(1, 3, 3, 2), read(1, 3, 3, 1)],
        ),
        (
            "a write of the present value is kept for later",
            true,
            vec![write(0, 1, 9, 1), write(1, 1, 2, 1), write(2, 3, 4, 2), read(3, 5, 6, 2), read(3, 7, 8, 1)],
        ),
        ("a hidden write", true, vec![write(0, 1, 4, 1), write(1, 2, 3, 2), read(2, 3, 9, 2), read(3, 5, 6, 2)]),
        ("a hidden write that is needed after all", true, vec![write(0, 1, 7, 1), write(1, 2, 3, 2), read(2, 4, 5, 2), read(3, 6, 9, 1)]),
    ];
    let model = Register::holding(0);
    for (name, linearizable, operations) in cases {
        let history = drawn(&operations);
        assert_eq!(reference::is_linearizable(&model, &history), linearizable, "the reference checker on: {name}");
        let report = linearizability::check(&model, &history);
        assert_eq!(report.verdict(), if linearizable { Verdict::Holds } else { Verdict::Violated }, "{name}");
        if let Judgement::Holds { witness } = &report.judgement {
            support::verify(&model, &history, witness).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
    }
}

#[test]
fn every_violated_key_is_named_and_a_budget_that_ends_is_said() {
    let mut history = History::new();
    for key in 0..4 {
        let at = |nanos| Time::from_nanos(10 * key + nanos);
        history.invoke(at(1), ClientId::new(0), KvOp::Write { key, value: 1 }).expect("an invocation");
        history.complete(at(2), ClientId::new(0), Outcome::Done(KvResult::Written)).expect("a completion");
        history.invoke(at(3), ClientId::new(0), KvOp::Read { key }).expect("an invocation");
        history.complete(at(4), ClientId::new(0), Outcome::Done(KvResult::Value(Some(1 + key % 2)))).expect("a completion");
    }
    let report = linearizability::check(&Kv::empty(), &history);
    let Judgement::Violated { violations, .. } = &report.judgement else { panic!("{report:?}") };
    assert_eq!(violations.iter().map(|violation| violation.key.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(violations[0].operations, [2, 3]);
    let report = linearizability::check_by(Strategies::Exhaustive, &Kv::empty(), &history, 0);
    assert_eq!(report.verdict(), Verdict::Unknown);
}

/// Keys hold apart, but what two clients did at one instant contradicts itself across keys.
#[test]
fn ties_across_keys_are_judged_together() {
    let (a, b, at) = (ClientId::new(0), ClientId::new(1), Time::from_nanos(5));
    let make = |first: u64, second: u64| {
        let mut history = History::new();
        for (client, key) in [(a, 1), (b, 2)] {
            history.invoke(at, client, KvOp::Write { key, value: 7 }).expect("an invocation");
            history.complete(at, client, Outcome::Done(KvResult::Written)).expect("a completion");
        }
        for (client, key, value) in [(a, 2, first), (b, 1, second)] {
            history.invoke(at, client, KvOp::Read { key }).expect("an invocation");
            history.complete(at, client, Outcome::Done(KvResult::Value(Some(value)))).expect("a completion");
        }
        history
    };
    let model = Kv::holding(0);
    for (first, second, linearizable) in [(7, 7, true), (0, 7, true), (7, 0, true), (0, 0, false)] {
        let history = make(first, second);
        assert_eq!(reference::is_linearizable(&model, &history), linearizable);
        let report = linearizability::check(&model, &history);
        assert_eq!(report.verdict() == Verdict::Holds, linearizable, "{report:?}");
        for violation in report.violations() {
            let why = linearizability::diagnose(&model, &history, violation);
            assert!(why.shortest && linearizability::explain(&model, &history, violation).stuck.is_some(), "{why:?}");
        }
        if let Judgement::Holds { witness } = &report.judgement {
            support::verify(&model, &history, witness).expect("a witness that can be verified");
        }
    }
}

/// More clients and more unknown outcomes than fit in one word.
#[test]
fn wide_histories_are_judged() {
    for width in [60, 70, 300, 1100] {
        let mut operations: Vec<Drawn> = (0..width).map(|client| write(client, 1, 9, u64::from(client) + 1)).collect();
        operations.extend((0..width).map(|client| ended::<()>(write(width + client, 1, 2, u64::from(width + client)), Outcome::Unknown)));
        operations.push(read(2 * width, 10, 11, u64::from(width) / 2));
        let model = Register::holding(0);
        let report = linearizability::check(&model, &drawn(&operations));
        assert_eq!(report.verdict(), Verdict::Holds, "{width}");
        operations.push(read(2 * width, 12, 13, 0));
        let report = linearizability::check(&model, &drawn(&operations));
        assert_eq!(report.verdict(), Verdict::Violated, "{width}: {}", report.states);
    }
}

/// Sessions that wake together complete and invoke on different keys at one instant, again and again: what was recorded first decides, and
/// no search over all keys at once is needed.
#[test]
fn many_ties_across_keys_are_no_puzzle() {
    use stormglass::base::{ClientId, KvOp, KvResponse, Time};
    use stormglass::check::model::registers::Registers;
    use stormglass::history::{History, Outcome};

    let clients = [0, 1, 2, 3].map(ClientId::new);
    for seed in 0..200_u64 {
        let mut history = History::new();
        let mut random = stormglass::base::RunKey::from_seed(seed).stream("ties", 0);
        let mut held = [None::<u64>; 3];
        let mut open = [None; 4];
        for event in 0..600_u64 {
            // Ten events an instant.
            let (at, who) = (Time::from_nanos(event / 10), random.below(4) as usize);
            match open[who].take() {
                None => {
                    let key = random.below(3);
                    let value = (random.below(2) == 0).then_some(event);
                    history
                        .invoke(at, clients[who], value.map_or(KvOp::Read { key }, |value| KvOp::Write { key, value }))
                        .expect("in order");
                    open[who] = Some((key, value));
                }
                Some((key, value)) => {
                    held[key as usize] = value.or(held[key as usize]);
                    let response = if value.is_some() { KvResponse::Written } else { KvResponse::Value(held[key as usize]) };
                    history.complete(at, clients[who], Outcome::Done(response)).expect("in order");
                }
            }
        }
        let report = stormglass::check::linearizability::check(&Registers::empty(), &history);
        assert_eq!(report.verdict(), stormglass::check::Verdict::Holds, "seed {seed} after {} states", report.states);
    }
}
