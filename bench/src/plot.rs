//! The results as pictures: SVG without a background, in colours that can be read on white and on
//! black.

use anyhow::{Result, anyhow};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::chain::ALONE;
use crate::growth as series;
use crate::report::Report;
use crate::rounds::Sample;
use crate::statistics::Spread;

const INK: RGBColor = RGBColor(128, 128, 128);
const FAINT: RGBAColor = RGBAColor(128, 128, 128, 0.35);
const OURS: RGBColor = RGBColor(58, 140, 222);
const THEIRS: RGBColor = RGBColor(222, 125, 44);
const FONT: &str = "sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// What every chain adds to Envoy alone: a dot for the median, a line for the quartiles, on a
/// logarithmic scale.
///
/// # Errors
/// When the drawing fails.
pub fn chains(report: &Report) -> Result<String> {
    const ROW: i32 = 22;
    const LEFT: i32 = 170;
    const WIDTH: i32 = 700;
    let mut added = Vec::new();
    if let Some(comparison) = &report.comparison {
        let cpu = |sample: &Sample| sample.cpu_us;
        let alone = comparison
            .samples(ALONE)
            .map(|it| it.each(cpu))
            .unwrap_or_default();
        for chain in comparison.chains.iter().filter(|it| it.name != ALONE) {
            if let Some(spread) = Spread::of_differences(&chain.samples.each(cpu), &alone) {
                added.push((chain.name.clone(), spread));
            }
        }
    }
    let height = ROW * (i32::try_from(added.len())? + 3);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH.unsigned_abs(), height.unsigned_abs()))
            .into_drawing_area();
        // 1 us to 3000 us.
        let x = |us: f64| LEFT + (us.max(1.0).log10() / 3.5 * f64::from(WIDTH - LEFT - 70)) as i32;
        text(
            &area,
            (4, 4),
            HPos::Left,
            "added to Envoy alone, microseconds of processor time a request",
        )?;
        for (us, label) in [(1.0, "1"), (10.0, "10"), (100.0, "100"), (1000.0, "1000")] {
            line(&area, (x(us), ROW), (x(us), height - ROW), FAINT)?;
            text(&area, (x(us), height - ROW + 4), HPos::Center, label)?;
        }
        for (row, (name, spread)) in (1..).zip(&added) {
            let y = row * ROW + ROW / 2;
            let colour = if name.starts_with("jwt") || name == "nothing" {
                THEIRS
            } else {
                OURS
            };
            text(&area, (LEFT - 10, y - 8), HPos::Right, name)?;
            line(
                &area,
                (x(spread.low), y),
                (x(spread.high), y),
                colour.mix(1.0),
            )?;
            let dot = Circle::new((x(spread.median), y), 4, colour.filled());
            area.draw(&dot).map_err(|error| anyhow!("{error}"))?;
            text(
                &area,
                (x(spread.high) + 10, y - 8),
                HPos::Left,
                &format!("{:.1}", spread.median),
            )?;
        }
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(svg)
}

/// A panel for each series: what the filter adds, over what grows.
///
/// # Errors
/// When the drawing fails.
pub fn growth(report: &Report) -> Result<String> {
    const WIDTH: i32 = 233;
    const HEIGHT: i32 = 160;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(
            &mut svg,
            (3 * WIDTH.unsigned_abs(), 2 * HEIGHT.unsigned_abs()),
        )
        .into_drawing_area();
        for (number, named) in (0..).zip(series::ALL) {
            let Some(series) = report.growth.iter().find(|it| it.name == named.name) else {
                continue;
            };
            let (left, top) = (number % 3 * WIDTH, number / 3 * HEIGHT);
            text(&area, (left + 10, top + 4), HPos::Left, named.name)?;
            let most = series
                .points
                .iter()
                .map(|it| it.added_us.high)
                .fold(1.0, f64::max);
            let last = i32::try_from(series.points.len())?.max(2) - 1;
            let place = |index: i32, us: f64| {
                let x = left + 25 + index * (WIDTH - 65) / last;
                (
                    x,
                    top + HEIGHT - 30 - (us.max(0.0) / most * f64::from(HEIGHT - 75)) as i32,
                )
            };
            line(&area, place(0, 0.0), place(last, 0.0), FAINT)?;
            let mut before = None;
            for (index, point) in (0..).zip(&series.points) {
                let here = place(index, point.added_us.median);
                if let Some(before) = before {
                    line(&area, before, here, OURS.mix(1.0))?;
                }
                before = Some(here);
                line(
                    &area,
                    place(index, point.added_us.low),
                    place(index, point.added_us.high),
                    OURS.mix(1.0),
                )?;
                let dot = Circle::new(here, 3, OURS.filled());
                area.draw(&dot).map_err(|error| anyhow!("{error}"))?;
                text(
                    &area,
                    (here.0, here.1 - 18),
                    HPos::Center,
                    &format!("{:.1}", point.added_us.median),
                )?;
                text(
                    &area,
                    (here.0, top + HEIGHT - 26),
                    HPos::Center,
                    &short(point.size),
                )?;
            }
        }
        area.present().map_err(|error| anyhow!("{error}"))?;
    }
    Ok(svg)
}

/// `100k` for 100 000.
fn short(size: u64) -> String {
    match size {
        1_000_000.. => format!("{}M", size / 1_000_000),
        1_000.. => format!("{}k", size / 1_000),
        _ => size.to_string(),
    }
}

fn line(area: &Area<'_>, from: (i32, i32), to: (i32, i32), colour: RGBAColor) -> Result<()> {
    let path = PathElement::new(vec![from, to], colour.stroke_width(2));
    area.draw(&path).map_err(|error| anyhow!("{error}"))
}

fn text(area: &Area<'_>, place: (i32, i32), anchor: HPos, text: &str) -> Result<()> {
    let style = TextStyle::from((FONT, 15).into_font())
        .color(&INK)
        .pos(Pos::new(anchor, VPos::Top));
    area.draw_text(text, &style, place)
        .map_err(|error| anyhow!("{error}"))
}
