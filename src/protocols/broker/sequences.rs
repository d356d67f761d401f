//! What a log knows of its producers: so that what is sent again is appended once, and in order (KIP-98).

use super::{Rules, Sequenced};
use crate::base::{ClientId, SortedMap};

/// Of each producer, its epoch and its last messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequences(SortedMap<ClientId, Known>);

/// What is known of a producer.
#[derive(Clone, Debug)]
struct Known {
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
        let last = known.latest.last().map_or(0, |(sequence, _)| *sequence);
        if by.epoch < known.epoch {
            Numbered::Old
        } else if by.epoch > known.epoch {
            begins(by.sequence)
        } else if by.sequence > last {
            if rules.follows(by.sequence, last) { Numbered::Next } else { Numbered::Early }
        } else {
            Numbered::Known(known.latest.iter().find(|(sequence, _)| *sequence == by.sequence).map(|(_, offset)| *offset))
        }
    }

    /// It was appended at this offset.
    pub(super) fn add(&mut self, by: Sequenced, offset: u64) {
        let known = self.0.entry(by.producer).or_insert_with(|| Known { epoch: by.epoch, latest: Vec::new() });
        if known.epoch != by.epoch {
            *known = Known { epoch: by.epoch, latest: Vec::new() };
        }
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
    }
}
