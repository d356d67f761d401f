//! Counters: O(n log n) where every addition is of the same amount. Else, only reads are found that show no sum of additions.
//!
//! Where all add the same, additions are interchangeable. What is shown only ever goes one way, one by one, and an operation that saw a
//! number sees it in passing. So additions are put off as long as can be: until they must have happened, or until an operation must have
//! seen more. Then those go first that must happen first, and those that need not happen last. If something was seen that had passed
//! already when it was asked for, there is no order, as nothing could have happened later than it did here.

use crate::base::sort_by_numbers;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{Gap, KeyHistory, Opinion};

/// What an operation is to the counter.
#[derive(Clone, Copy, Debug)]
pub(in crate::check) enum Count {
    /// It saw this.
    Read(i64),
    /// It added this.
    Add(i64),
    /// It added this, and saw what came of it.
    AddAndGet(i64, i64),
    /// It saw nothing and changed nothing.
    Nothing,
    /// None of these.
    Other,
}

/// An operation, counted in steps.
#[derive(Clone, Copy)]
struct CountedOperation {
    span: usize,
    from: Gap,
    /// Nothing if it need not happen.
    until: Option<Gap>,
    /// Which step it is, or what it sees, if that is known.
    sees: Option<u64>,
    reads: bool,
}

/// Judges a counter that starts at `initial`.
pub(in crate::check) fn judge<'a, O, R>(
    history: &KeyHistory<'a, O, R>,
    initial: i64,
    count: impl Fn(&'a O, Option<&'a R>) -> Count,
) -> Opinion {
    let spans = history.spans();
    let counts: Vec<Count> = spans.iter().map(|span| count(span.op, span.ret)).collect();
    if counts.iter().any(|count| matches!(count, Count::Other)) {
        return Opinion::Unfit;
    }
    let amounts = || counts.iter().filter_map(|count| if let Count::Add(by) | Count::AddAndGet(by, _) = count { Some(*by) } else { None });
    let largest = amounts().map(i64::unsigned_abs).max().unwrap_or(1);
    // Where a sum could wrap around, it says nothing.
    if largest.checked_mul(spans.len() as u64 + 1).is_none_or(|sum| sum > i64::MAX as u64 / 4) {
        return Opinion::Unfit;
    }
    let each = amounts().next().unwrap_or(1);
    if each == 0 || amounts().any(|by| by != each) {
        let known: Vec<(Gap, Option<Gap>, Count)> = spans.iter().zip(counts).map(|(span, count)| (span.from, span.until, count)).collect();
        let possible = within_bounds(&known, initial, history.end()) && are_sums(&known, initial);
        return if possible { Opinion::Unfit } else { Opinion::Violated };
    }
    // Seen, in steps; what is no whole number of steps was never there.
    let steps = |seen: i64| {
        let difference = i128::from(seen.wrapping_sub(initial));
        let each = i128::from(each);
        (difference % each == 0 && difference / each >= 0).then(|| u64::try_from(difference / each).unwrap_or(u64::MAX))
    };
    let mut walk = Vec::new();
    for (place, (span, count)) in spans.iter().zip(&counts).enumerate() {
        let (sees, reads) = match count {
            Count::Read(seen) => (Some(steps(*seen)), true),
            Count::AddAndGet(_, seen) => (Some(steps(*seen).filter(|steps| *steps > 0)), false),
            Count::Add(_) => (None, false),
            Count::Nothing | Count::Other => continue,
        };
        let sees = match sees {
            Some(None) if span.until.is_some() => return Opinion::Violated,
            Some(None) => continue,
            Some(Some(steps)) => Some(steps),
            None => None,
        };
        if !(reads && span.until.is_none()) {
            walk.push(CountedOperation { span: place, from: span.from, until: span.until, sees, reads });
        }
    }
    Walk::new(&walk, history.end()).judge()
}

/// Whether each number seen lies, in some gap, between the least and the greatest that additions before it, and some of those beside it,
/// can make.
fn within_bounds(operations: &[(Gap, Option<Gap>, Count)], initial: i64, end: Gap) -> bool {
    let mut least = vec![0_i64; end as usize + 2];
    let mut greatest = least.clone();
    for (from, until, count) in operations {
        if let Count::Add(by) | Count::AddAndGet(by, _) = count {
            let (early, late) = if *by < 0 { (&mut least, &mut greatest) } else { (&mut greatest, &mut least) };
            early[*from as usize] += by;
            if let Some(until) = until {
                late[*until as usize + 1] += by;
            }
        }
    }
    for row in [&mut least, &mut greatest] {
        for gap in 1..row.len() {
            row[gap] += row[gap - 1];
        }
    }
    operations.iter().all(|(from, until, count)| {
        let (Some(until), Count::Read(seen) | Count::AddAndGet(_, seen)) = (until, count) else { return true };
        let seen = seen.wrapping_sub(initial);
        (*from as usize..=*until as usize).any(|gap| least[gap] <= seen && seen <= greatest[gap])
    })
}

/// How many sums are looked at, of one half of what may have been added, and in all.
const SUMS: usize = 1 << 20;
const SUMS_IN_ALL: usize = 1 << 23;

/// Whether each number seen is what was certainly added before it, and a sum of some of what else can have been added by then: as far as
/// that can be told by looking at so many sums.
fn are_sums(operations: &[(Gap, Option<Gap>, Count)], initial: i64) -> bool {
    let amount = |(place, (from, until, count)): (usize, &(Gap, Option<Gap>, Count))| match count {
        Count::Add(by) | Count::AddAndGet(by, _) => Some((*from, *until, *by, place)),
        Count::Read(_) | Count::Nothing | Count::Other => None,
    };
    let mut added: Vec<(Gap, Option<Gap>, i64, usize)> = operations.iter().enumerate().filter_map(amount).collect();
    sort_by_numbers(&mut added, |(from, .., place)| ((*from).into(), *place as u64));
    let sight = |(place, (from, until, count)): (usize, &(Gap, Option<Gap>, Count))| match (until, count) {
        (Some(until), Count::Read(seen)) => Some((*from, *until, *seen, place)),
        (Some(until), Count::AddAndGet(by, seen)) => Some((*from, *until, seen.wrapping_sub(*by), place)),
        _ => None,
    };
    let mut sights: Vec<(Gap, Gap, i64, usize)> = operations.iter().enumerate().filter_map(sight).collect();
    sort_by_numbers(&mut sights, |(from, .., place)| ((*from).into(), *place as u64));
    let (mut open, mut begun, mut certain, mut left): (Vec<_>, _, _, _) = (Vec::new(), 0, initial, SUMS_IN_ALL);
    for (from, until, seen, place) in sights {
        while let Some(addition) = added.get(begun).filter(|addition| addition.0 <= until) {
            open.push(*addition);
            begun += 1;
        }
        open.retain(|(_, end, by, _)| {
            let over = end.is_some_and(|end| end < from);
            certain += if over { *by } else { 0 };
            !over
        });
        let own = |addition: &&(Gap, Option<Gap>, i64, usize)| addition.0 <= until && addition.3 != place;
        let perhaps = open.iter().filter(own).map(|(_, _, by, _)| *by).collect();
        if left < open.len() || !is_sum(seen.wrapping_sub(certain), perhaps, &mut left) {
            return left < open.len();
        }
        left -= open.len();
    }
    true
}

/// Whether this is a sum of some of these; if that would take too long, it may be.
fn is_sum(wanted: i64, mut amounts: Vec<i64>, left: &mut usize) -> bool {
    amounts.sort_unstable();
    let mut halves = [vec![0], vec![0]];
    for equal in amounts.chunk_by(|one, other| one == other) {
        let half = usize::from(halves[1].len() < halves[0].len());
        let sums = &halves[half];
        let size = sums.len() * (equal.len() + 1);
        if size > SUMS.min(*left) {
            return true;
        }
        *left -= size;
        let times = 0..=equal.len() as i64;
        let mut sums: Vec<i64> = times.flat_map(|times| sums.iter().map(move |sum| sum + times * equal[0])).collect();
        sums.sort_unstable();
        sums.dedup();
        halves[half] = sums;
    }
    let mut others = halves[1].iter().rev().peekable();
    halves[0].iter().any(|sum| {
        while others.next_if(|other| sum + **other > wanted).is_some() {}
        others.peek().is_some_and(|other| sum + **other == wanted)
    })
}

/// Additions, put off as long as can be.
struct Walk<'a> {
    end: Gap,
    /// By their first gaps.
    opens: Vec<&'a CountedOperation>,
    /// By their last gaps; only those that must happen.
    closes: Vec<&'a CountedOperation>,
    /// How many steps were made.
    made: u64,
    done: Vec<bool>,
    /// Open additions that must happen, and do not say which step they are, by their last gaps.
    waiting: BinaryHeap<Reverse<(Gap, usize)>>,
    /// Open additions of which it is not known whether they happen.
    spare: Vec<usize>,
    /// Which additions must be which step; whether they are open.
    named: BTreeMap<u64, (usize, bool)>,
    /// Open additions that, if they happen, are this step.
    named_spare: BTreeMap<u64, usize>,
    /// Open reads of a number that was not reached.
    readers: BTreeMap<u64, Vec<usize>>,
    twice: bool,
    /// Whether an addition that had to happen became a step that one in `named_spare` could have been: only if both had happened, the other
    /// would be left for a later step.
    unsure: bool,
    whole: Vec<(usize, Gap)>,
}

impl<'a> Walk<'a> {
    fn new(operations: &'a [CountedOperation], end: Gap) -> Self {
        let mut opens: Vec<&CountedOperation> = operations.iter().collect();
        sort_by_numbers(&mut opens, |operation| (operation.from.into(), operation.span as u64));
        let mut closes: Vec<&CountedOperation> = operations.iter().filter(|operation| operation.until.is_some()).collect();
        sort_by_numbers(&mut closes, |operation| (operation.until.map_or(u64::MAX, u64::from), operation.span as u64));
        let mut named = BTreeMap::new();
        let mut twice = false;
        for operation in operations.iter().filter(|operation| !operation.reads && operation.until.is_some()) {
            if let Some(which) = operation.sees {
                twice |= named.insert(which, (operation.span, false)).is_some();
            }
        }
        let spans = operations.iter().map(|operation| operation.span + 1).max().unwrap_or(0);
        Self {
            end,
            opens,
            closes,
            made: 0,
            done: vec![false; spans],
            waiting: BinaryHeap::new(),
            spare: Vec::new(),
            named,
            named_spare: BTreeMap::new(),
            readers: BTreeMap::new(),
            twice,
            unsure: false,
            whole: Vec::new(),
        }
    }

    fn judge(mut self) -> Opinion {
        match self.walk() {
            Some(()) => Opinion::Order(self.whole),
            None if self.unsure => Opinion::Unfit,
            None => Opinion::Violated,
        }
    }

    fn walk(&mut self) -> Option<()> {
        if self.twice {
            return None;
        }
        let (opens, closes) = (std::mem::take(&mut self.opens), std::mem::take(&mut self.closes));
        let (mut opened, mut closed) = (0, 0);
        for gap in 0..=self.end {
            while let Some(operation) = opens.get(opened).filter(|operation| operation.from == gap) {
                self.open(operation, gap)?;
                opened += 1;
            }
            while let Some(operation) = closes.get(closed).filter(|operation| operation.until == Some(gap)) {
                self.close(operation, gap)?;
                closed += 1;
            }
        }
        Some(())
    }

    fn open(&mut self, operation: &CountedOperation, gap: Gap) -> Option<()> {
        match (operation.reads, operation.sees, operation.until) {
            (true, Some(seen), _) if seen == self.made => self.happen(operation.span, gap),
            (true, Some(seen), _) if seen > self.made => self.readers.entry(seen).or_default().push(operation.span),
            (true, ..) => return None,
            (false, Some(which), Some(_)) if which <= self.made => return None,
            (false, Some(which), Some(_)) => self.named.get_mut(&which)?.1 = true,
            (false, Some(which), None) if which <= self.made => {}
            (false, Some(which), None) => {
                self.named_spare.entry(which).or_insert(operation.span);
            }
            (false, None, Some(until)) => self.waiting.push(Reverse((until, operation.span))),
            (false, None, None) => self.spare.push(operation.span),
        }
        Some(())
    }

    /// The operation must have happened by now.
    fn close(&mut self, operation: &CountedOperation, gap: Gap) -> Option<()> {
        let needed = if operation.reads { operation.sees } else { operation.sees.map(|which| which - 1) };
        while needed.is_some_and(|needed| self.made < needed) {
            self.step(gap)?;
        }
        while !self.done[operation.span] {
            if operation.reads {
                return None;
            }
            self.step(gap)?;
        }
        Some(())
    }

    /// One more addition happens.
    fn step(&mut self, gap: Gap) -> Option<()> {
        let which = self.made + 1;
        let span = if let Some((span, open)) = self.named.get(&which).copied() {
            // Nothing else may be this step.
            open.then_some(span)?
        } else if let Some(Reverse((_, span))) = self.waiting.pop() {
            self.unsure |= self.named_spare.contains_key(&which);
            span
        } else if let Some(span) = self.named_spare.get(&which).copied() {
            span
        } else {
            self.spare.pop()?
        };
        self.made = which;
        self.happen(span, gap);
        for reader in self.readers.remove(&which).unwrap_or_default() {
            self.happen(reader, gap);
        }
        Some(())
    }

    fn happen(&mut self, span: usize, gap: Gap) {
        self.done[span] = true;
        self.whole.push((span, gap));
    }
}
