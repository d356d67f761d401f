//! Back-pressure by credits: a sender sends only what the receiver has room for.
//!
//! The receiver says up to which message it has room, counted from the start, and says so anew as it consumes. So a slow receiver slows its
//! sender, and that one's sender in turn, and nothing piles up between them. That the limit is told as a total, as in QUIC (RFC 9000,
//! §4.1), makes it harmless if one such message comes twice, out of order or not at all, where a later one does.
//!
//! ```
//! use stormglass_policies::policies::credits::{CreditReceiver, CreditSender, CreditSettings};
//!
//! let settings = CreditSettings { window: 2, batch: 1 };
//! let (mut sender, mut receiver) = (CreditSender::new(&settings).unwrap(), CreditReceiver::new(&settings).unwrap());
//! assert_eq!([sender.try_send(), sender.try_send(), sender.try_send()], [true, true, false]);
//! assert!(receiver.received() && receiver.received());
//! let limit = receiver.consumed().expect("it tells each");
//! sender.granted(limit);
//! assert!(sender.try_send());
//! ```

use super::SettingError;
use super::setting::demand;

/// How much may be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditSettings {
    /// How many messages the receiver has room for. Above zero.
    pub window: u32,
    /// After how many that it has consumed the receiver tells its limit: from 1 to the window.
    pub batch: u32,
}

impl Default for CreditSettings {
    /// Sixty-four, told after half of them.
    fn default() -> Self {
        Self { window: 64, batch: 32 }
    }
}

impl CreditSettings {
    fn check(&self) -> Result<(), SettingError> {
        demand(self.window > 0, "window", "room for one message at least")?;
        demand((1..=self.window).contains(&self.batch), "batch", "from 1 to the window: more are never consumed before more are sent")
    }
}

/// What may be sent.
#[derive(Clone, Debug)]
pub struct CreditSender {
    sent: u64,
    limit: u64,
}

impl CreditSender {
    /// One that may send a whole window.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &CreditSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { sent: 0, limit: u64::from(settings.window) })
    }

    /// Whether one message may be sent now; if so, it is counted as sent.
    pub fn try_send(&mut self) -> bool {
        let may = self.sent < self.limit;
        self.sent += u64::from(may);
        may
    }

    /// The receiver has room up to this message. An earlier limit that comes later changes nothing.
    pub fn granted(&mut self, limit: u64) {
        self.limit = self.limit.max(limit);
    }

    /// A message that was sent is known not to have come, nor to come: its credit is free again.
    pub fn lost(&mut self) {
        self.sent = self.sent.saturating_sub(1);
    }

    /// How many messages may be sent now.
    pub const fn left(&self) -> u64 {
        self.limit.saturating_sub(self.sent)
    }
}

/// What there is room for.
#[derive(Clone, Debug)]
pub struct CreditReceiver {
    settings: CreditSettings,
    received: u64,
    consumed: u64,
    /// The limit that was told last.
    told: u64,
}

impl CreditReceiver {
    /// One that is empty, and has told of a whole window.
    ///
    /// # Errors
    /// If a setting is out of the range that its description gives.
    pub fn new(settings: &CreditSettings) -> Result<Self, SettingError> {
        settings.check()?;
        Ok(Self { settings: *settings, received: 0, consumed: 0, told: u64::from(settings.window) })
    }

    /// A message has come: false if the sender had no credit for it. Then it is not counted, and is to be refused.
    pub fn received(&mut self) -> bool {
        let may = self.received < self.told;
        self.received += u64::from(may);
        may
    }

    /// One that has come is consumed, and leaves its room. The new limit, if the sender is to be told.
    pub fn consumed(&mut self) -> Option<u64> {
        self.consumed = (self.consumed + 1).min(self.received);
        let limit = self.consumed + u64::from(self.settings.window);
        if limit - self.told < u64::from(self.settings.batch) {
            return None;
        }
        self.told = limit;
        Some(limit)
    }

    /// The limit that was told last, for saying so again.
    pub const fn limit(&self) -> u64 {
        self.told
    }

    /// How many messages have come and are not consumed.
    pub const fn waiting(&self) -> u64 {
        self.received - self.consumed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Over a channel that keeps messages in order, and one that loses, repeats and reorders limits: never more wait than there is room
        /// for, nothing is refused, and where the last limit comes, nothing stands still.
        #[test]
        fn nothing_overflows_and_nothing_stands_still(
            window in 1_u32..6, batch in 1_u32..6, steps in proptest::collection::vec((0_u8..5, any::<u8>()), 0..200),
        ) {
            let settings = CreditSettings { window, batch: batch.min(window) };
            let (mut sender, mut receiver) = (CreditSender::new(&settings).unwrap(), CreditReceiver::new(&settings).unwrap());
            let (mut under_way, mut limits) = (0_u32, VecDeque::new());
            for (step, pick) in steps {
                match step {
                    0 | 1 => under_way += u32::from(sender.try_send()),
                    2 if under_way > 0 => {
                        under_way -= 1;
                        prop_assert!(receiver.received());
                    }
                    3 if receiver.waiting() > 0 => limits.extend(receiver.consumed()),
                    4 if !limits.is_empty() => {
                        let limit = limits[pick as usize % limits.len()];
                        match pick / 64 {
                            0 => limits.retain(|other| *other != limit),
                            _ => sender.granted(limit),
                        }
                    }
                    _ => {}
                }
                prop_assert!(receiver.waiting() + u64::from(under_way) + sender.left() <= u64::from(window));
            }
            while under_way > 0 {
                under_way -= 1;
                prop_assert!(receiver.received());
            }
            while receiver.waiting() > 0 {
                receiver.consumed();
            }
            sender.granted(receiver.limit());
            prop_assert!(sender.left() > u64::from(window - settings.batch), "all is consumed, and less than a batch was not told");
        }
    }

    #[test]
    fn a_sender_that_overruns_is_refused() {
        let mut receiver = CreditReceiver::new(&CreditSettings { window: 1, batch: 1 }).unwrap();
        assert_eq!([receiver.received(), receiver.received()], [true, false]);
        assert_eq!(receiver.consumed(), Some(2));
        assert_eq!(receiver.consumed(), None, "there is none left to consume");
    }

    #[test]
    fn what_is_lost_gives_its_credit_back() {
        let mut sender = CreditSender::new(&CreditSettings { window: 1, batch: 1 }).unwrap();
        assert!(sender.try_send() && !sender.try_send());
        sender.lost();
        assert!(sender.try_send());
    }

    #[test]
    fn wrong_settings_say_what_is_wrong() {
        for (window, batch, setting) in [(0, 1, "window"), (2, 0, "batch"), (2, 3, "batch")] {
            assert_eq!(CreditReceiver::new(&CreditSettings { window, batch }).unwrap_err().setting, setting);
        }
    }
}
