//! Random small histories, and the checker judged by its reference checker on them.

use stormglass::base::{ClientId, RunKey, Stream, Time};
use stormglass::check::Verdict;
use stormglass::check::linearizability::{self, Judgement, Strategies, Violation, reference};
use stormglass::check::model::Model;
use stormglass::history::{History, Outcome};

use super::verify;

/// How a random history is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryShape {
    pub(crate) clients: u64,
    pub(crate) operations: usize,
    /// Completions and invocations at one instant: one in so many events moves time on.
    pub(crate) ties: u64,
    /// One in so many outcomes is made up rather than taken from an object.
    pub(crate) lies: u64,
    /// One in so many outcomes is unknown.
    pub(crate) unknown: u64,
}

/// An operation that a client has open, and its answer if it took effect already.
type Pending<M> = (<M as Model>::Op, Option<<M as Model>::Ret>);

/// A history of an object that applies each operation at its completion or before: linearizable but for its lies.
pub(crate) fn generate<M: Model>(
    model: &M,
    shape: HistoryShape,
    random: &mut Stream,
    op: impl Fn(&mut Stream) -> M::Op,
    answers: impl Fn(&M::Op) -> Vec<M::Ret>,
) -> History<M::Op, M::Ret>
where
    M::Op: Clone,
    M::Ret: Clone,
{
    let mut history = History::new();
    let mut states: Vec<(M::Op, M::State)> = Vec::new();
    let mut open: Vec<Option<Pending<M>>> = vec![None; shape.clients as usize];
    let mut now = 0;
    let mut invoked = 0;
    let mut events = 0;
    // Not every operation completes: some histories end with operations open.
    while events < shape.operations * 3 && (invoked < shape.operations || open.iter().any(Option::is_some)) {
        events += 1;
        if random.below(shape.ties) == 0 {
            now += 1;
        }
        let client = random.below(shape.clients);
        let id = ClientId::new(client as u32);
        match open[client as usize].take() {
            None if invoked < shape.operations => {
                let op = op(random);
                history.invoke(Time::from_nanos(now), id, op.clone()).expect("an invocation");
                open[client as usize] = Some((op, None));
                invoked += 1;
            }
            None => {}
            Some((op, answer)) => {
                // Takes effect now, or has before.
                let answer = answer.unwrap_or_else(|| {
                    let place = states.iter().position(|(other, _)| model.key(other) == model.key(&op)).unwrap_or_else(|| {
                        states.push((op.clone(), model.initial()));
                        states.len() - 1
                    });
                    let legal: Vec<(M::Ret, M::State)> = answers(&op)
                        .into_iter()
                        .flat_map(|ret| {
                            let next = model.step(&states[place].1, &op, Some(&ret)).states(&states[place].1);
                            next.into_iter().map(move |state| (ret.clone(), state))
                        })
                        .collect();
                    let (ret, state) = random.choose(&legal[..legal.len().min(8)]).expect("an object answers").clone();
                    states[place].1 = state;
                    ret
                });
                if random.below(3) == 0 {
                    open[client as usize] = Some((op, Some(answer)));
                    continue;
                }
                let outcome = if random.below(shape.unknown) == 0 {
                    if random.below(4) == 0 { Outcome::Failed } else { Outcome::Unknown }
                } else if random.below(shape.lies) == 0 {
                    Outcome::Done(random.choose(&answers(&op)).expect("some answer").clone())
                } else {
                    Outcome::Done(answer)
                };
                history.complete(Time::from_nanos(now), id, outcome).expect("a completion");
            }
        }
    }
    history
}

pub(crate) const SHAPES: [HistoryShape; 6] = [
    HistoryShape { clients: 3, operations: 6, ties: 1, lies: 1_000_000, unknown: 1_000_000 },
    HistoryShape { clients: 4, operations: 7, ties: 1, lies: 6, unknown: 4 },
    HistoryShape { clients: 3, operations: 7, ties: 1, lies: 4, unknown: 100 },
    HistoryShape { clients: 4, operations: 6, ties: 3, lies: 5, unknown: 5 },
    HistoryShape { clients: 2, operations: 7, ties: 4, lies: 6, unknown: 6 },
    HistoryShape { clients: 5, operations: 6, ties: 2, lies: 3, unknown: 3 },
];

/// Judges many histories, by the checker and by the reference checker.
pub(crate) fn agree<M: Model>(
    name: &str,
    model: &M,
    (count, extra): (u64, usize),
    op: impl Fn(&mut Stream) -> M::Op,
    answers: impl Fn(&M::Op) -> Vec<M::Ret>,
) where
    M::Op: Clone,
    M::Ret: Clone,
{
    let (mut held, mut violated, mut fit, mut refined_found) = (0, 0, 0, 0);
    for round in 0..count {
        let mut random = RunKey::from_seed(round).stream("history", 0);
        let mut shape = SHAPES[(round % SHAPES.len() as u64) as usize];
        shape.operations += extra;
        let history = generate(model, shape, &mut random, &op, &answers);
        let report = linearizability::check(model, &history);
        let expected = reference::is_linearizable(model, &history);
        let tell = || format!("{name}, seed {round}: {:#?}\n{report:#?}", history.operations());
        let monitored = linearizability::check_by(Strategies::Monitors, model, &history, 0);
        if monitored.verdict() != Verdict::Unknown {
            fit += 1;
            let tell = || format!("{name}, without searching, seed {round}: {:#?}\n{monitored:#?}", history.operations());
            assert_eq!(monitored.verdict() == Verdict::Holds, expected, "{}", tell());
            if let Judgement::Holds { witness } = &monitored.judgement {
                verify(model, &history, witness).unwrap_or_else(|why| panic!("{why}\n{}", tell()));
            }
        }
        let refined = linearizability::check_by(Strategies::Refinement, model, &history, 1_000_000);
        if history.operations().iter().any(|operation| operation.outcome == Outcome::Unknown) && refined.verdict() != Verdict::Unknown {
            refined_found += 1;
            let tell = || format!("{name}, by refinement, seed {round}: {:#?}\n{refined:#?}", history.operations());
            assert_eq!(refined.verdict() == Verdict::Holds, expected, "{}", tell());
            if let Judgement::Holds { witness } = &refined.judgement {
                verify(model, &history, witness).unwrap_or_else(|why| panic!("{why}\n{}", tell()));
            }
        }
        let segments = linearizability::check_by(Strategies::Segments, model, &history, 1_000_000).verdict();
        assert!(
            segments == Verdict::Unknown || segments == Verdict::Violated && !expected,
            "{name}, by segments, seed {round}: {}",
            tell()
        );
        let greedy = linearizability::check_by(Strategies::Greedy, model, &history, 1_000_000);
        let tell_greedy = || format!("{name}, greedy, seed {round}: {:#?}\n{greedy:#?}", history.operations());
        match &greedy.judgement {
            Judgement::Holds { witness } => {
                assert!(expected, "{}", tell_greedy());
                verify(model, &history, witness).unwrap_or_else(|why| panic!("{why}\n{}", tell_greedy()));
            }
            Judgement::Violated { .. } => assert!(!expected, "{}", tell_greedy()),
            Judgement::Unknown { .. } => panic!("{}", tell_greedy()),
        }
        match &report.judgement {
            Judgement::Holds { witness } => {
                assert!(expected, "{}", tell());
                verify(model, &history, witness).unwrap_or_else(|why| panic!("{why}\n{}", tell()));
                held += 1;
            }
            Judgement::Violated { violations, undecided } => {
                assert!(!expected && !violations.is_empty() && undecided.is_empty(), "{}", tell());
                // With ties, what a prefix is depends on how they are broken.
                if shape.ties == 1 && round % 4 == 0 {
                    violations.iter().for_each(|violation| check_diagnosis(model, &history, violation));
                }
                violated += 1;
            }
            Judgement::Unknown { .. } => panic!("{}", tell()),
        }
    }
    println!("{name}: {held} held, {violated} violated; {fit} judged without searching, {refined_found} by refinement");
    assert!(held > count / 10 && violated > count / 10, "{name}: {held} held, {violated} violated: too few of a kind");
}

/// Whether the diagnosis names the completion at which the last order dies, and orders that really reach so far.
fn check_diagnosis<M: Model>(model: &M, history: &History<M::Op, M::Ret>, violation: &Violation)
where
    M::Op: Clone,
    M::Ret: Clone,
{
    let why = linearizability::diagnose(model, history, violation);
    let tell = || format!("{:#?}\n{why:#?}", history.operations());
    let rank = history.completions().iter().position(|index| *index == why.operation).expect("it completed");
    assert!(why.shortest && !why.attempts.is_empty() && why.core().len() <= 10, "{}", tell());
    // What was open then may have taken effect, with the result that it later had, or may not have.
    let holds = |completions: usize| {
        let open: Vec<usize> = history.completions()[completions..].to_vec();
        (0..1_u32 << open.len()).any(|chosen| {
            let took_effect = |index: usize| open.iter().position(|other| *other == index).is_some_and(|place| chosen >> place & 1 == 1);
            reference::is_linearizable(model, &prefix(history, violation, completions, took_effect))
        })
    };
    assert!(!holds(rank + 1), "the prefix holds: {}", tell());
    assert!(holds(rank), "a shorter prefix is violated: {}", tell());
    for attempt in &why.attempts {
        let before = prefix(history, violation, rank, |index| attempt.order.contains(&index));
        let order: Vec<usize> = attempt.order.iter().map(|index| violation.operations.binary_search(index).expect("of this key")).collect();
        verify(model, &before, &order).unwrap_or_else(|wrong| panic!("{wrong}: {}", tell()));
    }
}

/// The violated key's operations, as they were after so many completions of the whole history; of those open then, some took effect and
/// the others failed.
fn prefix<O: Clone, R: Clone + PartialEq>(
    history: &History<O, R>,
    violation: &Violation,
    completions: usize,
    took_effect: impl Fn(usize) -> bool,
) -> History<O, R> {
    let known = &history.completions()[..completions];
    let mut events: Vec<(Time, usize, bool)> = Vec::new();
    for index in &violation.operations {
        let operation = &history.operations()[*index];
        events.push((operation.invoked, *index, false));
        events.extend(operation.completed.map(|completed| (completed, *index, true)));
    }
    events.sort_unstable();
    let mut prefix = History::new();
    for (at, index, completes) in events {
        let operation = &history.operations()[index];
        let recorded = if completes {
            let counts = operation.outcome == Outcome::Unknown || known.contains(&index) || took_effect(index);
            prefix.complete(at, operation.client, if counts { operation.outcome.clone() } else { Outcome::Failed })
        } else {
            prefix.invoke(at, operation.client, operation.op.clone())
        };
        recorded.expect("a well-formed history");
    }
    prefix
}
