//! Operations as intervals, a lane for each client.

use crate::base::{ClientId, SortedMap, Time, sort_by_key};
use crate::check::linearizability::Counterexample;

/// An edge of an interval, in the order in which edges are drawn: at one instant, what begins stands before what ends, but for one
/// client's own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Edge {
    operation: usize,
    begins: bool,
}

/// Draws what is to be shown first. Distances mean nothing, order does; the one that is stuck is drawn with double lines. An operation that
/// is open, or of unknown outcome, has no end.
pub(super) fn draw(example: &Counterexample, labels: &[String]) -> String {
    let operations = &example.operations;
    let edges = edges(example);
    // Each edge gets a column; an interval is as wide as its label, and one client's intervals do not overlap.
    let mut columns: SortedMap<(usize, bool), usize> = SortedMap::new();
    let mut free: SortedMap<ClientId, usize> = SortedMap::new();
    let mut column = 0;
    let mut before = None;
    for (at, edge) in &edges {
        let operation = &operations[edge.operation];
        let width = labels[edge.operation].chars().count();
        if before.is_some_and(|before| before != (*at, edge.begins)) {
            column += 1;
        }
        before = Some((*at, edge.begins));
        if edge.begins {
            column = column.max(free.get(&operation.client).copied().unwrap_or(0));
            // An open end leaves room for its label, and for what its client does next.
            free.insert(operation.client, column + width + 4);
        } else {
            let begin = columns.get(&(edge.operation, true)).copied().unwrap_or(0);
            column = column.max(begin + width + 1);
            free.insert(operation.client, column + 2);
        }
        columns.insert((edge.operation, edge.begins), column);
    }
    let mut lanes: SortedMap<ClientId, (String, String)> = SortedMap::new();
    for index in &example.foremost {
        let (operation, begin) = (&operations[*index], columns[&(*index, true)]);
        let text = &labels[*index];
        let (open, line, close) = if Some(*index) == example.stuck { ('╞', '═', '╡') } else { ('├', '─', '┤') };
        let (_, lane) = lanes.entry(operation.client).or_insert_with(|| (operation.who.clone(), String::new()));
        let used = lane.chars().count();
        lane.extend(std::iter::repeat_n(' ', begin.saturating_sub(used)));
        lane.push(open);
        lane.push_str(text);
        match columns.get(&(*index, false)) {
            Some(end) => {
                let width = (end - begin).saturating_sub(text.chars().count() + 1);
                lane.extend(std::iter::repeat_n(line, width));
                lane.push(close);
            }
            None => lane.push_str("┄┄"),
        }
    }
    let width = lanes.values().map(|(who, _)| who.chars().count()).max().unwrap_or(0);
    lanes.into_values().map(|(who, lane)| format!("  {who:width$}  {lane}\n")).collect()
}

fn edges(example: &Counterexample) -> Vec<(Time, Edge)> {
    let mut edges: Vec<(Time, Edge)> = Vec::new();
    for index in &example.foremost {
        let operation = &example.operations[*index];
        let (invoked, completed) = operation.interval;
        edges.push((invoked, Edge { operation: *index, begins: true }));
        let end = completed.filter(|_| !operation.open);
        edges.extend(end.map(|at| (at, Edge { operation: *index, begins: false })));
    }
    sort_by_key(&mut edges, |(at, edge)| (*at, !edge.begins, edge.operation));
    edges
}
