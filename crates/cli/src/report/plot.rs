//! Plots as SVG text: lines with bands, and bars.

use std::fmt::Write as _;

/// The size of a plot in its own units; it is scaled to the width there is.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 270.0;
/// Room for labels around the area of the data.
const LEFT: f64 = 54.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;
/// Roughly how many numbers stand at an axis.
const TICKS: f64 = 5.0;

/// A line of a plot, in a colour of the style sheet.
pub struct Series {
    /// What the key says.
    pub name: &'static str,
    /// Number of the colour.
    pub colour: usize,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
    /// Lower and upper values around the line, at the same places, or nothing.
    pub band: Vec<(f64, f64)>,
}

/// Lines over two axes.
pub struct Plot {
    /// Below the horizontal axis.
    pub x_label: &'static str,
    /// Above the vertical axis.
    pub y_label: &'static str,
    /// The lines; those without points are left out.
    pub series: Vec<Series>,
}

impl Plot {
    /// The plot with its key; nothing if there are no points.
    pub fn to_svg(&self) -> String {
        let series: Vec<&Series> = self.series.iter().filter(|series| !series.points.is_empty()).collect();
        let xs = || series.iter().flat_map(|series| series.points.iter().map(|&(x, _)| x));
        let ys = series.iter().flat_map(|s| s.points.iter().map(|&(_, y)| y).chain(s.band.iter().map(|&(_, y)| y)));
        let (x_min, x_max) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
        let y_max = ys.fold(0.0, f64::max);
        if x_min > x_max {
            return "<p class=\"dim\">No data.</p>".into();
        }
        let frame = Frame { x_min, x_max: x_max.max(x_min + 1.0), y_max: if y_max > 0.0 { y_max * 1.05 } else { 1.0 } };
        let mut svg = key(&series);
        // Writing to a String can't fail.
        let _ = write!(
            svg,
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{} by {}\">",
            self.y_label, self.x_label
        );
        frame.axes(self.x_label, self.y_label, &mut svg);
        for series in series {
            frame.series(series, &mut svg);
        }
        svg + "</svg>"
    }
}

fn key(series: &[&Series]) -> String {
    if series.len() < 2 {
        return String::new();
    }
    let item = |series: &&Series| {
        format!("<span><i style=\"background:var(--c{})\"></i>{}</span>", series.colour, series.name)
    };
    format!("<div class=\"key\">{}</div>", series.iter().map(item).collect::<String>())
}

/// Bars with a label below and a text above each; values from 0.
pub fn bars(y_label: &str, bars: &[(String, f64, String)]) -> String {
    let y_max = bars.iter().map(|(_, value, _)| *value).fold(0.0, f64::max);
    let frame = Frame { x_min: 0.0, x_max: bars.len() as f64, y_max: if y_max > 0.0 { y_max * 1.1 } else { 1.0 } };
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{y_label}\">");
    frame.y_axis(y_label, &mut svg);
    for (number, (label, value, text)) in bars.iter().enumerate() {
        let (left, right, top) = (frame.x(number as f64 + 0.12), frame.x(number as f64 + 0.88), frame.y(*value));
        let (middle, bottom) = ((left + right) / 2.0, HEIGHT - BOTTOM);
        let _ = write!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"var(--c0)\"/>\
             <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>\
             <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            right - left,
            bottom - top,
            bottom + 18.0,
            top - 5.0,
        );
    }
    svg + "</svg>"
}

/// From data to places in the plot.
struct Frame {
    x_min: f64,
    x_max: f64,
    y_max: f64,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        LEFT + (value - self.x_min) / (self.x_max - self.x_min) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.y_max * (HEIGHT - TOP - BOTTOM)
    }

    fn axes(&self, x_label: &str, y_label: &str, svg: &mut String) {
        self.y_axis(y_label, svg);
        for value in ticks(self.x_min, self.x_max) {
            let (x, y) = (self.x(value), HEIGHT - BOTTOM + 17.0);
            let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", short(value));
        }
        let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 7.0);
        let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{x_label}</text>");
    }

    fn y_axis(&self, label: &str, svg: &mut String) {
        let end = WIDTH - RIGHT;
        for value in ticks(0.0, self.y_max) {
            let y = self.y(value);
            let _ = write!(
                svg,
                "<path class=\"axis\" d=\"M{LEFT} {y:.1}H{end}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.5,
                short(value)
            );
        }
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        let _ =
            write!(svg, "<text transform=\"translate(13 {middle}) rotate(-90)\" text-anchor=\"middle\">{label}</text>");
    }

    fn series(&self, series: &Series, svg: &mut String) {
        let path = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            let places: Vec<String> = points.map(|(x, y)| format!("{:.1} {:.1}", self.x(x), self.y(y))).collect();
            format!("M{}", places.join("L"))
        };
        let xs = || series.points.iter().map(|&(x, _)| x);
        let colour = series.colour;
        if !series.band.is_empty() {
            let low = xs().zip(&series.band).map(|(x, &(low, _))| (x, low));
            let high = xs().zip(&series.band).rev().map(|(x, &(_, high))| (x, high));
            let outline = path(&mut low.chain(high));
            let _ = write!(svg, "<path class=\"band\" fill=\"var(--c{colour})\" d=\"{outline}Z\"/>");
        }
        let line = path(&mut series.points.iter().copied());
        let _ = write!(svg, "<path class=\"line\" stroke=\"var(--c{colour})\" d=\"{line}\"/>");
    }
}

/// Round numbers from `least` to `most`.
fn ticks(least: f64, most: f64) -> impl Iterator<Item = f64> {
    let rough = (most - least) / TICKS;
    let unit = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * unit >= rough).unwrap_or(10.0) * unit;
    let first = (least / step).ceil() as i64;
    (first..).map(move |number| number as f64 * step).take_while(move |&value| value <= most * (1.0 + 1e-9))
}

/// A number with a letter for thousands, millions and so on.
pub fn short(value: f64) -> String {
    let (scaled, letter) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let decimals = match (letter, scaled.abs()) {
        ("", _) => 3,
        (_, size) if size >= 100.0 => 1,
        _ => 2,
    };
    let text = format!("{scaled:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{letter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 37.0).collect::<Vec<_>>(), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(ticks(1.0, 100.0).collect::<Vec<_>>(), [20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(0.0, 0.01).count(), 6);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [0.0, 0.5, 9999.0, 10_000.0, 2_500_000.0, 3e9].map(short),
            ["0", "0.5", "9999", "10k", "2.5M", "3G"]
        );
    }

    #[test]
    fn a_plot_without_points_says_so() {
        let series = Series { name: "none", colour: 0, points: Vec::new(), band: Vec::new() };
        let plot = Plot { x_label: "x", y_label: "y", series: vec![series] };
        assert!(plot.to_svg().contains("No data"));
    }
}
