//! What a judge of a run is.

use super::table::Table;
use super::{Event, Record, Sorts, Vocabulary};
use crate::base::{Measure, NodeId, Time};
use crate::check::PropertyReport;
use crate::check::linearizability::Online;
use crate::check::model::Model;
use crate::history;

/// An incremental observer of a run: it sees every record that it wants once, in order, keeps what it needs, and reports on its properties
/// at the end. One judge may report on several properties that share what they know.
///
/// ```
/// use stormglass::check::{Property, PropertyReport, Rule, Violations};
/// use stormglass::trace::{Event, Judge, Record, Sort, Sorts, Vocabulary};
///
/// const NO_CRASH: Property = Property::always("no-crash", "no node crashes");
/// static CRASHED: Rule = Rule::new("crashed", "{node} crashed");
///
/// #[derive(Default)]
/// struct NoCrash(Violations);
///
/// impl<V: Vocabulary> Judge<V> for NoCrash {
///     fn observe(&mut self, record: &Record<'_, V>) {
///         if let Event::Crash { node, .. } = record.event {
///             self.0.add(&NO_CRASH, record.sighting(), CRASHED.with("node", *node));
///         }
///     }
///
///     fn wants(&self) -> Sorts {
///         Sorts::of(&[Sort::Crash])
///     }
///
///     fn reports(&self) -> Vec<PropertyReport> {
///         self.0.reports(&[NO_CRASH])
///     }
/// }
/// # fn judges<V: Vocabulary>() -> Vec<Box<dyn Judge<V>>> { vec![Box::new(NoCrash::default())] }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not judge runs of `{V}`",
    label = "this is no judge of such runs",
    note = "implement `Judge<{V}> for {Self}`, or for any `V: Vocabulary` if it judges every system"
)]
pub trait Judge<V: Vocabulary> {
    /// Sees one record.
    fn observe(&mut self, record: &Record<'_, V>);

    /// Which records it must see: of the others it may be shown some, all or none, and must do nothing about them. It is asked once, before
    /// the run. By default it sees all; a run is faster if none of its judges wants what there is most of, such as timers.
    fn wants(&self) -> Sorts {
        Sorts::ALL
    }

    /// Whether something it watches is violated already, whatever comes. A run that is to stop at the first violation asks this after each
    /// record. By default a judge says so only at the end.
    fn violated(&self) -> bool {
        false
    }

    /// Whether it is to be told what processes measure themselves. Only then is it collected.
    fn collects(&self) -> bool {
        false
    }

    /// A process on this node has measured something, if it [collects](Self::collects) that.
    fn measure(&mut self, at: Time, node: NodeId, measure: &Measure) {
        let _ = (at, node, measure);
    }

    /// The run is over, at this time. Nothing is observed after that.
    fn finish(&mut self, at: Time) {
        let _ = at;
    }

    /// Reports on each of its properties, always the same ones in the same order.
    fn reports(&self) -> Vec<PropertyReport>;

    /// What it measured besides: neither good nor bad. Tables of one title have the same columns in every run, so that a sweep can show
    /// medians.
    fn tables(&self) -> Vec<Table> {
        Vec::new()
    }
}

/// Linearizability, while the run goes on: each record tells that time does.
impl<M, V> Judge<V> for Online<M>
where
    M: Model<Op: Clone, Ret: Clone>,
    V: Vocabulary<Client = history::Event<M::Op, M::Ret>>,
{
    fn observe(&mut self, record: &Record<'_, V>) {
        self.advance(record.at);
        if let Event::Client { event, .. } = record.event {
            // Notes that make no history are the world's to complain of.
            let _ = match event {
                history::Event::Invoke { client, op, .. } => self.invoke(record.at, *client, op.clone()),
                history::Event::Complete { client, outcome } => self.complete(record.at, *client, outcome.clone()),
                // Until the run is over, the operation may have taken effect or not.
                history::Event::Recover { .. } => Ok(()),
            };
        }
    }

    fn violated(&self) -> bool {
        self.violation().is_some()
    }

    fn reports(&self) -> Vec<PropertyReport> {
        self.report().into_iter().collect()
    }
}
