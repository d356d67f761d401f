//! What a length of time is for: from that follows, for any system, what it must not be.

use super::codec::written_alike;
use super::{Codec, Form};

/// What a setting that is a length of time is for. A setting is declared with all that is true of it, by the codec [`Timed`]; `lint`
/// then warns of lengths that cannot serve, whatever the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// For so long an answer is waited for: it must be longer than a message there and one back take.
    Answer,
    /// It is drawn by each of several that should not act at once, so that one is first: the range must be wide enough for the others to
    /// hear of it.
    Apart,
    /// After so long without a sign of life, which come as often as this setting says, their sender is taken to have failed: one lost
    /// message should not be enough.
    Silence(&'static str),
    /// After so long without a sign of life one is missed, and after so many in a row their sender is taken to have failed.
    Misses {
        /// The setting that says how often they come; each that is missed takes as long once more.
        every: &'static str,
        /// The setting that says how many are missed before anything follows.
        missed: &'static str,
        /// The setting, and its value, with which each is asked for: then the length is counted from the question, and waits for an answer.
        asked: (&'static str, &'static str),
    },
}

#[cfg(feature = "cli")]
impl Timing {
    /// What it is for, in a sentence.
    pub(crate) fn in_words(self) -> String {
        match self {
            Self::Answer => "An answer is waited for so long: longer than a message there and one back take.".to_owned(),
            Self::Apart => "Each of several draws one, so that one is first: wide enough for the others to hear of it.".to_owned(),
            Self::Silence(every) => {
                format!(
                    "After so long without a sign of life a node is taken to have failed: longer than two times `{every}`, how often they come."
                )
            }
            Self::Misses { every, missed, .. } => {
                format!(
                    "After so long a sign of life is missed, of which one comes each `{every}`; after `{missed}` in a row a node is taken to have failed."
                )
            }
        }
    }
}

/// A length, or a range of lengths, and what it is for: `Timed(LengthRange, &[Timing::Answer, Timing::Apart])`.
#[derive(Clone, Copy, Debug)]
pub struct Timed<C>(pub C, pub &'static [Timing]);

impl<T, C: Codec<T>> Codec<T> for Timed<C> {
    fn read(&self, form: Form<'_>) -> Option<T> {
        self.0.read(form)
    }

    written_alike!(T);

    fn timings(&self) -> &'static [Timing] {
        self.1
    }
}
