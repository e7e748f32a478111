//! Two pictures for the document, drawn here: bars for what has a floor, and a line for the journal. No library: a
//! picture of this kind is some rectangles and words.

use crate::{journal::Point, row::Row};
use std::fmt::Write as _;

const HEAD: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" font-family=\"sans-serif\" font-size=\"12\"";

/// Each value as a multiple of its floor, on a logarithmic scale, with the bound as a mark.
pub(crate) fn ratios(rows: &[Row]) -> String {
    let bars: Vec<(&Row, f64)> = rows.iter().filter_map(|row| Some((row, row.ratio()?))).collect();
    let height = 40 + 24 * bars.len();
    let x = |ratio: f64| 170.0 + 90.0 * (ratio.max(0.05) / 0.05).log2();
    let mut svg = format!("{HEAD} viewBox=\"0 0 960 {height}\">\n<title>value ÷ floor</title>\n");
    let one = x(1.0);
    let _ = writeln!(
        svg,
        "<line x1=\"{one:.0}\" x2=\"{one:.0}\" y1=\"24\" y2=\"{height}\" stroke=\"#999\"/>\n<text x=\"{one:.0}\" y=\"16\" text-anchor=\"middle\">floor</text>"
    );
    for (at, (row, ratio)) in bars.iter().enumerate() {
        let y = 30 + 24 * at;
        let colour = match row.met() {
            Some(true) => "#2a7",
            Some(false) => "#c43",
            None => "#79b",
        };
        let width = (x(*ratio) - 170.0).max(1.0);
        let _ = writeln!(
            svg,
            "<text x=\"162\" y=\"{}\" text-anchor=\"end\">{}</text><rect x=\"170\" y=\"{y}\" width=\"{width:.0}\" height=\"16\" fill=\"{colour}\"/><text x=\"{:.0}\" y=\"{}\">{ratio:.2}</text>",
            y + 13,
            row.name,
            x(*ratio) + 6.0,
            y + 13
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Append and proof against the number of leaves; both axes are logarithmic.
pub(crate) fn journal(points: &[Point]) -> String {
    let x = |leaves: u64| 80.0 + 150.0 * ((leaves as f64).log10() - 3.0);
    let y = |us: f64| 260.0 - 70.0 * us.max(1.0).log10();
    let mut svg = format!("{HEAD} viewBox=\"0 0 640 300\">\n<title>journal</title>\n");
    for (power, label) in [(0, "1 µs"), (1, "10 µs"), (2, "100 µs"), (3, "1 ms")] {
        let at = y(10f64.powi(power));
        let _ = writeln!(
            svg,
            "<line x1=\"80\" x2=\"560\" y1=\"{at:.0}\" y2=\"{at:.0}\" stroke=\"#ddd\"/><text x=\"72\" y=\"{at:.0}\" text-anchor=\"end\">{label}</text>"
        );
    }
    type Pick = fn(&Point) -> f64;
    let lines: [(&str, &str, Pick); 2] =
        [("append", "#2a7", |p| p.append.p50_us()), ("proof", "#357", |p| p.proof.p50_us())];
    for (name, colour, pick) in lines {
        let at: Vec<(f64, f64)> = points.iter().map(|p| (x(p.leaves), y(pick(p)))).collect();
        let path: Vec<String> = at.iter().map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
        let (last_x, last_y) = at.last().copied().unwrap_or_default();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/><text x=\"{:.0}\" y=\"{last_y:.0}\" fill=\"{colour}\">{name}</text>",
            path.join(" "),
            last_x + 8.0
        );
    }
    for point in points {
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"285\" text-anchor=\"middle\">{}</text>",
            x(point.leaves),
            point.leaves
        );
    }
    svg.push_str("</svg>\n");
    svg
}
