//! Cores of violated histories: they are violated, they are minimal, they are small, and people can read them.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use stormglass::base::{ClientId, Ratio, RunKey, Stream, Time};
use stormglass::check::generate::{HistoryShape, Lie, Planted, Sample, generate};
use stormglass::check::linearizability::{
    Borrowed, Core, Counterexample, Linearizability, SubHistory, Violation, check, explain, reference, shrink, verify,
};
use stormglass::check::model::kv::{Kv, KvOp, KvResult};
use stormglass::check::model::priority_queue::PriorityQueue;
use stormglass::check::model::queue::Queue;
use stormglass::check::model::register::{Register, RegisterOp, RegisterResult};
use stormglass::check::model::stack::Stack;
use stormglass::check::model::{Model, Role};
use stormglass::history::{History, Outcome};
use stormglass::report::explanation_text;

use crate::support;

/// A history of operations that overlap at random, each answered at random.
fn random<O: Clone, R>(
    random: &mut Stream,
    (clients, operations, ties): (u64, usize, u64),
    make: impl Fn(&mut Stream) -> O,
    answer: impl Fn(&mut Stream, &O) -> Outcome<R>,
) -> History<O, R> {
    let mut history = History::new();
    let mut open: Vec<Option<O>> = vec![None; clients as usize];
    let mut now = 1;
    while history.completions().len() < operations {
        now += u64::from(random.below(ties) == 0);
        let client = random.below(clients);
        let id = ClientId::new(client as u32);
        match open[client as usize].take() {
            None if history.len() < operations => {
                let op = make(random);
                open[client as usize] = Some(op.clone());
                history.invoke(Time::from_nanos(now), id, op).expect("an invocation");
            }
            None => {}
            Some(op) => {
                let outcome = answer(random, &op);
                history.complete(Time::from_nanos(now), id, outcome).expect("a completion");
            }
        }
    }
    history
}

fn registers(stream: &mut Stream, shape: (u64, usize, u64), values: u64) -> History<RegisterOp<u64>, RegisterResult<u64>> {
    let make = |random: &mut Stream| match random.below(6) {
        0..=2 => RegisterOp::Read,
        3 | 4 => RegisterOp::Write(random.below(values)),
        _ => RegisterOp::Cas { expect: Some(random.below(values)), new: random.below(values) },
    };
    let answer = |random: &mut Stream, op: &RegisterOp<u64>| match (random.below(8), op) {
        (0, _) => Outcome::Unknown,
        (_, RegisterOp::Read) => Outcome::Done(RegisterResult::Value(Some(random.below(values)))),
        (_, RegisterOp::Write(_)) => Outcome::Done(RegisterResult::Written),
        (1..=4, RegisterOp::Cas { .. }) => Outcome::Done(RegisterResult::Swapped),
        (_, RegisterOp::Cas { .. }) => Outcome::Done(RegisterResult::Mismatch),
    };
    random(stream, shape, make, answer)
}

fn stores(stream: &mut Stream, shape: (u64, usize, u64)) -> History<KvOp<String, String>, KvResult<String>> {
    let make = |random: &mut Stream| {
        let key = ["a", "b"][random.below(2) as usize].to_owned();
        let value = ["x", "y"][random.below(2) as usize].to_owned();
        match random.below(6) {
            0..=2 => KvOp::Read { key },
            3 | 4 => KvOp::Append { key, value },
            _ => KvOp::Write { key, value },
        }
    };
    let answer = |random: &mut Stream, op: &KvOp<String, String>| match (random.below(9), op) {
        (0, _) => Outcome::Unknown,
        (_, KvOp::Read { .. }) => {
            let length = random.below(4);
            Outcome::Done(KvResult::Value(Some((0..length).map(|_| ['x', 'y'][random.below(2) as usize]).collect())))
        }
        _ => Outcome::Done(KvResult::Written),
    };
    random(stream, shape, make, answer)
}

/// What is left after the three steps: these count, all other updates of the kept keys are open, other reads are dropped.
fn relaxed<'h, M: Model>(model: &M, history: &'h History<M::Op, M::Ret>, kept: &[usize]) -> SubHistory<'h, M> {
    let operations = history.operations();
    let keys: BTreeSet<_> = kept.iter().map(|index| model.key(&operations[*index].op)).collect();
    let reads = |index: usize| model.role(&operations[index].op, operations[index].result()) == Role::Observer;
    let open: Vec<usize> = (0..history.len())
        .filter(|index| {
            let failed = matches!(operations[*index].outcome, Outcome::Failed);
            !failed && !kept.contains(index) && !reads(*index) && keys.contains(&model.key(&operations[*index].op))
        })
        .collect();
    SubHistory::new(history, kept, &open)
}

fn holds<M: Model>(model: &M, history: &History<M::Op, M::Ret>, kept: &[usize]) -> bool {
    reference::is_linearizable(&Borrowed::new(model), &relaxed(model, history, kept).history)
}

/// Whether it is violated, and 1-minimal.
fn check_core<M: Model>(model: &M, history: &History<M::Op, M::Ret>, core: &Core) {
    let tell = || format!("{:#?}\n{core:?}", history.operations());
    assert!(core.minimal, "{}", tell());
    let part: SubHistory<'_, M> = core.sub_history(history);
    assert!(!reference::is_linearizable(&Borrowed::new(model), &part.history), "the core itself: {}", tell());
    assert!(!holds(model, history, &core.operations), "with all that is open: {}", tell());
    for dropped in &core.operations {
        let fewer: Vec<usize> = core.operations.iter().copied().filter(|index| index != dropped).collect();
        // With a key's last operation that counts goes the key.
        assert!(fewer.is_empty() || holds(model, history, &fewer), "without {dropped}: {}", tell());
    }
}

/// The fewest operations of these that are violated.
fn fewest<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation) -> usize {
    let done: Vec<usize> = violation.operations.iter().copied().filter(|index| history.operations()[*index].result().is_some()).collect();
    let sizes = (1_u32..1 << done.len()).filter_map(|chosen| {
        let kept: Vec<usize> = (0..done.len()).filter(|place| chosen >> place & 1 == 1).map(|place| done[place]).collect();
        (!holds(model, history, &kept)).then_some(kept.len())
    });
    sizes.min().expect("all of them are violated")
}

fn text(example: Counterexample) -> String {
    explanation_text(&Linearizability { violations: vec![example], undecided: Vec::new() }.into())
}

#[derive(Default)]
struct Tally {
    cores: usize,
    least: usize,
    compared: usize,
}

fn check_history<M: Model>(model: &M, history: &History<M::Op, M::Ret>, compare: bool, tally: &mut Tally) {
    for violation in check(model, history).violations() {
        let core = shrink(model, history, violation);
        check_core(model, history, &core);
        tally.cores += 1;
        if compare {
            tally.compared += 1;
            tally.least += usize::from(core.operations.len() == fewest(model, history, violation));
        }
        let example = explain(model, history, violation);
        assert!(core.operations.iter().copied().eq(example.core()), "{core:?} {example:?}");
        let shown = example.foremost.len();
        let told = text(example);
        assert!(shown <= 10 && told.lines().count() < 45, "{told}");
    }
}

#[test]
fn cores_are_violated_and_minimal() {
    let mut tally = Tally::default();
    for seed in 0..4000 {
        let mut stream = RunKey::from_seed(seed).stream("core", 0);
        let shape = [(3, 6, 1), (2, 7, 1), (4, 7, 2), (3, 6, 4)][(seed % 4) as usize];
        let compare = seed % 8 < 4;
        check_history(&Register::holding(0), &registers(&mut stream, shape, 2 + seed % 2), compare, &mut tally);
        check_history(&Kv::holding(String::new()), &stores(&mut stream, shape), compare, &mut tally);
    }
    println!("{} cores; {} of {} are the smallest there are", tally.cores, tally.least, tally.compared);
    assert!(tally.cores > 2000, "{}", tally.cores);
    assert_eq!(tally.least, tally.compared, "small histories give the smallest cores");
}

#[test]
fn recorded_violations_have_small_cores() {
    let Some(folder) = support::recorded() else {
        println!("skipped: there are no recorded histories in ../shared/histories");
        return;
    };
    let mut sizes = Vec::new();
    for (file, model, _) in support::verdicts(&folder).into_iter().filter(|(.., linearizable)| !linearizable) {
        let text = std::fs::read_to_string(folder.join(&file)).expect("a readable file");
        match model.as_str() {
            "cas-register" => small(&file, &Register::empty(), &support::read_log(&text), &mut sizes),
            _ => small(&file, &Kv::holding(String::new()), &support::read_maps(&text), &mut sizes),
        }
    }
    println!("{sizes:?}");
}

fn small<M: Model>(file: &str, model: &M, history: &History<M::Op, M::Ret>, sizes: &mut Vec<usize>) {
    for violation in check(model, history).violations() {
        let core = shrink(model, history, violation);
        println!("{file}\n{}", text(explain(model, history, violation)));
        assert!(core.minimal && core.operations.len() <= 10, "{file}: {core:?}");
        let all = relaxed(model, history, &core.operations);
        assert!(!check(&Borrowed::new(model), &all.history).violations().is_empty(), "{file}");
        for dropped in &core.operations {
            let fewer: Vec<usize> = core.operations.iter().copied().filter(|index| index != dropped).collect();
            let part = relaxed(model, history, &fewer);
            let report = check(&Borrowed::new(model), &part.history);
            let stormglass::check::linearizability::Judgement::Holds { witness } = &report.judgement else { panic!("{file}: {report:?}") };
            verify(&Borrowed::new(model), &part.history, witness).expect("a witness");
        }
        sizes.push(core.operations.len());
    }
}

/// The core of a long history of a container with one planted violation, of which so many outcomes are unknown.
fn contained<M: Sample>(model: &M, lie: Lie, unknown: Ratio, seed: u64) -> Option<usize> {
    let planted = Some(Planted { lie, after: 2_500 });
    let shape = HistoryShape { planted, unknown, ..HistoryShape::new(5, 3_000) };
    let made = generate(model, &shape, RunKey::from_seed(seed));
    let report = check(model, &made.history);
    let violation = report.violations().first()?;
    let core = shrink(model, &made.history, violation);
    let part: SubHistory<'_, M> = core.sub_history(&made.history);
    let tell = || format!("{lie:?} {seed}: {core:?} {:?}", part.history.operations());
    println!("{lie:?} {seed}: {} in {} states", core.operations.len(), core.states);
    assert!(core.minimal && core.operations.len() <= 6, "{}", tell());
    assert!(unknown != Ratio::NEVER || core.states < 100_000, "{}", tell());
    assert!(!reference::is_linearizable(&Borrowed::new(model), &part.history), "the core itself: {}", tell());
    for dropped in &core.operations {
        let fewer: Vec<usize> = core.operations.iter().copied().filter(|index| index != dropped).collect();
        let mut open = [core.open.as_slice(), &[*dropped]].concat();
        open.sort_unstable();
        let part: SubHistory<'_, M> = SubHistory::new(&made.history, &fewer, &open);
        assert!(reference::is_linearizable(&Borrowed::new(model), &part.history), "without {dropped}: {}", tell());
    }
    Some(core.operations.len())
}

#[test]
fn long_histories_of_containers_have_small_cores() {
    let mut found = 0;
    for (seed, lie) in Lie::ALL.into_iter().cycle().take(8).enumerate() {
        let (seed, never) = (seed as u64, Ratio::NEVER);
        let some = Ratio::new(1, 300).expect("a ratio");
        let sizes = [
            contained(&Stack::empty(), lie, never, seed),
            contained(&Queue::empty(), lie, never, seed),
            contained(&PriorityQueue::empty(), lie, never, seed),
            (seed == 1).then(|| contained(&Queue::empty(), lie, some, seed)).flatten(),
        ];
        found += sizes.into_iter().flatten().count();
    }
    assert!(found > 20, "only {found} were violated");
}

/// Who, what is invoked, or how it ends.
type Line = (u32, Option<RegisterOp<u64>>, Option<RegisterResult<u64>>);

fn explained(events: &[Line], expected: &Expect) {
    let mut history = History::new();
    for (place, (client, op, result)) in events.iter().enumerate() {
        let (at, client) = (Time::from_nanos(1_000_000 * (place as u64 + 1)), ClientId::new(*client));
        match (op, result) {
            (Some(op), _) => history.invoke(at, client, op.clone()).expect("an invocation"),
            (None, Some(result)) => history.complete(at, client, Outcome::Done(result.clone())).expect("a completion"),
            (None, None) => history.complete(at, client, Outcome::Unknown).expect("a completion"),
        };
    }
    let model = Register::holding(0);
    let report = check(&model, &history);
    let told: String = report.violations().iter().map(|violation| text(explain(&model, &history, violation))).collect();
    expected.assert_eq(&told);
}

#[test]
fn what_people_read() {
    let write = |client, value| (client, Some(RegisterOp::Write(value)), None);
    let written = |client| (client, None, Some(RegisterResult::Written));
    let read = |client| (client, Some(RegisterOp::Read), None);
    let was = |client, value| (client, None, Some(RegisterResult::Value(Some(value))));
    explained(
        &[
            write(0, 3),
            written(0),
            read(2),
            was(2, 3),
            write(3, 9),
            (3, None, None),
            write(0, 5),
            write(1, 4),
            written(0),
            read(2),
            was(2, 5),
            read(3),
            written(1),
            was(3, 3),
            read(2),
            was(2, 5),
        ],
        &expect![[r#"
            3 of 8 operations are enough to see it; without any one of them there would be an order

              c1  ├write 3┤ ├write 5┤
              c4                     ╞read → 3╡

              c4 read → 3 fits in no order. The longest order that leads to it:
                c1 write 3, c1 write 5
                  then only 5 could have been read

                c1 write 3   1ms to 2ms
                c1 write 5   7ms to 9ms
                c4 read → 3  12ms to 14ms  ✗ fits in no order
              The other 5 operations do not help, even if each update took effect at any time after it began, or never.
        "#]],
    );
}
