//! Makes a synthetic genome of human size from a real sequence, for `benches/human_scale.sh`.
//!
//! ```sh
//! cargo run --release --example human_genome -- chr20.fa 3100 1 > genome.fa
//! ```
//!
//! takes a FASTA file, a size in Mb and a seed; with `plain` behind them it leaves out the layers of the table below. The genome has 24 chromosomes in the proportions of GRCh38 and 170 contigs of 10 to
//! 180 kb. Each is made of copies of stretches of the first contig, on either strand, in which 13.5 % of the bases are
//! substituted and 1.5 % start an insertion or deletion of 1 to 12 bases, so that two copies of one stretch differ in about a quarter
//! of their bases: more than seeds of 18 bases bear, so that nearly all are unique. Over them lie what makes genomes hard, all
//! of it invented, in shares of the genome and with their divergence:
//!
//! | | share | divergence |
//! |---|---|---|
//! | long repeats: ends of 6 kb, four families | 15 % | 5 to 25 % |
//! | short repeats of 300 bases, five families | 10 % | 5 to 20 % |
//! | tandem repeats | 3 % | 0 to 12 % |
//! | segmental duplications of 10 to 50 kb, within and between chromosomes | 5 % | 1 to 5 % |
//! | young short repeats | 2 % | 0 to 3 % |
//! | young long repeats | 2 % | 0 to 1 % |
//! | satellite arrays of 12 × 171 bases | 1 % | 0 to 1 % |
//! | recent segmental duplications | 4 % | 0 to 1 % |
//!
//! The shares are those of sequence laid; later layers cover part of earlier ones. The ends (10 kb) and a gap of 1 % of each chromosome
//! are N. Same arguments, same bytes.

use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

/// Lengths of the chromosomes of GRCh38, in Mb.
const CHROMOSOMES: [(&str, u64); 24] = [
    ("chr1", 249),
    ("chr2", 242),
    ("chr3", 198),
    ("chr4", 190),
    ("chr5", 182),
    ("chr6", 171),
    ("chr7", 159),
    ("chr8", 145),
    ("chr9", 138),
    ("chr10", 134),
    ("chr11", 135),
    ("chr12", 133),
    ("chr13", 114),
    ("chr14", 107),
    ("chr15", 102),
    ("chr16", 90),
    ("chr17", 83),
    ("chr18", 80),
    ("chr19", 59),
    ("chr20", 64),
    ("chr21", 47),
    ("chr22", 51),
    ("chrX", 156),
    ("chrY", 57),
];
/// Contigs beside the chromosomes.
const SMALL_CONTIGS: usize = 170;
/// Code of N.
const N: u8 = 4;
/// Substitutions and indels of the copies that genome is made of, per base.
const COPY: Divergence = Divergence { substitutions: 0.135, indels: 0.015 };
/// Segments of earlier chromosomes that later ones have duplications of.
const POOL: usize = 2000;

/// A stream of pseudo-random numbers (splitmix64: Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// A number in `range`, which is not empty.
    fn within(&mut self, range: Range<usize>) -> usize {
        range.start + (self.next() % range.len() as u64) as usize
    }

    fn share(&mut self, range: Range<f64>) -> f64 {
        range.start + (range.end - range.start) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn base(&mut self) -> u8 {
        (self.next() >> 62) as u8
    }

    fn bases(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.base()).collect()
    }
}

/// Changes per base.
#[derive(Clone, Copy)]
struct Divergence {
    substitutions: f64,
    indels: f64,
}

impl Divergence {
    /// Nine substitutions for an indel.
    fn of(total: f64) -> Self {
        Self { substitutions: 0.9 * total, indels: 0.1 * total }
    }
}

/// Appends a changed copy of `from` to `to`, up to `most` bases.
fn push_copy(from: &[u8], divergence: Divergence, most: usize, random: &mut Random, to: &mut Vec<u8>) {
    let scale = |share: f64| (share * (1u64 << 32) as f64) as u64;
    let (substituted, changed) = (scale(divergence.substitutions), scale(divergence.substitutions + divergence.indels));
    let end = to.len() + most;
    let mut i = 0;
    while i < from.len() && to.len() < end {
        let number = random.next();
        let choice = number >> 32;
        if choice >= changed || from[i] == N {
            to.push(from[i]);
            i += 1;
        } else if choice < substituted {
            to.push((from[i] + 1 + (number as u8) % 3) % 4);
            i += 1;
        } else if number & 1 == 0 {
            i += 1 + (number as usize >> 1) % 12;
        } else {
            let inserted = 1 + (number as usize >> 1) % 12;
            to.extend((0..inserted).map(|k| (number >> (8 + 2 * k)) as u8 & 3));
        }
    }
    to.truncate(end);
}

fn changed(from: &[u8], total: f64, random: &mut Random) -> Vec<u8> {
    let mut copy = Vec::with_capacity(from.len() + from.len() / 8);
    push_copy(from, Divergence::of(total), 2 * from.len(), random, &mut copy);
    copy
}

fn turn(bases: &mut [u8]) {
    bases.reverse();
    bases.iter_mut().filter(|base| **base != N).for_each(|base| *base = 3 - *base);
}

/// Makes a piece of a layer for a contig.
type Layer = dyn Fn(&Repeats, &[u8], &mut Random) -> Vec<u8>;

/// Families of repeats, and segments to duplicate.
struct Repeats {
    short: Vec<Vec<u8>>,
    long: Vec<Vec<u8>>,
    satellite: Vec<u8>,
    pool: Vec<Vec<u8>>,
    /// Nothing is laid.
    none: bool,
}

impl Repeats {
    fn new(none: bool, random: &mut Random) -> Self {
        let mut family = |length: usize, divergences: &[f64]| {
            let consensus = random.bases(length);
            divergences.iter().map(|&divergence| changed(&consensus, divergence, random)).collect::<Vec<_>>()
        };
        let short = family(300, &[0.02, 0.04, 0.06, 0.08, 0.10]);
        let long = family(6000, &[0.03, 0.06, 0.10, 0.15]);
        Self { short, long, satellite: random.bases(171), pool: Vec::new(), none }
    }

    /// Lays all kinds of repeats over a contig, the oldest first.
    fn lay(&mut self, contig: &mut [u8], random: &mut Random) {
        if self.none {
            return;
        }
        let layers: [(f64, &Layer); 8] = [
            (0.15, &|repeats, _, random| repeats.old_long(random)),
            (0.10, &|repeats, _, random| repeats.short(0..5, 0.05..0.20, random)),
            (0.03, &|_, _, random| tandem(random)),
            (0.05, &|repeats, contig, random| repeats.duplication(contig, 0.01..0.05, random)),
            (0.02, &|repeats, _, random| repeats.short(0..2, 0.0..0.03, random)),
            (0.02, &|repeats, _, random| repeats.young_long(random)),
            (0.01, &|repeats, _, random| repeats.array(random)),
            (0.04, &|repeats, contig, random| repeats.duplication(contig, 0.0..0.01, random)),
        ];
        for (share, make) in layers {
            let mut left = (share * contig.len() as f64) as usize;
            while left > 0 {
                let mut piece = make(self, contig, random);
                piece.truncate(contig.len() / 4);
                if random.next() & 1 == 0 {
                    turn(&mut piece);
                }
                let place = random.within(0..contig.len() - piece.len());
                contig[place..place + piece.len()].copy_from_slice(&piece);
                left = left.saturating_sub(piece.len().max(1));
            }
        }
        self.remember(contig, random);
    }

    fn old_long(&self, random: &mut Random) -> Vec<u8> {
        let family = &self.long[random.within(0..self.long.len())];
        // Most are short ends, with a mean of about 1,100 bases.
        let length = (200.0 - 1000.0 * random.share(1e-9..1.0).ln()) as usize;
        let divergence = random.share(0.05..0.25);
        changed(&family[family.len().saturating_sub(length)..], divergence, random)
    }

    fn young_long(&self, random: &mut Random) -> Vec<u8> {
        let family = &self.long[0];
        let length = if random.next() & 1 == 0 { family.len() } else { random.within(500..family.len()) };
        let divergence = random.share(0.0..0.01);
        changed(&family[family.len() - length..], divergence, random)
    }

    /// A short repeat with its tail of A.
    fn short(&self, families: Range<usize>, divergence: Range<f64>, random: &mut Random) -> Vec<u8> {
        let family = &self.short[random.within(families)];
        let divergence = random.share(divergence);
        let mut copy = changed(family, divergence, random);
        copy.resize(copy.len() + random.within(5..30), 0);
        copy
    }

    /// An array of copies of a unit that is itself made of copies.
    fn array(&self, random: &mut Random) -> Vec<u8> {
        let unit: Vec<u8> = (0..12).flat_map(|_| changed(&self.satellite, 0.2, random)).collect();
        let copies = random.within(10..60);
        (0..copies)
            .flat_map(|_| {
                let d = random.share(0.0..0.01);
                changed(&unit, d, random)
            })
            .collect()
    }

    /// A copy of a segment of this contig or of an earlier one.
    fn duplication(&self, contig: &[u8], divergence: Range<f64>, random: &mut Random) -> Vec<u8> {
        let divergence = random.share(divergence);
        if !self.pool.is_empty() && !random.next().is_multiple_of(3) {
            let segment = &self.pool[random.within(0..self.pool.len())];
            return changed(&segment[..random.within(segment.len() / 2..segment.len())], divergence, random);
        }
        let length = random.within(10_000..50_000).min(contig.len() / 4);
        let start = random.within(0..contig.len() - length);
        changed(&contig[start..start + length], divergence, random)
    }

    /// Keeps segments of a contig, in place of others when there are enough.
    fn remember(&mut self, contig: &[u8], random: &mut Random) {
        for _ in 0..(contig.len() / 1_000_000).min(POOL) {
            let length = random.within(10_000..50_000);
            let start = random.within(0..contig.len() - length);
            let segment = contig[start..start + length].to_vec();
            if self.pool.len() < POOL {
                self.pool.push(segment);
            } else {
                let place = random.within(0..POOL);
                self.pool[place] = segment;
            }
        }
    }
}

/// A tandem repeat: a unit of up to 6 bases over 20 to 120, or one of 10 to 70 some times.
fn tandem(random: &mut Random) -> Vec<u8> {
    let divergence = random.share(0.0..0.12);
    let (unit, bases) = if !random.next().is_multiple_of(10) {
        (random.within(1..7), random.within(20..120))
    } else {
        let unit = random.within(10..70);
        (unit, unit * random.within(4..40))
    };
    let unit = random.bases(unit);
    let whole: Vec<u8> = unit.iter().copied().cycle().take(bases).collect();
    changed(&whole, divergence, random)
}

/// A contig of copies of stretches of `base`, with repeats and gaps.
fn contig(base: &[u8], length: usize, repeats: &mut Repeats, random: &mut Random) -> Vec<u8> {
    let mut contig = Vec::with_capacity(length + 16);
    while contig.len() < length {
        let stretch = random.within(1_000_000..5_000_000).min(base.len());
        let start = random.within(0..base.len() - stretch + 1);
        let (first, most) = (contig.len(), length - contig.len());
        push_copy(&base[start..start + stretch], COPY, most, random, &mut contig);
        if random.next() & 1 == 0 {
            turn(&mut contig[first..]);
        }
    }
    repeats.lay(&mut contig, random);
    if length > 1_000_000 {
        contig[..10_000].fill(N);
        contig[length - 10_000..].fill(N);
        contig[length * 2 / 5..length * 2 / 5 + length / 100].fill(N);
    }
    contig
}

fn write_contig(output: &mut impl Write, name: &str, codes: &[u8]) -> std::io::Result<()> {
    writeln!(output, ">{name}")?;
    let mut line = Vec::new();
    for codes in codes.chunks(80) {
        line.clear();
        line.extend(codes.iter().map(|&code| b"ACGTN"[usize::from(code)]));
        line.push(b'\n');
        output.write_all(&line)?;
    }
    Ok(())
}

/// The first contig of a FASTA file, without ambiguous bases, as codes.
fn read_base(path: &Path) -> std::io::Result<Vec<u8>> {
    let text = std::fs::read(path)?;
    let lines = text.split(|&byte| byte == b'\n').skip(1).take_while(|line| !line.starts_with(b">"));
    let code = |letter: &u8| b"ACGT".iter().position(|l| l == &letter.to_ascii_uppercase()).map(|code| code as u8);
    Ok(lines.flatten().filter_map(code).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [base, megabases, seed, plain @ ..] = &arguments[..] else {
        return Err("expected a FASTA file, a size in Mb and a seed".into());
    };
    let plain = match plain {
        [] => false,
        [word] if word == "plain" => true,
        _ => return Err("expected nothing or `plain` behind the seed".into()),
    };
    let (megabases, seed): (u64, u64) = (megabases.parse()?, seed.parse()?);
    let base = read_base(Path::new(base))?;
    if base.len() < 100_000 || megabases < 50 {
        return Err("expected at least 100 kb of sequence, and 50 Mb to make of it".into());
    }
    let mut random = Random(seed);
    let mut repeats = Repeats::new(plain, &mut random);
    let mut output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let all: u64 = CHROMOSOMES.iter().map(|(_, length)| length).sum();
    for (name, length) in CHROMOSOMES {
        let length = (length * megabases * 1_000_000 / all) as usize;
        write_contig(&mut output, name, &contig(&base, length, &mut repeats, &mut random))?;
    }
    for number in 0..SMALL_CONTIGS {
        let length = 10_000 + 1000 * number;
        write_contig(&mut output, &format!("small{number}"), &contig(&base, length, &mut repeats, &mut random))?;
    }
    Ok(output.flush()?)
}
