//! How many operations of each class of unknown outcome took effect, packed into words.
//!
//! A search may leave classes uncounted: then each of their operations may take effect any number of times. That only allows more. If
//! there is no order even so, there is none; and one that takes no more of a class than there are is an order.

use crate::check::linearizability::encoding::EquivalenceClass;

/// Where a class is counted: bits of a word.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CountField {
    pub(crate) word: u32,
    pub(crate) shift: u32,
    /// The bits of the count, moved to the right; none if the class is not counted.
    pub(crate) mask: u64,
}

/// What of the classes is counted, and where.
#[derive(Debug)]
pub(crate) struct Tally {
    /// By class.
    pub(crate) fields: Vec<CountField>,
    /// For each word, a bit above each count of more than one bit: never set.
    pub(crate) guards: Vec<u64>,
    /// For each word, the counts of one bit.
    pub(crate) singles: Vec<u64>,
}

impl Tally {
    /// Counts those classes for which this says so.
    pub(crate) fn new(classes: &[EquivalenceClass], counted: impl Fn(usize) -> bool) -> Self {
        let mut free = 0;
        let mut tally = Self { fields: Vec::with_capacity(classes.len()), guards: Vec::new(), singles: Vec::new() };
        for (class, known) in classes.iter().enumerate() {
            if !counted(class) {
                tally.fields.push(CountField::default());
                continue;
            }
            let mask = (1 << (u32::BITS - known.count.leading_zeros())) - 1_u64;
            let width = mask.count_ones() + u32::from(known.count > 1);
            if tally.guards.is_empty() || free + width > u64::BITS {
                free = 0;
                tally.guards.push(0);
                tally.singles.push(0);
            }
            let word = tally.guards.len() - 1;
            tally.fields.push(CountField { word: word as u32, shift: free, mask });
            free += width;
            if known.count > 1 {
                tally.guards[word] |= 1 << (free - 1);
            } else {
                tally.singles[word] |= 1 << (free - 1);
            }
        }
        tally
    }
}
