//! A scatter plot as SVG for paper and light pages: points labelled directly, no legend, no colour that carries meaning
//! alone.

use crate::axis::Axis;
use crate::label::{Box2, Label, place_labels};
use crate::number::thousands;

/// A scatter plot.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What it shows.
    pub title: String,
    /// On what.
    pub subtitle: String,
    /// Horizontal axis and its unit.
    pub x_name: String,
    /// Vertical axis and its unit.
    pub y_name: String,
    /// The points.
    pub points: Vec<Point>,
}

/// A point and what stands beside it.
#[derive(Clone, Debug)]
pub struct Point {
    /// Horizontal value.
    pub x: f64,
    /// Vertical value.
    pub y: f64,
    /// First line of its label.
    pub name: String,
    /// Second line, smaller.
    pub note: String,
    /// Whether it is the one that the plot is about.
    pub stands_out: bool,
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 520.0;
/// Where points may lie; the axes' text is around it.
const FRAME: Box2 = Box2 { left: 92.0, top: 76.0, right: 776.0, bottom: 448.0 };
const RADIUS: f64 = 6.0;
const INK: &str = "#1b1f24";
const SOFT_INK: &str = "#57606a";
const GRID: &str = "#e1e4e8";
const ACCENT: &str = "#b3261e";
const PLAIN: &str = "#3b6ea5";

/// The plot as a complete SVG document.
pub fn render(plot: &Plot) -> String {
    let (x_axis, y_axis) = axes(&plot.points);
    let at = |point: &Point| (across(x_axis.share(point.x)), up(y_axis.share(point.y)));
    let places: Vec<(f64, f64)> = plot.points.iter().map(at).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    svg += &text(FRAME.left, 32.0, "start", 18, INK, true, &plot.title);
    svg += &text(FRAME.left, 54.0, "start", 13, SOFT_INK, false, &plot.subtitle);
    svg += &grid(&x_axis, &y_axis);
    svg += &text((FRAME.left + FRAME.right) / 2.0, HEIGHT - 22.0, "middle", 14, INK, false, &plot.x_name);
    let middle = (FRAME.top + FRAME.bottom) / 2.0;
    svg += &format!("<g transform=\"translate(24 {middle:.1}) rotate(-90)\">\n");
    svg += &text(0.0, 0.0, "middle", 14, INK, false, &plot.y_name);
    svg += "</g>\n";
    svg += &points(&plot.points, &places);
    svg + "</svg>\n"
}

/// Speed from 0, since it is read as a ratio; accuracy only where the points are, since its differences are small.
fn axes(points: &[Point]) -> (Axis, Axis) {
    let x_high = points.iter().map(|point| point.x).fold(0.0, f64::max);
    let y_low = points.iter().map(|point| point.y).fold(f64::INFINITY, f64::min);
    let y_high = points.iter().map(|point| point.y).fold(f64::NEG_INFINITY, f64::max);
    let (y_low, y_high) = if points.is_empty() { (0.0, 1.0) } else { (y_low, y_high) };
    let room = (y_high - y_low) * 0.08;
    // Room on the right for a label.
    (Axis::covering(0.0, x_high.max(1.0) * 1.08, 6), Axis::covering(y_low - room, y_high + room, 5))
}

fn across(share: f64) -> f64 {
    FRAME.left + share * (FRAME.right - FRAME.left)
}

fn up(share: f64) -> f64 {
    FRAME.bottom - share * (FRAME.bottom - FRAME.top)
}

fn grid(x_axis: &Axis, y_axis: &Axis) -> String {
    let Box2 { left, top, right, bottom } = FRAME;
    let mut svg = String::new();
    for &tick in &x_axis.ticks {
        let x = across(x_axis.share(tick));
        svg += &line((x, top), (x, bottom), GRID);
        let number = thousands(tick);
        let number = if x_axis.decimals == 0 { number } else { format!("{tick:.*}", x_axis.decimals) };
        svg += &text(x, bottom + 20.0, "middle", 12, SOFT_INK, false, &number);
    }
    for &tick in &y_axis.ticks {
        let y = up(y_axis.share(tick));
        svg += &line((left, y), (right, y), GRID);
        svg += &text(left - 8.0, y + 4.0, "end", 12, SOFT_INK, false, &format!("{tick:.*}", y_axis.decimals));
    }
    svg + &line((left, bottom), (right, bottom), SOFT_INK) + &line((left, top), (left, bottom), SOFT_INK)
}

fn points(points: &[Point], places: &[(f64, f64)]) -> String {
    let labels: Vec<Label> =
        points.iter().map(|point| Label { name: point.name.clone(), note: point.note.clone() }).collect();
    let mut svg = String::new();
    for ((point, &(x, y)), label) in points.iter().zip(places).zip(place_labels(&labels, places, RADIUS, FRAME)) {
        let colour = if point.stands_out { ACCENT } else { PLAIN };
        // A ring for the others, so that the difference survives a black-and-white printer.
        let fill = if point.stands_out { ACCENT } else { "#ffffff" };
        svg += &format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"2.5\"/>\n"
        );
        svg += &text(label.x, label.first_line, label.anchor, 14, colour, true, &point.name);
        svg += &text(label.x, label.second_line, label.anchor, 12, SOFT_INK, false, &point.note);
    }
    svg
}

fn line((x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>\n")
}

fn text(x: f64, y: f64, anchor: &str, size: u32, colour: &str, bold: bool, words: &str) -> String {
    let weight = if bold { " font-weight=\"600\"" } else { "" };
    let words = escaped(words);
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{colour}\"{weight}>{words}</text>\n"
    )
}

/// File names may hold anything; XML text may not.
fn escaped(words: &str) -> String {
    let legal = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    legal.collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
