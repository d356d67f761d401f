//! What a subtask holds for its stage, and what it makes of an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Rules;
use super::event::{END, Event, id_of_result, id_of_union};
use super::function::Fold;
use super::graph::{Does, Timeline};
use super::window::{Cells, Joined, as_list};

/// What a stage holds: that for which checkpoints are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// It holds nothing.
    #[default]
    Nothing,
    /// Windows.
    Windows(Cells),
    /// Of each key, what its values have come to.
    Totals(#[serde(with = "as_list")] BTreeMap<i64, Total>),
    /// Events that wait for their pairs.
    Pairs(Joined),
}

/// What the values of a key have come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Total {
    value: i64,
    weight: u32,
    told: u32,
}

/// When something comes to a stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    /// The watermark of what the stage is fed.
    pub(super) watermark: i64,
    /// What the clock of the node reads.
    pub(super) clock: i64,
    /// By which rules.
    pub(super) rules: &'a dyn Rules,
}

impl Moment<'_> {
    /// Up to when windows are closed.
    fn closes(&self, time: Timeline) -> i64 {
        match time {
            // All has come: whatever the clock says, nothing more will.
            _ if self.watermark == END => END,
            Timeline::Processing => self.clock,
            Timeline::Event => self.rules.closes_windows_by(self.watermark, self.clock),
        }
    }
}

impl State {
    /// That of a stage to which nothing has come.
    pub(super) fn of(does: &Does) -> Self {
        match does {
            Does::Window(_) => Self::Windows(Cells::default()),
            Does::Aggregate(_) => Self::Totals(BTreeMap::new()),
            Does::Join(_) => Self::Pairs(Joined::default()),
            Does::Source(_) | Does::Map(_) | Does::Filter(_) | Does::KeyBy(_) | Does::Union | Does::Sink(_) => Self::Nothing,
        }
    }

    /// How much it holds of which results are to come.
    pub(super) fn open(&self) -> usize {
        match self {
            Self::Windows(cells) => cells.len(),
            Self::Pairs(pairs) => pairs.len(),
            Self::Nothing | Self::Totals(_) => 0,
        }
    }

    /// Takes an event in that comes through this input; what is told at once goes to `out`.
    pub(super) fn take(
        &mut self,
        (stage, does): (usize, &Does),
        port: usize,
        event: Event,
        moment: &Moment<'_>,
        out: &mut impl FnMut(Event),
    ) {
        if event.late {
            // It stands for one that was late: no stage counts it again.
            return out(event);
        }
        match (does, self) {
            (Does::Source(_) | Does::Sink(_), _) => out(event),
            (Does::Map(function), _) => out(Event { value: function.of(event.key, event.value), ..event }),
            (Does::KeyBy(function), _) => out(Event { key: function.of(event.key, event.value), ..event }),
            (Does::Filter(keep), _) if keep.passes(event.key, event.value) => out(event),
            (Does::Union, _) => out(Event { id: id_of_union(stage, port, event.id), ..event }),
            (Does::Window(windowing), Self::Windows(cells)) => {
                let time = if windowing.time == Timeline::Processing { moment.clock.saturating_add(1) } else { event.time };
                cells.take(&Event { time, ..event }, moment.closes(windowing.time), stage, windowing, out);
            }
            (Does::Aggregate(fold), Self::Totals(totals)) => out(Total::add(totals, &event, fold, stage)),
            (Does::Join(size), Self::Pairs(pairs)) => {
                pairs.take(&event, port, moment.closes(Timeline::Event), stage, *size, out);
            }
            (Does::Filter(_) | Does::Window(_) | Does::Aggregate(_) | Does::Join(_), _) => {}
        }
    }

    /// The next result that is due.
    pub(super) fn due(&mut self, (stage, does): (usize, &Does), moment: &Moment<'_>) -> Option<Event> {
        match (does, self) {
            (Does::Window(windowing), Self::Windows(cells)) => cells.due(moment.closes(windowing.time), stage, windowing),
            (Does::Join(_), Self::Pairs(pairs)) => pairs.due(moment.closes(Timeline::Event), stage),
            _ => None,
        }
    }
}

impl Total {
    fn add(totals: &mut BTreeMap<i64, Self>, event: &Event, fold: &Fold, stage: usize) -> Event {
        let one = Self { value: fold.one(event.value), weight: event.weight, told: 0 };
        let total = totals.entry(event.key).and_modify(|total| {
            total.value = fold.both(total.value, one.value);
            total.weight = total.weight.saturating_add(one.weight);
            total.told += 1;
        });
        let Self { value, weight, told } = *total.or_insert(one);
        Event { id: id_of_result(stage, event.key, 0), value, weight, pane: told, ..*event }
    }
}
