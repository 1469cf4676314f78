//! Puts labels beside points so that they cover neither each other nor a point.

/// A rectangle; y grows downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Box2 {
    /// Lowest x.
    pub left: f64,
    /// Lowest y.
    pub top: f64,
    /// Highest x.
    pub right: f64,
    /// Highest y.
    pub bottom: f64,
}

impl Box2 {
    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn holds(&self, inner: &Self) -> bool {
        self.left <= inner.left && inner.right <= self.right && self.top <= inner.top && inner.bottom <= self.bottom
    }
}

/// Two lines of text.
#[derive(Clone, Debug)]
pub struct Label {
    /// First line, bold, 14 px.
    pub name: String,
    /// Second line, 12 px.
    pub note: String,
}

/// Where a label goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Where its lines are anchored.
    pub x: f64,
    /// Base line of the first line.
    pub first_line: f64,
    /// Base line of the second line.
    pub second_line: f64,
    /// SVG's `text-anchor`.
    pub anchor: &'static str,
    /// What it covers, about.
    pub area: Box2,
}

/// Both lines with their descenders, in px.
const HEIGHT: f64 = 34.0;
const GAP: f64 = 5.0;

/// One place for each label at `points` of `radius`, within `frame` where that is possible. The first fitting one of
/// right, left, below, above and the four corners is taken, first label first; if none fits, the one that covers least.
pub fn place_labels(labels: &[Label], points: &[(f64, f64)], radius: f64, frame: Box2) -> Vec<Placed> {
    let dots: Vec<Box2> = points
        .iter()
        .map(|&(x, y)| Box2 { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius })
        .collect();
    let mut placed: Vec<Placed> = Vec::new();
    for (label, &point) in labels.iter().zip(points) {
        let cost = |candidate: &Placed| {
            let covered = placed.iter().map(|other| &other.area).chain(&dots);
            let covers = covered.filter(|area| area.overlaps(&candidate.area)).count();
            covers + usize::from(!frame.holds(&candidate.area))
        };
        // `min_by_key` takes the first of equals, hence the order of the candidates counts.
        placed.extend(candidates(label, point, radius + GAP).into_iter().min_by_key(cost));
    }
    placed
}

/// The eight places around a point at `distance`, best first.
fn candidates(label: &Label, (x, y): (f64, f64), distance: f64) -> [Placed; 8] {
    // Mean widths of letters in common sans-serif fonts, rounded up.
    let width = (label.name.chars().count() as f64 * 8.4).max(label.note.chars().count() as f64 * 6.6);
    let (half, slant) = (HEIGHT / 2.0, distance * 0.7);
    let at = |anchor: &'static str, x: f64, top: f64| {
        let left = match anchor {
            "start" => x,
            "end" => x - width,
            _ => x - width / 2.0,
        };
        let area = Box2 { left, top, right: left + width, bottom: top + HEIGHT };
        Placed { x, first_line: top + 13.0, second_line: top + 29.0, anchor, area }
    };
    [
        at("start", x + distance, y - half),
        at("end", x - distance, y - half),
        at("middle", x, y + distance),
        at("middle", x, y - distance - HEIGHT),
        at("start", x + slant, y + slant),
        at("start", x + slant, y - slant - HEIGHT),
        at("end", x - slant, y + slant),
        at("end", x - slant, y - slant - HEIGHT),
    ]
}
