//! Small charts, drawn on the server as SVG.
//!
//! Each says in its title what it shows, so that nobody needs to see it. A gap in the numbers is a
//! gap in the line; the axis begins at 0, so that heights can be compared.

use std::fmt::Write as _;

use crate::trends::{POINTS, STEP_SECONDS, Series};

const WIDTH: usize = POINTS;
const HEIGHT: f64 = 40.0;
/// Room for the line's own width at the top and bottom.
const MARGIN: f64 = 1.5;
/// Points of a row in the table of numbers: a minute.
const ROW_POINTS: usize = (60 / STEP_SECONDS) as usize;

/// A line over the last 15 minutes. `write` gives a number its unit.
pub(crate) fn line(series: &Series, title: &str, write: fn(f64) -> String) -> String {
    let summary = summary(series, write);
    let mut svg = String::with_capacity(2048);
    // Writing to a String can't fail.
    let _written = write_line(&mut svg, series, title, &summary).is_ok();
    svg
}

fn write_line(
    svg: &mut String,
    series: &Series,
    title: &str,
    summary: &str,
) -> Result<(), std::fmt::Error> {
    write!(
        svg,
        "<svg class=\"spark\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" \
         role=\"img\"><title>{}: {}</title>",
        escaped(title),
        escaped(summary)
    )?;
    let highest = known(series).reduce(f64::max).unwrap_or(0.0);
    // The newest point is at the right edge, however few there are.
    let first_x = POINTS - series.len();
    for run in runs(series) {
        let at = |n: usize, value: f64| {
            let share = if highest > 0.0 {
                (value / highest).max(0.0)
            } else {
                0.0
            };
            let y = HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
            ((first_x + n) as f64 + 0.5, y)
        };
        let points: Vec<(f64, f64)> = run.iter().map(|(n, v)| at(*n, *v)).collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else {
            continue;
        };
        let mut path = String::with_capacity(points.len() * 10);
        for (x, y) in &points {
            path.push('L');
            push_tenths(&mut path, *x);
            path.push(' ');
            push_tenths(&mut path, *y);
        }
        // A single point is drawn as a dash, or it would not be seen.
        if points.len() == 1 {
            write!(path, "h1")?;
        }
        let path = path.replacen('L', "M", 1);
        let end = last.0.max(first.0 + 1.0);
        write!(
            svg,
            "<path class=\"area\" d=\"{path}L{end:.1} {HEIGHT}L{:.1} {HEIGHT}Z\"/>\
             <path class=\"line\" d=\"{path}\" vector-effect=\"non-scaling-stroke\"/>",
            first.0
        )?;
    }
    svg.push_str("</svg>");
    Ok(())
}

/// Writes a coordinate, which is not negative, with one digit behind the point. What the standard
/// library does for that is exact to the last bit, and was most of a page with charts.
fn push_tenths(path: &mut String, value: f64) {
    let tenths = (value * 10.0).round_ties_even() as u32;
    let mut digits = [b'.'; 11];
    let mut at = digits.len() - 1;
    digits[at] = b'0' + (tenths % 10) as u8;
    // The point is there already.
    at -= 1;
    let mut rest = tenths / 10;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    path.extend(digits[at..].iter().map(|digit| char::from(*digit)));
}

/// The chart in a sentence.
pub(crate) fn summary(series: &Series, write: fn(f64) -> String) -> String {
    let Some((lowest, highest)) = known(series).fold(None, |range: Option<(f64, f64)>, v| {
        let (low, high) = range.unwrap_or((v, v));
        Some((low.min(v), high.max(v)))
    }) else {
        return "not known yet".to_owned();
    };
    let now = series.last().map_or_else(|| "not known".to_owned(), write);
    let minutes = (series.len() as u64 * STEP_SECONDS).div_ceil(60);
    let over = if minutes <= 1 {
        "in the last minute".to_owned()
    } else {
        format!("in the last {minutes} minutes")
    };
    format!(
        "now {now}; between {} and {} {over}",
        write(lowest),
        write(highest)
    )
}

/// The highest known point, as the label of the axis.
pub(crate) fn highest(series: &Series, write: fn(f64) -> String) -> Option<String> {
    known(series).reduce(f64::max).map(write)
}

/// Means of whole minutes, newest first: the numbers behind a chart, for its table.
pub(crate) fn minutes(series: &Series) -> Vec<(usize, Option<f64>)> {
    let all: Vec<Option<f64>> = series.points().rev().collect();
    let mean = |chunk: &[Option<f64>]| {
        let known: Vec<f64> = chunk.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    all.chunks(ROW_POINTS).map(mean).enumerate().collect()
}

/// A part of a whole in a bar.
pub(crate) struct Part {
    /// Class of its colour.
    pub(crate) class: &'static str,
    pub(crate) share: f64,
}

/// A bar of stacked parts; shares beyond 1 are cut off. `mark` draws a line across it.
pub(crate) fn bar(parts: &[Part], mark: Option<f64>, title: &str) -> String {
    let mut svg = String::with_capacity(256 + parts.len() * 64);
    let _written = write_bar(&mut svg, parts, mark, title).is_ok();
    svg
}

fn write_bar(
    svg: &mut String,
    parts: &[Part],
    mark: Option<f64>,
    title: &str,
) -> Result<(), std::fmt::Error> {
    write!(
        svg,
        "<svg class=\"bar\" viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\">\
         <title>{}</title>",
        escaped(title)
    )?;
    let mut x = 0.0_f64;
    for part in parts.iter().filter(|p| p.share > 0.0) {
        let width = (part.share * 1000.0).min(1000.0 - x);
        write!(
            svg,
            "<rect class=\"{}\" x=\"{x:.1}\" y=\"0\" width=\"{width:.1}\" height=\"10\"/>",
            part.class
        )?;
        x += width;
    }
    if let Some(mark) = mark {
        let x = (mark * 1000.0).clamp(0.0, 998.0);
        write!(
            svg,
            "<rect class=\"mark\" x=\"{x:.1}\" y=\"0\" width=\"4\" height=\"10\"/>"
        )?;
    }
    svg.push_str("</svg>");
    Ok(())
}

/// Stretches without a gap, each with the numbers of its points.
fn runs(series: &Series) -> Vec<Vec<(usize, f64)>> {
    let mut runs = vec![Vec::new()];
    for (n, value) in series.points().enumerate() {
        match value {
            Some(value) => {
                if let Some(run) = runs.last_mut() {
                    run.push((n, value));
                }
            }
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn known(series: &Series) -> impl Iterator<Item = f64> {
    series.points().flatten()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests;
