//! Surroundings that are calm but for the fates of a few messages: all that are not as in a calm network are fixed, and then left out as
//! far as can be.

use std::collections::BTreeMap;

use super::calm;
use crate::base::{Fate, FixedFate, KindDigest, Loss, NodeId, Which};
use crate::environment::{Latency, LinkModel};
use crate::explore::shrink::Search;
use crate::explore::shrink::size::noise;
use crate::trace::{Sink, UntypedRecord};

/// More fates than this are not fixed.
const MOST: usize = 2_000;

pub(super) fn pass(search: &mut Search<'_>) {
    search.reduce(&|scenario| scenario.conditions.fates.len(), &|scenario, chunk| {
        let mut changed = scenario.clone();
        changed.conditions.fates.drain(chunk);
        Some(changed)
    });
}

/// Fixes the fates of messages in place of chance, and takes that if few of them matter.
pub(super) fn fix(search: &mut Search<'_>) {
    let link = search.scenario().conditions.link;
    if link == LinkModel::reliable(link.latency) && matches!(link.latency, Latency::Constant(_)) {
        return;
    }
    let mut sends = Sends::default();
    search.watch(&mut sends);
    for latency in calm::constants(link.latency) {
        let mut fixed = search.scenario().clone();
        fixed.conditions.link = LinkModel::reliable(latency);
        let already = fixed.conditions.fates.clone();
        let deviating: Vec<FixedFate> = deviating(&sends.sent, latency, &already).collect();
        if deviating.len() > MOST {
            continue;
        }
        fixed.conditions.fates.extend(deviating);
        if noise(&fixed.conditions) < noise(&search.scenario().conditions) && search.within(fixed, &pass) {
            return;
        }
    }
}

/// Those whose fate is not as in a calm network, but for those that a fault lost and those that are fixed already.
fn deviating<'s>(sent: &'s [FixedFate], latency: Latency, already: &[FixedFate]) -> impl Iterator<Item = FixedFate> + 's {
    let usual = Fate::Deliver(latency.mean());
    let already: Vec<FixedFate> = already.to_vec();
    sent.iter().copied().filter(move |sent| {
        let is_fixed =
            already.iter().any(|other| (other.from, other.to, other.kind, other.which) == (sent.from, sent.to, sent.kind, sent.which));
        sent.fate != usual && !is_fixed && !matches!(sent.fate, Fate::Lost(Loss::Partition | Loss::Fault))
    })
}

/// Notes what was sent, and what became of it.
#[derive(Default)]
struct Sends {
    sent: Vec<FixedFate>,
    nth: BTreeMap<(NodeId, NodeId, KindDigest, u64), u32>,
}

impl Sink for Sends {
    fn record(&mut self, entry: &UntypedRecord<'_>) {
        let ("send", Some((id, kind)), Some(fate), Some(payload)) = (entry.sort, entry.message, entry.fate, entry.payload) else { return };
        let content = payload.content();
        let nth = self.nth.entry((id.from, id.to, id.kind, content)).or_insert(0);
        *nth += 1;
        let which = Which::Content { content, nth: *nth };
        // The only loss that can be written is that of the table.
        let fate = if let Fate::Lost(Loss::Chance) = fate { Fate::Lost(Loss::Override) } else { fate };
        self.sent.push(FixedFate { from: id.from, to: id.to, kind: kind.name, which, fate });
    }
}
