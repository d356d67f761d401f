//! What went wrong with a run itself.

use super::counted;
use crate::check::{Difference, Doing, Lag, Panic, Pending, Spin};

/// Of how many servers with unsettled work it is said what it is.
const UNSETTLED: usize = 9;

pub(super) fn panic(panic: &Panic) -> String {
    let Panic { node, at, message, .. } = panic;
    let who = node.map_or_else(|| "a judge".to_owned(), |node| node.to_string());
    let what = if panic.died { "ended the process" } else { "panicked" };
    let event = panic.event.map(|event| format!("event {event}, ")).unwrap_or_default();
    let place = panic.place.as_ref().map(|(file, line)| format!("\nat {file}:{line}")).unwrap_or_default();
    format!("{who} {what} while it {} ({event}at {at}): {message}{place}", doing(&panic.doing))
}

pub(super) fn spin(Spin { node, doing: what, at }: &Spin) -> String {
    format!("the run spins: event after event at {at} without time going on; in the last of them {node} {}", doing(what))
}

fn doing(doing: &Doing) -> String {
    match doing {
        Doing::Booting => "booted".to_owned(),
        Doing::Handling { kind, count, from } => format!("handled {kind} #{count} from {from}"),
        Doing::Fired(Some(timer)) => format!("handled timer {timer}"),
        Doing::Fired(None) => "handled a timer".to_owned(),
        Doing::Synced => "handled a completed sync".to_owned(),
        Doing::Waking => "caught up after a pause".to_owned(),
        Doing::Quiescing => "was told to invoke nothing more".to_owned(),
        Doing::Asked(what) => format!("was asked for its {what}"),
        Doing::Crashing => "was taken down".to_owned(),
        Doing::Ending => "was dropped at the end of the run".to_owned(),
        Doing::Judging => "judged".to_owned(),
    }
}

/// What concerns all in the first line; each node in one of its own.
pub(super) fn pending(pending: &Pending) -> String {
    let mut reasons = Vec::new();
    if pending.nothing_fresh {
        reasons.push("no operation invoked since has completed".to_owned());
    }
    match pending.under_way {
        0 => {}
        1 => reasons.push("an operation is still under way".to_owned()),
        count => reasons.push(format!("{count} operations are still under way")),
    }
    if pending.disagree {
        reasons.push("the replicas differ".to_owned());
    }
    let of_all = reasons.len().max(1);
    reasons.extend(pending.lagging.iter().take(UNSETTLED).map(lag));
    match pending.lagging.len().saturating_sub(UNSETTLED) {
        0 => {}
        1 => reasons.push("1 more server lags".to_owned()),
        more => reasons.push(format!("{} lag", counted(more, "more server"))),
    }
    reasons.extend(pending.unsettled.iter().take(UNSETTLED).map(|(node, work)| format!("{node} has {work}")));
    match pending.unsettled.len().saturating_sub(UNSETTLED) {
        0 => {}
        1 => reasons.push("1 more server has unsettled work".to_owned()),
        more => reasons.push(format!("{} have unsettled work", counted(more, "more server"))),
    }
    reasons.extend(pending.status.iter().map(|(node, status)| format!("{node}: {status}")));
    let of_nodes = reasons.split_off(of_all.min(reasons.len()));
    let first = format!("{} after everything was healed: {}", pending.after, reasons.join("; "));
    std::iter::once(first).chain(of_nodes).collect::<Vec<_>>().join("\n")
}

fn lag(Lag { node, reached, of, behind, by, before, since }: &Lag) -> String {
    let how = match before {
        None => String::new(),
        Some(before) if by < before => format!(", and catches up: {since} before it lagged by {before}"),
        Some(before) if by == before => format!(", as {since} before"),
        Some(before) => format!(", and falls behind: {since} before it lagged by {before}"),
    };
    format!("{node} lags behind {behind} by {by} {of}, of {}{how}", reached + by)
}

pub(super) fn difference(difference: &Difference) -> String {
    match difference {
        Difference::Record { number, first, second } => {
            let shown = |line: &Option<String>| line.as_deref().unwrap_or("nothing more: it had ended").to_owned();
            format!("two runs of this seed differ from record {number} on\nfirst run:  {}\nsecond run: {}", shown(first), shown(second))
        }
        Difference::Judged(property) => format!("two runs of this seed have the same records, but {property} is judged differently"),
        Difference::Counts => "two runs of this seed have the same records, but their counts differ".to_owned(),
        Difference::AtTimes => {
            "two runs of this seed differ, but two more, which were held against each other record by record, did not: it comes at times"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, NodeId};

    /// What concerns all is in the first line, which is told alone where there is room for one; each node has a line of its own.
    #[test]
    fn what_is_pending_is_a_list() {
        let on = |number, text: &str| (NodeId::server(number), text.to_owned());
        let pending = |nothing_fresh, under_way| Pending {
            after: Duration::from_secs(5),
            nothing_fresh,
            under_way,
            disagree: false,
            lagging: Vec::new(),
            unsettled: vec![on(0, "a lock held"), on(1, "a lock held")],
            status: vec![on(0, "leads")],
        };
        let both = "5s after everything was healed: no operation invoked since has completed; 2 operations are still under way";
        let told = super::pending(&pending(true, 2));
        assert_eq!(told.lines().collect::<Vec<_>>(), [both, "n1 has a lock held", "n2 has a lock held", "n1: leads"]);
        let told = super::pending(&pending(false, 0));
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            ["5s after everything was healed: n1 has a lock held", "n2 has a lock held", "n1: leads"]
        );
    }
}
