//! What the bare loops share: a queue, and a way to scatter bits.

/// A 4-ary heap of packed keys: time in the high 64 bits, then sequence, then the place of the payload.
#[derive(Default)]
pub(crate) struct Heap(Vec<u128>);

impl Heap {
    pub(crate) fn push(&mut self, key: u128) {
        let mut at = self.0.len();
        self.0.push(key);
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.0[parent] <= key {
                break;
            }
            self.0[at] = self.0[parent];
            at = parent;
        }
        self.0[at] = key;
    }

    pub(crate) fn pop(&mut self) -> Option<u128> {
        let first = *self.0.first()?;
        let last = self.0.pop()?;
        if self.0.is_empty() {
            return Some(first);
        }
        let (mut at, length) = (0, self.0.len());
        loop {
            let child = 4 * at + 1;
            if child >= length {
                break;
            }
            let end = (child + 4).min(length);
            let mut least = child;
            for other in child + 1..end {
                if self.0[other] < self.0[least] {
                    least = other;
                }
            }
            if self.0[least] >= last {
                break;
            }
            self.0[at] = self.0[least];
            at = least;
        }
        self.0[at] = last;
        Some(first)
    }
}

/// The finaliser of SplitMix64.
pub(crate) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
