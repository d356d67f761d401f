//! Values that no two operations of a run share.

use super::Origin;

/// Values that nobody else sets: a count, then the client's number in a fixed number of digits.
#[derive(Clone, Debug)]
pub(super) struct Values {
    count: u64,
    client: u64,
    /// The power of ten above all clients' numbers.
    scale: u64,
}

impl Values {
    /// Between two boots, a client sets fewer values than this.
    const PER_BOOT: u64 = 1_000_000_000;

    pub(super) fn new(origin: Origin) -> Self {
        let scale = 10_u64.pow(origin.clients.max(1).ilog10() + 1);
        let count = u64::from(origin.first_session).wrapping_mul(Self::PER_BOOT);
        Self { count, client: u64::from(origin.client) + 1, scale }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.count += 1;
        self.count.wrapping_mul(self.scale).wrapping_add(self.client)
    }
}
