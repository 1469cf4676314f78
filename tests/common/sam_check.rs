//! Whether the records of a template contradict each other or the reference, by the SAM specification (v1, sections 1.4 and 1.5)
//! and its list of optional fields. It shares nothing with the program.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::{Record, operations, reverse_complement};

/// Contigs by name, in upper case.
pub struct Reference(HashMap<String, Vec<u8>>);

impl Reference {
    /// Of a FASTA file, plain or gzip.
    pub fn of(path: &Path) -> Self {
        let raw = std::fs::read(path).expect("a reference");
        let mut text = String::new();
        if raw.starts_with(&[0x1f, 0x8b]) {
            flate2::read::MultiGzDecoder::new(&raw[..]).read_to_string(&mut text).expect("gzip");
        } else {
            text = String::from_utf8(raw).expect("FASTA is text");
        }
        let contigs = text.split('>').skip(1).map(|contig| {
            let (name, lines) = contig.split_once('\n').expect("a line of bases");
            let name = name.split_whitespace().next().expect("a name");
            (name.to_owned(), lines.bytes().filter(u8::is_ascii_graphic).map(|b| b.to_ascii_uppercase()).collect())
        });
        Self(contigs.collect())
    }

    /// NM and MD of an alignment at a 1-based position; `None` if it leaves the contig or the bases.
    fn replay(&self, contig: &str, position: i64, cigar: &str, bases: &[u8]) -> Option<(i64, String)> {
        let contig = self.0.get(contig)?;
        let (mut at, mut read) = (usize::try_from(position - 1).ok()?, 0);
        let (mut edits, mut md, mut run) = (0, String::new(), 0);
        for (length, kind) in operations(cigar) {
            let length = length as usize;
            if matches!(kind, 'M' | '=' | 'X') {
                for (&own, &theirs) in bases.get(read..read + length)?.iter().zip(contig.get(at..at + length)?) {
                    // Only A, C, G and T match; so N and N are a mismatch.
                    let same = own.eq_ignore_ascii_case(&theirs) && b"ACGT".contains(&theirs);
                    if (kind == '=' && !same) || (kind == 'X' && same) {
                        return None;
                    }
                    if same {
                        run += 1;
                    } else {
                        edits += 1;
                        md += &format!("{run}{}", char::from(theirs));
                        run = 0;
                    }
                }
            } else if kind == 'D' {
                md += &format!("{run}^{}", String::from_utf8_lossy(contig.get(at..at + length)?));
                (run, edits) = (0, edits + length as i64);
            } else if kind == 'I' {
                edits += length as i64;
            }
            at += if "MDN=X".contains(kind) { length } else { 0 };
            read += if "MIS=X".contains(kind) { length } else { 0 };
        }
        (read == bases.len() && at <= contig.len()).then(|| (edits, md + &run.to_string()))
    }
}

/// What is wrong with SAM text, in any order of the records; empty if nothing is.
pub fn check(sam: &[u8], reference: &Reference) -> Vec<String> {
    let mut all = super::records(sam);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all.chunk_by(|a, b| a.name == b.name).filter_map(|template| problem(template, reference)).collect()
}

/// The first thing that is wrong with all records of a template.
pub fn problem(template: &[Record], reference: &Reference) -> Option<String> {
    let found = check_template(template, reference).err()?;
    Some(format!("{}: {found}", template[0].name))
}

type Check = Result<(), String>;

fn demand(holds: bool, what: &str) -> Check {
    if holds { Ok(()) } else { Err(what.into()) }
}

fn check_template(template: &[Record], reference: &Reference) -> Check {
    let paired = template[0].flags & 1 != 0;
    let is_read = |record: &&Record, mate: usize| !paired || record.mate() == mate;
    for mate in 1..=if paired { 2 } else { 1 } {
        let read: Vec<&Record> = template.iter().filter(|record| is_read(record, mate)).collect();
        let primary = single(&read)?;
        let other = template.iter().find(|record| paired && record.mate() != mate && record.is_primary());
        for record in &read {
            check_record(record, primary, reference)?;
            check_mate(record, primary, other)?;
        }
        check_pieces(&read)?;
        demand(!paired || other.is_some(), "a mate is missing")?;
    }
    Ok(())
}

/// The one primary record of a read.
fn single<'a>(read: &[&'a Record]) -> Result<&'a Record, String> {
    let mut primaries = read.iter().filter(|record| record.is_primary());
    match (primaries.next(), primaries.next()) {
        (Some(primary), None) => Ok(primary),
        _ => Err("not one primary record".into()),
    }
}

/// The bases of a read, as the record's strand has them.
fn bases_for(record_is_reverse: bool, primary: &Record) -> Vec<u8> {
    let bases = primary.bases.as_bytes();
    if record_is_reverse == (primary.flags & 16 != 0) { bases.to_vec() } else { reverse_complement(bases) }
}

fn check_record(record: &Record, primary: &Record, reference: &Reference) -> Check {
    let flag = |bit: u16| record.flags & bit != 0;
    demand(flag(1) || record.flags & 0xEA == 0, "flags of a pair without one")?;
    demand(!flag(1) || flag(0x40) != flag(0x80), "neither or both of first and last")?;
    if !record.is_mapped() {
        demand(record.is_primary() && !flag(2) && !flag(16), "flags of an unmapped read")?;
        demand(record.mapq == 0 && record.cigar == "*", "MAPQ or CIGAR of an unmapped read")?;
        return demand(
            !["NM", "MD", "SA", "XA", "AS"].iter().any(|tag| record.tags.contains_key(*tag)),
            "tags of an unmapped read",
        );
    }
    check_cigar(&record.operations())?;
    let mut bases = bases_for(flag(16), primary);
    let all = record.operations();
    let hard = |op: Option<&(i64, char)>| op.filter(|op| op.1 == 'H').map_or(0, |op| op.0 as usize);
    let (before, behind) = (hard(all.first()), hard(all.last()));
    demand(before + behind <= bases.len(), "clips longer than the read")?;
    bases = bases[before..bases.len() - behind].to_vec();
    if record.bases == "*" {
        demand(flag(0x100) && record.qualities == "*", "no bases, but not secondary")?;
    } else {
        demand(
            record.bases.as_bytes() == bases || primary.bases.contains(|c| !"ACGTN".contains(c)),
            "other bases than the primary record",
        )?;
    }
    let replayed = reference.replay(&record.contig, record.position, &record.cigar, &bases);
    let (edits, md) = replayed.ok_or("leaves the contig or the read, or tells matches wrongly")?;
    demand(record.tags.get("NM") == Some(&edits.to_string()), "NM")?;
    demand(record.tags.get("MD") == Some(&md), "MD")?;
    check_alternatives(record, primary, reference)
}

/// Clips outside, hard ones outermost; alignments begin and end with aligned bases; neighbours differ.
fn check_cigar(all: &[(i64, char)]) -> Check {
    demand(all.iter().all(|op| op.0 > 0), "an operation of no bases")?;
    demand(all.windows(2).all(|pair| pair[0].1 != pair[1].1), "two operations of a kind in a row")?;
    let inner: Vec<char> = all.iter().map(|op| op.1).skip_while(|&kind| kind == 'H').collect();
    let text: String = inner.into_iter().collect();
    let text = text.trim_end_matches('H').trim_start_matches('S').trim_end_matches('S');
    let aligned = |c: Option<char>| c.is_some_and(|c| "M=X".contains(c));
    demand(
        !text.contains(['H', 'S']) && aligned(text.chars().next()) && aligned(text.chars().last()),
        "form of the CIGAR",
    )
}

/// XA: `(contig,±position,CIGAR,NM;)*`, each of which must be true of the whole read.
fn check_alternatives(record: &Record, primary: &Record, reference: &Reference) -> Check {
    let Some(text) = record.tags.get("XA") else { return Ok(()) };
    demand(text.ends_with(';'), "the end of XA")?;
    for entry in text.trim_end_matches(';').split(';') {
        let fields: Vec<&str> = entry.split(',').collect();
        let [contig, place, cigar, edits] = fields[..] else { return Err("fields of XA".into()) };
        demand(place.starts_with(['+', '-']), "strand of XA")?;
        let position: i64 = place[1..].parse().map_err(|_| "position of XA")?;
        let bases = bases_for(place.starts_with('-'), primary);
        let replayed = reference.replay(contig, position, cigar, &bases).ok_or("place of XA")?;
        demand(replayed.0.to_string() == edits, "NM of XA")?;
    }
    Ok(())
}

fn check_mate(record: &Record, primary: &Record, mate: Option<&Record>) -> Check {
    let Some(mate) = mate else {
        return demand(
            record.mate_contig == "*" && record.mate_position == 0 && record.template_length == 0,
            "mate fields without a mate",
        );
    };
    demand((record.flags & 8 != 0) != mate.is_mapped(), "flag of an unmapped mate")?;
    demand((record.flags & 0x20 != 0) == (mate.flags & 16 != 0), "flag of the mate's strand")?;
    demand((record.flags & 2) == (mate.flags & 2), "one properly paired, the other not")?;
    demand(record.flags & 2 == 0 || (record.is_mapped() && mate.is_mapped()), "properly paired, but not mapped")?;
    // A read that isn't mapped is filed where its mate is.
    let place = |own: &Record, other: &Record| {
        let at = if own.is_mapped() { own } else { other };
        if at.is_mapped() { (at.contig.clone(), at.position) } else { ("*".into(), 0) }
    };
    demand((record.mate_contig.clone(), record.mate_position) == place(mate, primary), "place of the mate")?;
    if !record.is_mapped() {
        demand((record.contig.clone(), record.position) == place(record, mate), "place of an unmapped read")?;
    }
    let tags = ["MC", "MQ"].map(|tag| record.tags.get(tag).cloned());
    let expected = [mate.cigar.clone(), mate.mapq.to_string()].map(|value| mate.is_mapped().then_some(value));
    demand(tags == expected, "MC or MQ")?;
    let far = !record.is_mapped() || !mate.is_mapped() || record.contig != mate.contig;
    demand(!far || record.template_length == 0, "TLEN of mates that are not on one contig")?;
    demand(!record.is_primary() || record.template_length == -mate.template_length, "TLEN is not that of the mate")?;
    demand(far || !record.is_primary() || record.template_length == distance(record, mate), "TLEN")
}

/// From 5' end to 5' end, both included, positive for the leftmost.
fn distance(record: &Record, mate: &Record) -> i64 {
    let five_prime = |r: &Record| {
        let bases: i64 = r.operations().iter().filter(|op| "MDN=X".contains(op.1)).map(|op| op.0).sum();
        if r.flags & 16 != 0 { r.position + bases - 1 } else { r.position }
    };
    let distance = five_prime(mate) - five_prime(record);
    distance + distance.signum()
}

/// SA: every piece of a split read names all others, the primary one first.
fn check_pieces(read: &[&Record]) -> Check {
    let pieces: Vec<&Record> =
        read.iter().copied().filter(|r| r.is_primary() || r.flags & 0x800 != 0 || r.tags.contains_key("SA")).collect();
    let entry = |r: &Record| {
        let strand = if r.flags & 16 != 0 { '-' } else { '+' };
        let cigar = r.cigar.replace('H', "S");
        let edits = r.tags.get("NM").map_or("", String::as_str);
        format!("{},{},{strand},{cigar},{},{edits}", r.contig, r.position, r.mapq)
    };
    for piece in &pieces {
        let others = pieces.iter().filter(|other| !std::ptr::eq(**other, *piece));
        let mut expected: Vec<String> = others.map(|other| entry(other)).collect();
        let Some(text) = piece.tags.get("SA") else {
            demand(expected.is_empty(), "a piece without SA")?;
            continue;
        };
        let mut named: Vec<String> = text.trim_end_matches(';').split(';').map(str::to_owned).collect();
        let primary = pieces.iter().find(|other| other.is_primary()).map(|primary| entry(primary));
        demand(piece.is_primary() || named.first() == primary.as_ref(), "SA doesn't begin with the primary piece")?;
        named.sort();
        expected.sort();
        demand(named == expected, "SA doesn't name the other pieces")?;
    }
    Ok(())
}
