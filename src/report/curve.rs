//! How figures go with the values of a scenario: as a table, as CSV, as a drawing.

use plotters::prelude::*;

use super::paint::Paint;
use super::text::table_text;
use super::words::{clean, counted};
use crate::explore::why::Share;
use crate::explore::{Axis, Bracket, CONFIDENCE, Figure, Thresholds, Tick, Unit, WITHIN, interval};
use crate::trace::{Cell, Table};

/// Figures over values.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// What was run.
    pub title: String,
    /// The path of each value that was varied.
    pub paths: Vec<String>,
    /// What came of each value, or pair of values: those of one curve one after the other.
    pub points: Vec<CurvePoint>,
    /// The values along the curve,
    pub axis: Axis,
    /// and whether each is so many times the one before.
    pub geometric: bool,
}

/// What came of the seeds at one value.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint {
    /// The value on each axis.
    ticks: Vec<Tick>,
    /// How many seeds ran to an end.
    seeds: u64,
    /// In how many of them a property was violated.
    violated: u64,
    figures: Vec<Spread>,
}

/// A figure over seeds.
#[derive(Clone, Debug, PartialEq)]
struct Spread {
    name: String,
    unit: Unit,
    mean: f64,
    /// Half the width of the interval of the mean.
    half: f64,
    least: f64,
    most: f64,
}

impl CurvePoint {
    /// What comes of the figures of each seed at these values.
    pub fn new(ticks: Vec<Tick>, seeds: &[Vec<Figure>], violated: u64) -> Self {
        let mut known: Vec<(&Figure, Vec<f64>)> = Vec::new();
        for figure in seeds.iter().flatten() {
            match known.iter_mut().find(|(first, _)| first.name == figure.name) {
                Some((_, values)) => values.push(figure.value),
                None => known.push((figure, vec![figure.value])),
            }
        }
        let spread = |(figure, values): (&Figure, Vec<f64>)| {
            let (mean, half) = interval(&values, 1.0 - CONFIDENCE);
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Spread { name: figure.name.clone(), unit: figure.unit, mean, half, least, most }
        };
        Self { ticks, seeds: seeds.len() as u64, violated, figures: known.into_iter().map(spread).collect() }
    }

    fn spread(&self, name: &str) -> Option<&Spread> {
        self.figures.iter().find(|spread| spread.name == name)
    }
}

impl Curve {
    /// The names of all figures, in their order.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for spread in self.points.iter().flat_map(|point| &point.figures) {
            if !names.contains(&spread.name.as_str()) {
                names.push(&spread.name);
            }
        }
        names
    }

    /// Those that are told where none is asked for: what was completed, and the first lengths that were measured.
    pub fn usual(&self) -> Vec<String> {
        let lengths = self.points.iter().flat_map(|point| &point.figures).filter(|spread| spread.unit == Unit::Length);
        let mut names = vec!["operations/completed".to_owned()];
        for spread in lengths.filter(|spread| !spread.name.starts_with("run/")) {
            if names.len() < 4 && !names.contains(&spread.name) {
                names.push(spread.name.clone());
            }
        }
        names
    }

    /// The curves: of each the value that it has on the second axis, if there is one, and its points.
    fn curves(&self) -> Vec<(Option<&Tick>, Vec<&CurvePoint>)> {
        let mut curves: Vec<(Option<&Tick>, Vec<&CurvePoint>)> = Vec::new();
        for point in &self.points {
            let of = point.ticks.get(1);
            match curves.iter_mut().find(|(known, _)| *known == of) {
                Some((_, points)) => points.push(point),
                None => curves.push((of, vec![point])),
            }
        }
        curves
    }
}

/// A table for each figure: a row for each value.
pub fn curve_text(curve: &Curve, wanted: &[String], color: bool) -> String {
    let (paint, mut text) = (Paint(color), String::new());
    for name in wanted {
        let mut table =
            Table::new(format!("{} · over {}", clean(name), curve.paths.join(", ")), &["mean", "± (95 %)", "least", "most", "violated"]);
        for point in &curve.points {
            let row = point.ticks.iter().map(|tick| tick.text.as_str()).collect::<Vec<_>>().join(" · ");
            let violated = if point.violated == 0 { Cell::Empty } else { Cell::Text(format!("{} of {}", point.violated, point.seeds)) };
            let cells = match point.spread(name) {
                None => vec![Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, violated],
                Some(Spread { unit, mean, half, least, most, .. }) => {
                    let words = |value: f64| Cell::Text(unit.words(value));
                    let half = if half.is_finite() { words(*half) } else { Cell::Empty };
                    vec![words(*mean), half, words(*least), words(*most), violated]
                }
            };
            table.row(row, cells);
        }
        text += &format!("{}\n", table_text(&table, "", paint));
    }
    let seeds = curve.points.iter().map(|point| point.seeds).max().unwrap_or_default();
    text + &paint.faint(&format!("  {} with {} each\n", counted(curve.points.len() as u64, "value"), counted(seeds, "seed")))
}

/// All figures: a line for each value. Lengths are in nanoseconds.
pub fn curve_csv(curve: &Curve) -> String {
    let names = curve.names();
    let mut header: Vec<String> = curve.paths.clone();
    header.extend(["seeds", "violated"].map(str::to_owned));
    for name in &names {
        header.extend(["mean", "half_width", "least", "most"].map(|what| format!("{name} {what}")));
    }
    let mut csv = csv::Writer::from_writer(Vec::new());
    let rows = curve.points.iter().map(|point| {
        let mut row: Vec<String> = point.ticks.iter().map(|tick| tick.text.clone()).collect();
        row.extend([point.seeds, point.violated].map(|count| count.to_string()));
        for name in &names {
            let values = point.spread(name).map(|spread| [spread.mean, spread.half, spread.least, spread.most]);
            let text = |value: f64| if value.is_finite() { value.to_string() } else { String::new() };
            row.extend(values.map_or_else(|| [const { String::new() }; 4], |values| values.map(text)));
        }
        row
    });
    for row in [header].into_iter().chain(rows) {
        csv.write_record(&row).expect("a vector takes all that is written");
    }
    String::from_utf8(csv.into_inner().expect("a vector takes all that is written")).expect("texts were written")
}

/// The size of a drawing of one figure.
const SIZE: (u32, u32) = (760, 320);
/// One colour for each curve; they are told apart by people who see few colours, too (Okabe and Ito, 2008).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

/// A drawing of these figures, one below the other: a line of means, and a band from the least to the most of all seeds.
pub fn curve_svg(curve: &Curve, wanted: &[String]) -> String {
    let mut text = String::new();
    let count = wanted.len().max(1) as u32;
    {
        let root = SVGBackend::with_string(&mut text, (SIZE.0, SIZE.1 * count)).into_drawing_area();
        let drawn = root
            .fill(&WHITE)
            .and_then(|()| root.split_evenly((count as usize, 1)).iter().zip(wanted).try_for_each(|(area, name)| draw(curve, name, area)));
        drawn.and_then(|()| root.present()).expect("a text takes all that is drawn");
    }
    text
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw<'a>(curve: &Curve, name: &str, area: &Area<'a>) -> Drawn<'a> {
    // Where steps grow by a factor, places do by a number.
    let place = |tick: &Tick| if curve.geometric && tick.at > 0.0 { libm::log10(tick.at) } else { tick.at };
    let points: Vec<(f64, &Spread)> = curve.points.iter().filter_map(|point| Some((place(&point.ticks[0]), point.spread(name)?))).collect();
    let Some((_, first)) = points.first() else { return Ok(()) };
    let unit = first.unit;
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (left, right) = range(&mut points.iter().map(|(at, _)| *at));
    let (low, high) = range(&mut points.iter().flat_map(|(_, spread)| [spread.least, spread.most]));
    // What is never below zero is drawn from zero on; and a curve that is flat has some room.
    let low = if low >= 0.0 { 0.0 } else { low };
    let (right, high) = (if right > left { right } else { left + 1.0 }, if high > low { high * 1.05 } else { low + 1.0 });
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(name, ("sans-serif", 16))
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(left..right, low..high)?;
    let label = |at: &f64| curve.axis.at(if curve.geometric { libm::pow(10.0, *at) } else { *at }).text;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(&curve.paths[0])
        .x_labels(points.len().min(9))
        .x_label_formatter(&label)
        .y_label_formatter(&|value| unit.words(*value))
        .draw()?;
    let curves = curve.curves();
    for ((of, points), color) in curves.iter().zip(COLORS.iter().cycle()) {
        let at: Vec<(f64, &Spread)> = points.iter().filter_map(|point| Some((place(&point.ticks[0]), point.spread(name)?))).collect();
        let outline: Vec<(f64, f64)> =
            at.iter().map(|(at, spread)| (*at, spread.most)).chain(at.iter().rev().map(|(at, spread)| (*at, spread.least))).collect();
        chart.draw_series([Polygon::new(outline, color.mix(0.18).filled())])?;
        let line = chart.draw_series(LineSeries::new(at.iter().map(|(at, spread)| (*at, spread.mean)), color.stroke_width(2)))?;
        if let Some(of) = of {
            let color = *color;
            line.label(of.text.clone()).legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
        }
    }
    if curves.len() > 1 {
        chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(TRANSPARENT).draw()?;
    }
    Ok(())
}

/// Where a property stops to hold.
pub fn thresholds_text(found: &Thresholds, (path, property): (&str, &str), color: bool) -> String {
    let paint = Paint(color);
    let Thresholds { all, none, tried } = found;
    let mut table = Table::new(format!("{property} · over {path}"), &["holds in", "chance to hold (95 %)"]);
    for (Tick { text, .. }, share) in tried {
        let (low, high) = share.interval();
        let chance = format!("{:.1} % to {:.1} %", low * 100.0, high * 100.0);
        table.row(text.clone(), vec![Cell::Text(format!("{} of {}", share.failed, share.of)), Cell::Text(chance)]);
    }
    let told = |bracket: &Option<Bracket>, still: &str, no_more: &str, otherwise: &str| match bracket {
        Some(Bracket { still: (one, _), no_more: (other, _) }) => {
            format!("  {} up to {}, {} at {}\n", still, paint.strong(&one.text), no_more, paint.strong(&other.text))
        }
        None => format!("  {otherwise}\n"),
    };
    let ends: Vec<Share> = tried.first().into_iter().chain(tried.last()).map(|(_, share)| *share).collect();
    let everywhere = |is_so: fn(&Share) -> bool| ends.iter().all(is_so);
    let no_all = if everywhere(|share| share.failed == share.of) {
        "it holds in all seeds at both ends"
    } else {
        "at neither end does it hold in all seeds"
    };
    let no_none =
        if everywhere(|share| share.failed == 0) { "it holds in no seed at either end" } else { "at both ends it holds in some seeds" };
    let mut text = format!("{}\n", table_text(&table, "", paint));
    text += &told(all, "all seeds hold", "not all do", no_all);
    text += &told(none, "some seeds hold", "none does", no_none);
    text + &paint.faint(&format!(
        "  found by bisection, each within {} %; it is taken to hold ever less often from one end to the other\n",
        WITHIN * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::Better;

    fn curve() -> Curve {
        let figure = |name: &str, value: f64, unit| Figure { name: name.to_owned(), value, unit, better: Better::Less };
        let point = |place: u32, of: &str| {
            let seeds: Vec<Vec<Figure>> = (0..3)
                .map(|seed| {
                    let value = f64::from(place * 10 + seed);
                    vec![figure("operations/completed", value, Unit::Count), figure("requests, of all/mean", value * 1e6, Unit::Length)]
                })
                .collect();
            let tick = |text: String, at| Tick { text, at };
            CurvePoint::new(vec![tick(format!("{place}/s"), f64::from(place)), tick(of.to_owned(), 0.0)], &seeds, u64::from(place == 3))
        };
        let points = ["one", "other"].into_iter().flat_map(|of| (1..=3).map(move |place| point(place, of))).collect();
        Curve {
            title: "file.ron".to_owned(),
            paths: vec!["rate".to_owned(), "balance".to_owned()],
            points,
            axis: "1/s..3/s".parse().expect("an axis"),
            geometric: false,
        }
    }

    #[test]
    fn a_table_has_a_row_for_each_value() {
        let curve = curve();
        let text = curve_text(&curve, &curve.usual(), false);
        let row = text.lines().find(|line| line.contains("3/s · one")).unwrap_or_else(|| panic!("{text}"));
        let words: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(words, ["3/s", "·", "one", "31", "2.48", "30", "32", "1", "of", "3"], "{text}");
        assert!(text.contains("31ms") && text.ends_with("6 values with 3 seeds each\n"), "{text}");
    }

    #[test]
    fn csv_is_read_back() {
        let text = curve_csv(&curve());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().unwrap().get(8), Some("requests, of all/mean mean"), "{text}");
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), rows[0].get(0), rows[0].get(4)), (6, Some("1/s"), Some("11")), "{text}");
    }

    #[test]
    fn a_drawing_has_each_curve_and_is_xml() {
        let curve = curve();
        let svg = curve_svg(&curve, &curve.usual());
        let parsed = roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
        let count = |name: &str| parsed.descendants().filter(|node| node.has_tag_name(name)).count();
        assert_eq!(count("polygon"), 4, "a band for each of two curves, of two figures");
        assert!(svg.contains("other") && svg.contains("requests, of all/mean"), "{svg}");
    }

    #[test]
    fn thresholds_are_told_with_all_that_was_tried() {
        let tick = |at: f64| Tick { text: format!("{at}/s"), at };
        let (some, all, none) = (Share { failed: 3, of: 40 }, Share { failed: 40, of: 40 }, Share { failed: 0, of: 40 });
        let bracket =
            |one: (f64, Share), other: (f64, Share)| Some(Bracket { still: (tick(one.0), one.1), no_more: (tick(other.0), other.1) });
        let tried = vec![(tick(10.0), all), (tick(100.0), all), (tick(104.0), some), (tick(200.0), some), (tick(208.0), none)];
        let found = Thresholds { all: bracket((100.0, all), (104.0, some)), none: bracket((200.0, some), (208.0, none)), tried };
        let text = thresholds_text(&found, ("rate", "recovers"), false);
        assert!(text.contains("all seeds hold up to 100/s, not all do at 104/s"), "{text}");
        assert!(text.contains("some seeds hold up to 200/s, none does at 208/s"), "{text}");
        assert!(text.contains("91.2 % to 100.0 %"), "the interval of 40 of 40: {text}");
    }
}
