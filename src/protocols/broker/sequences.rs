//! What a log knows of its producers: so that what is sent again is appended once, and in order (KIP-98).

use super::{Rules, Sequenced};
use crate::base::{ClientId, SortedMap};

/// Of each producer, its epoch and its last messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences(SortedMap<ClientId, Known>);

/// What is known of a producer.
#[derive(Clone, Debug)]
pub(super) struct Known {
    epoch: u32,
    /// Of the last few messages, number and offset.
    latest: Vec<(u32, u64)>,
}

/// So many messages of a producer are remembered: as many as it may have under way.
pub(super) const REMEMBERED: usize = 5;

/// What a numbered message is to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbered {
    /// The next.
    Next,
    /// One that is there, at this offset if that is remembered.
    Known(Option<u64>),
    /// One before which another is missing.
    Early,
    /// One of an epoch that is over.
    Old,
}

impl Sequences {
    /// What this message is.
    pub(super) fn judge(&self, by: Sequenced, rules: &dyn Rules) -> Numbered {
        let begins = |sequence: u32| if rules.may_begin(sequence) { Numbered::Next } else { Numbered::Early };
        let Some(known) = self.0.get(&by.producer) else { return begins(by.sequence) };
        let Some((last, _)) = known.latest.last().copied().filter(|_| by.epoch == known.epoch) else {
            return if by.epoch < known.epoch { Numbered::Old } else { begins(by.sequence) };
        };
        if by.sequence > last {
            if rules.follows(by.sequence, last) { Numbered::Next } else { Numbered::Early }
        } else {
            Numbered::Known(known.latest.iter().find(|(sequence, _)| *sequence == by.sequence).map(|(_, offset)| *offset))
        }
    }

    /// Whether a later epoch of a producer is known than this.
    pub(super) fn is_old(&self, producer: ClientId, epoch: u32) -> bool {
        self.0.get(&producer).is_some_and(|known| known.epoch > epoch)
    }

    /// A producer is in this epoch.
    pub(super) fn begin(&mut self, producer: ClientId, epoch: u32) -> &mut Known {
        let known = self.0.entry(producer).or_insert_with(|| Known { epoch, latest: Vec::new() });
        if known.epoch != epoch {
            *known = Known { epoch, latest: Vec::new() };
        }
        known
    }

    /// It was appended at this offset.
    pub(super) fn add(&mut self, by: Sequenced, offset: u64) {
        let known = self.begin(by.producer, by.epoch);
        if known.latest.len() == REMEMBERED {
            known.latest.remove(0);
        }
        known.latest.push((by.sequence, offset));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Correct;
    use super::*;

    #[test]
    fn what_is_sent_again_is_told_from_what_is_new() {
        let by = |epoch, sequence| Sequenced { producer: ClientId::new(0), epoch, sequence };
        let mut known = Sequences::default();
        assert_eq!(known.judge(by(0, 1), &Correct), Numbered::Early, "the first is 0");
        for sequence in 0..7 {
            assert_eq!(known.judge(by(0, sequence), &Correct), Numbered::Next);
            known.add(by(0, sequence), u64::from(sequence) + 10);
        }
        let judged = [by(0, 6), by(0, 1), by(0, 8), by(1, 0), by(1, 1)].map(|by| known.judge(by, &Correct));
        assert_eq!(judged, [Numbered::Known(Some(16)), Numbered::Known(None), Numbered::Early, Numbered::Next, Numbered::Early]);
        known.add(by(1, 0), 20);
        assert_eq!(known.judge(by(0, 7), &Correct), Numbered::Old);
        known.begin(ClientId::new(0), 2);
        let judged = [by(1, 1), by(2, 0), by(2, 1)].map(|by| known.judge(by, &Correct));
        assert_eq!(judged, [Numbered::Old, Numbered::Next, Numbered::Early], "an epoch may begin without a message");
    }
}
