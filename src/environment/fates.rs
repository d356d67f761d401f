//! The table of overrides: messages whose fate is fixed, whatever links and faults would do.

use crate::base::{Fate, FixedFate, KindDigest, MessageId, NodeId, SortedMap, Which};

/// What is fixed, and what of it has met its message.
#[derive(Clone, Debug, Default)]
pub(super) struct FixedFates {
    fixed: Vec<FixedFate>,
    /// Of each, whether its message was sent.
    met: Vec<bool>,
    by_count: SortedMap<MessageId, usize>,
    /// How often the contents that the table names were sent, and what is fixed for which of them.
    by_content: SortedMap<Content, (u32, SortedMap<u32, usize>)>,
}

type Content = (NodeId, NodeId, KindDigest, u64);

/// What became of the fates that were fixed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FateCounts {
    /// How many there are.
    pub fixed: usize,
    /// Those whose message was never sent.
    pub never_met: Vec<FixedFate>,
}

impl FixedFates {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.fixed.is_empty()
    }

    /// Of two fates for one message, the later counts.
    pub(super) fn insert(&mut self, fixed: FixedFate) {
        let place = self.fixed.len();
        let FixedFate { from, to, which, .. } = fixed;
        let kind = KindDigest::of(fixed.kind);
        match which {
            Which::Count(count) => drop(self.by_count.insert(MessageId { from, to, kind, count }, place)),
            Which::Content { content, nth } => drop(self.by_content.entry((from, to, kind, content)).or_default().1.insert(nth, place)),
        }
        self.fixed.push(fixed);
        self.met.push(false);
    }

    /// A message is sent: what is fixed for it. If both its count and its content have a fate, the count's holds.
    pub(super) fn meet(&mut self, id: MessageId, content: impl FnOnce() -> u64) -> Option<Fate> {
        let by_count = self.by_count.get(&id).copied();
        let by_content = if self.by_content.is_empty() { None } else { self.meet_content(id, content()) };
        by_count.into_iter().chain(by_content).for_each(|place| self.met[place] = true);
        by_count.or(by_content).map(|place| self.fixed[place].fate)
    }

    fn meet_content(&mut self, id: MessageId, content: u64) -> Option<usize> {
        let (sent, places) = self.by_content.get_mut(&(id.from, id.to, id.kind, content))?;
        *sent += 1;
        places.get(sent).copied()
    }

    pub(super) fn counts(&self) -> FateCounts {
        let never_met = self.fixed.iter().zip(&self.met).filter_map(|(fixed, met)| (!met).then_some(*fixed));
        FateCounts { fixed: self.fixed.len(), never_met: never_met.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Duration, Loss};

    const LOST: Fate = Fate::Lost(Loss::Override);
    const LATE: Fate = Fate::Deliver(Duration::from_millis(1));

    fn fixed(which: Which, fate: Fate) -> FixedFate {
        FixedFate { from: NodeId::server(0), to: NodeId::server(1), kind: "Ping", which, fate }
    }

    /// What a table has for messages with these contents, sent one after another.
    fn check(table: &[FixedFate], contents: &[u64], expected: &[Option<Fate>], never_met: &[FixedFate]) {
        let mut fates = FixedFates::default();
        table.iter().for_each(|fixed| fates.insert(*fixed));
        let id = |count| MessageId { from: NodeId::server(0), to: NodeId::server(1), kind: KindDigest::of("Ping"), count };
        let found: Vec<Option<Fate>> = contents.iter().zip(1..).map(|(content, count)| fates.meet(id(count), || *content)).collect();
        assert_eq!(found, expected);
        assert_eq!(fates.counts(), FateCounts { fixed: table.len(), never_met: never_met.to_vec() });
    }

    #[test]
    fn a_fate_by_content_survives_the_loss_of_other_messages() {
        let second = fixed(Which::Content { content: 7, nth: 2 }, LOST);
        check(&[second], &[7, 8, 7, 7], &[None, None, Some(LOST), None], &[]);
        check(&[second], &[7, 7, 7], &[None, Some(LOST), None], &[]);
        check(&[second], &[7, 8, 9], &[None, None, None], &[second]);
    }

    #[test]
    fn a_fate_by_count_goes_before_and_both_have_met() {
        let (count, content) = (fixed(Which::Count(2), LATE), fixed(Which::Content { content: 7, nth: 1 }, LOST));
        check(&[count, content], &[8, 7], &[None, Some(LATE)], &[]);
        check(&[count, content], &[7], &[Some(LOST)], &[count]);
    }
}
