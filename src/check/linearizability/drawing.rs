//! Operations as intervals, a lane for each client.

use std::collections::BTreeMap;

use super::diagnosis::describe;
use crate::base::{ClientId, Time};
use crate::check::model::Model;
use crate::history::{History, Outcome};

/// An edge of an interval, in the order in which edges are drawn: at one instant, what begins stands before what ends, but for one
/// client's own.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Edge {
    operation: usize,
    begins: bool,
}

/// Draws these operations. Distances mean nothing, order does; `marked` is drawn with double lines. An operation of unknown outcome has
/// no end.
pub(super) fn draw<M: Model>(
    model: &M,
    history: &History<M::Op, M::Ret>,
    drawn: &[usize],
    marked: usize,
    who: &dyn Fn(ClientId) -> String,
) -> String {
    let operations = history.operations();
    let label = |index: usize| {
        let text = describe(model, &operations[index]);
        // That an end is open is drawn.
        text.strip_suffix(" → ?").map_or(text.clone(), str::to_owned)
    };
    let end_of = |index: usize| match &operations[index].outcome {
        Outcome::Unknown => None,
        _ => operations[index].completed,
    };
    let mut edges: Vec<(Time, Edge)> = Vec::new();
    for index in drawn {
        edges.push((operations[*index].invoked, Edge { operation: *index, begins: true }));
        edges.extend(end_of(*index).map(|at| (at, Edge { operation: *index, begins: false })));
    }
    edges.sort_by_key(|(at, edge)| (*at, !edge.begins, edge.operation));
    // Each edge gets a column; an interval is as wide as its label, and one client's intervals do not overlap.
    let mut columns: BTreeMap<(usize, bool), usize> = BTreeMap::new();
    let mut free: BTreeMap<ClientId, usize> = BTreeMap::new();
    let mut column = 0;
    let mut before = None;
    for (at, edge) in &edges {
        let client = operations[edge.operation].client;
        if before.is_some_and(|before| before != (*at, edge.begins)) {
            column += 1;
        }
        before = Some((*at, edge.begins));
        if edge.begins {
            column = column.max(free.get(&client).copied().unwrap_or(0));
            // An open end leaves room for its label, and for what its client does next.
            free.insert(client, column + label(edge.operation).chars().count() + 4);
        } else {
            let begin = columns.get(&(edge.operation, true)).copied().unwrap_or(0);
            column = column.max(begin + label(edge.operation).chars().count() + 1);
            free.insert(client, column + 2);
        }
        columns.insert((edge.operation, edge.begins), column);
    }
    let mut lanes: BTreeMap<ClientId, String> = BTreeMap::new();
    for index in drawn {
        let begin = columns[&(*index, true)];
        let text = label(*index);
        let (open, line, close) = if *index == marked { ('╞', '═', '╡') } else { ('├', '─', '┤') };
        let lane = lanes.entry(operations[*index].client).or_default();
        let used = lane.chars().count();
        lane.extend(std::iter::repeat_n(' ', begin.saturating_sub(used)));
        lane.push(open);
        lane.push_str(&text);
        match columns.get(&(*index, false)) {
            Some(end) => {
                let width = (end - begin).saturating_sub(text.chars().count() + 1);
                lane.extend(std::iter::repeat_n(line, width));
                lane.push(close);
            }
            None => lane.push_str("┄┄"),
        }
    }
    let width = lanes.keys().map(|client| who(*client).chars().count()).max().unwrap_or(0);
    lanes.into_iter().map(|(client, lane)| format!("  {:width$}  {lane}\n", who(client))).collect()
}
