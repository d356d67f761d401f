//! What measures a run.

use super::readings::Readings;
use crate::base::Time;
use crate::trace::{Record, Vocabulary};

/// It sees every record of a run, and tells how much there is of what it measures whenever it is asked. It changes nothing: a run has the
/// same digest with and without it.
///
/// ```
/// use stormglass::base::{Metric, Time};
/// use stormglass::metrics::{Probe, Readings};
/// use stormglass::trace::{Event, Record, Vocabulary};
///
/// const CRASHES: Metric = Metric::counter("all_crashes", "", "Crashes, of any node.");
///
/// #[derive(Default)]
/// struct Crashes(u64);
///
/// impl<V: Vocabulary> Probe<V> for Crashes {
///     fn look(&mut self, record: &Record<'_, V>) {
///         self.0 += u64::from(matches!(record.event, Event::Crash { .. }));
///     }
///
///     fn tell(&mut self, _: Time, readings: &mut Readings) {
///         readings.total(&CRASHES, None, &[], self.0);
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not measure runs of `{V}`",
    label = "this is no probe of such runs",
    note = "implement `Probe<{V}> for {Self}`: `look` sees each record, and `tell` says how much there is now"
)]
pub trait Probe<V: Vocabulary> {
    /// Sees one record.
    fn look(&mut self, record: &Record<'_, V>);

    /// Tells how much there is now, after all that has happened up to this time.
    fn tell(&mut self, at: Time, readings: &mut Readings);
}
