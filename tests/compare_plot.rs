//! The plot of `benches/compare`: axes, labels, and that it is XML.
#![allow(dead_code, reason = "the bench uses what these tests don't")]

#[path = "../benches/compare/axis.rs"]
mod axis;
#[path = "../benches/compare/label.rs"]
mod label;
#[path = "../benches/compare/number.rs"]
mod number;
#[path = "../benches/compare/svg.rs"]
mod svg;

#[test]
fn thousands_are_grouped() {
    for (number, expected) in [(0.0, "0"), (999.4, "999"), (999.5, "1,000"), (1_234_567.0, "1,234,567")] {
        assert_eq!(number::thousands(number), expected);
    }
}

#[test]
fn axes_have_round_ticks_and_cover_the_values() {
    for (low, high) in [(0.0, 38_000.0), (99.77, 99.874), (-0.3, 0.3), (5.0, 5.0), (0.0, 0.0), (0.1, 0.7)] {
        let axis = axis::Axis::covering(low, high, 5);
        let (first, last) = (axis.ticks[0], axis.ticks[axis.ticks.len() - 1]);
        assert!((2..=12).contains(&axis.ticks.len()), "{low} to {high}: {axis:?}");
        assert!(first <= low + 1e-9 && last >= high - 1e-9, "{low} to {high}: {axis:?}");
        let texts: std::collections::HashSet<String> =
            axis.ticks.iter().map(|tick| format!("{tick:.*}", axis.decimals)).collect();
        assert_eq!(texts.len(), axis.ticks.len(), "{low} to {high}: {axis:?}");
        assert_eq!((axis.share(first), axis.share(last)), (0.0, 1.0));
    }
}

fn plot(points: &[(f64, f64)]) -> svg::Plot {
    let point = |(i, &(x, y)): (usize, &(f64, f64))| svg::Point {
        x,
        y,
        name: format!("aligner <{i}> & \"friends\""),
        note: "1 & 2 \u{1}".into(),
        stands_out: i == 0,
    };
    svg::Plot {
        title: "A < B".into(),
        subtitle: "]]> &amp; 'x'".into(),
        x_name: "speed".into(),
        y_name: "accuracy".into(),
        points: points.iter().enumerate().map(point).collect(),
    }
}

#[test]
fn the_plot_is_well_formed_xml_with_one_circle_a_point() {
    for points in [&[][..], &[(1.0, 99.0)], &[(10_000.0, 99.8), (40_000.0, 99.9), (0.0, 0.0)]] {
        let text = svg::render(&plot(points));
        let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let root = document.root_element();
        assert_eq!(root.tag_name().name(), "svg");
        let circles: Vec<_> =
            document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "circle"))).collect();
        assert_eq!(circles.len(), points.len());
        for (attribute, end) in [("cx", 800.0), ("cy", 520.0)] {
            for circle in &circles {
                let value: f64 = circle.attribute(attribute).and_then(|text| text.parse().ok()).expect("a number");
                assert!((0.0..=end).contains(&value), "{attribute} = {value}");
            }
        }
    }
}

#[test]
fn labels_avoid_points_and_each_other() {
    let frame = label::Box2 { left: 0.0, top: 0.0, right: 800.0, bottom: 400.0 };
    let points = [(400.0, 200.0), (412.0, 203.0), (795.0, 100.0), (440.0, 180.0)];
    let labels: Vec<label::Label> =
        (0..4).map(|i| label::Label { name: format!("aligner{i}"), note: "13 wrong".into() }).collect();
    let placed = label::place_labels(&labels, &points, 6.0, frame);
    assert_eq!(placed.len(), 4);
    for (i, a) in placed.iter().enumerate() {
        assert!(a.area.left >= 0.0 && a.area.right <= 800.0, "{a:?}");
        for b in &placed[i + 1..] {
            let apart = a.area.right <= b.area.left
                || b.area.right <= a.area.left
                || a.area.bottom <= b.area.top
                || b.area.bottom <= a.area.top;
            assert!(apart, "{a:?} {b:?}");
        }
        for &(x, y) in &points {
            let covered = a.area.left < x && x < a.area.right && a.area.top < y && y < a.area.bottom;
            assert!(!covered, "{a:?} covers {x}, {y}");
        }
    }
}
