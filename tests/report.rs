//! The HTML report stands by itself, and Chromium renders it at the width of a phone and of a desk.

mod common;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::{Indexed as Bench, READS, conclude, data, has_program, svala_ok, text, trial, trial_if};

/// Looks at the page as it is laid out: its width, and texts of plots that are cut or lie over each other.
const LOOK: &str = "<script>
const boxes = [...document.querySelectorAll('svg')].map(svg => [svg.getBoundingClientRect(),
    [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect())]);
const outside = boxes.flatMap(([svg, texts]) => texts.filter(t =>
    t.left < svg.left - 1 || t.right > svg.right + 1 || t.top < svg.top - 1 || t.bottom > svg.bottom + 1)).length;
const over = boxes.flatMap(([, texts]) => texts.filter((a, i) => texts.slice(i + 1).some(b =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4))).length;
const width = Math.max(...[...document.querySelectorAll('*')].map(e =>
    e.closest('.scroll > *') ? 0 : e.getBoundingClientRect().right));
document.body.dataset.look = `width ${Math.ceil(width)} plots ${boxes.length} outside ${outside} over ${over}`;
</script>";

impl Bench {
    /// The report of the first files of the committed reads.
    fn report(&self, name: &str, mates: usize, options: &[&str]) -> String {
        let [output, report] = ["bam", "html"].map(|kind| self.folder.path().join(format!("{name}.{kind}")));
        let reads = READS.map(data);
        let mut arguments =
            vec!["align", "--ref", text(&self.reference), "-o", text(&output), "--report", text(&report)];
        for (option, file) in ["-1", "-2"].iter().zip(&reads[..mates]) {
            arguments.extend([option, text(file)]);
        }
        arguments.extend(options);
        svala_ok(&arguments);
        std::fs::read_to_string(&report).expect("the report")
    }
}

fn it_stands_by_itself(bench: &Bench) {
    let html = bench.report("<&>", 2, &["--no-record"]);
    for foreign in ["http:", "https:", "<script", "<link", "<img", "src=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("<h1>&lt;&amp;&gt;</h1>"));
    let sam = svala_ok(&["mem", text(&bench.reference), text(&data(READS[0]))]);
    let records = common::records(&sam);
    assert!(records.len() > 1000 && records.iter().all(|record| !html.contains(&record.name)));
    assert!(well_formed_plots(&html) >= 6);
}

/// How many plots are well-formed XML, which must be all.
fn well_formed_plots(html: &str) -> usize {
    let plots: Vec<&str> =
        html.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().expect("a part")).collect();
    for plot in &plots {
        let plot = format!("<svg{plot}</svg>");
        roxmltree::Document::parse(&plot).unwrap_or_else(|error| panic!("{error}: {plot}"));
    }
    plots.len()
}

/// Unsorted and single reads leave out what there isn't.
fn it_has_what_there_is(bench: &Bench) {
    let paired = bench.report("paired", 2, &[]);
    let single = bench.report("single", 1, &["--sort", "none"]);
    for what in ["Insert sizes", "Depth of coverage", "properly paired"] {
        assert!(paired.contains(what) && !single.contains(what), "{what}");
    }
    assert!(paired.contains(">chrM<") && !single.contains(">chrM<"));
    assert!(!paired.contains("NaN") && !single.contains("NaN"));
}

fn chromium_renders_it(bench: &Bench) {
    let html = bench.report("rendered", 2, &[]);
    let path = bench.folder.path().join("laid_out.html");
    for width in [360, 1280] {
        // Chromium's window can't be as narrow as a phone, a page can.
        let page = html.replace("</main>", &format!("</main><style>html{{width:{width}px}}</style>{LOOK}"));
        std::fs::write(&path, page).expect("a file");
        let look = look(&path);
        let number = |name: &str| {
            let mut words = look.split_whitespace().skip_while(|word| *word != name);
            words.nth(1).and_then(|word| word.parse::<u32>().ok()).unwrap_or_else(|| panic!("{look}"))
        };
        assert!(number("width") <= width, "{width}: {look}");
        assert_eq!((number("plots"), number("outside"), number("over")), (6, 0, 0), "{width}: {look}");
    }
}

/// What [`LOOK`] saw.
fn look(page: &Path) -> String {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--window-size=1400,2000"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("Chromium starts");
    let dom = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, rest) = dom.split_once("data-look=\"").unwrap_or_else(|| panic!("not rendered: {dom}"));
    rest.split('"').next().expect("a part").to_owned()
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("it stands by itself", on(it_stands_by_itself)),
        trial("it has what there is", on(it_has_what_there_is)),
        // CI installs a browser where it can be had, so it isn't required.
        trial_if(
            "Chromium renders it",
            has_program("chromium"),
            "no chromium",
            "SVALA_REQUIRE_CHROMIUM",
            on(chromium_renders_it),
        ),
    ])
}
