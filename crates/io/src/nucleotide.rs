//! The nucleotide letters that sequence files may hold.
//!
//! Source: A. Cornish-Bowden, "Nomenclature for incompletely specified bases in nucleic acid
//! sequences: recommendations 1984", Nucleic Acids Research, 1985.

/// Upper-case form of every letter that is allowed in a read; 0 for every other byte.
///
/// U becomes T and `.`, which old base callers write for no call, becomes N.
const READ_LETTER: [u8; 256] = {
    let mut table = [0; 256];
    let letters = b"ACGTNRYSWKMBDHV";
    let mut i = 0;
    while i < letters.len() {
        table[letters[i] as usize] = letters[i];
        table[letters[i].to_ascii_lowercase() as usize] = letters[i];
        i += 1;
    }
    table[b'U' as usize] = b'T';
    table[b'u' as usize] = b'T';
    table[b'.' as usize] = b'N';
    table
};

/// Whether all bases are upper-case A, C, G, T or N, the letters of nearly every read.
///
/// It has no early exit, so that the compiler turns it into vector comparisons.
pub(crate) fn is_upper_acgtn(bases: &[u8]) -> bool {
    bases.iter().fold(true, |all, &base| {
        all & ((base == b'A') | (base == b'C') | (base == b'G') | (base == b'T') | (base == b'N'))
    })
}

/// Appends the bases of a read in their normal form; false where a byte is no nucleotide letter.
pub(crate) fn normalise_into(bases: &[u8], output: &mut Vec<u8>) -> bool {
    let start = output.len();
    output.extend(bases.iter().map(|&base| READ_LETTER[usize::from(base)]));
    !output[start..].contains(&0)
}

/// Whether `letter` may stand in a reference sequence: an IUPAC letter in either case.
pub(crate) fn is_reference_letter(letter: u8) -> bool {
    letter != b'.' && READ_LETTER[usize::from(letter)] != 0
}

/// Whether all letters are A, C, G, T or N in either case; the fast test before
/// [`is_reference_letter`].
pub(crate) fn is_acgtn(letters: &[u8]) -> bool {
    letters.iter().fold(true, |all, &letter| {
        let lower = letter | 0x20;
        all & ((lower == b'a') | (lower == b'c') | (lower == b'g') | (lower == b't') | (lower == b'n'))
    })
}

/// Complement of an IUPAC letter, upper case.
#[inline]
#[must_use]
pub fn complement_letter(base: u8) -> u8 {
    COMPLEMENTS[usize::from(base)]
}

const COMPLEMENTS: [u8; 256] = {
    const FROM: &[u8; 16] = b"ACGTRYKMBVDHSWNU";
    const TO: &[u8; 16] = b"TGCAYRMKVBHDSWNA";
    let mut table = [b'N'; 256];
    let mut i = 0;
    while i < FROM.len() {
        table[FROM[i] as usize] = TO[i];
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_judged_as_the_nomenclature_says() {
        for byte in 0..=u8::MAX {
            let upper = byte.to_ascii_uppercase();
            let is_letter = b"ACGTUNRYSWKMBDHV".contains(&upper);
            let mut output = Vec::new();
            assert_eq!(normalise_into(&[byte], &mut output), is_letter || byte == b'.');
            assert_eq!(is_reference_letter(byte), is_letter);
            assert_eq!(is_upper_acgtn(&[byte]), b"ACGTN".contains(&byte));
            assert_eq!(is_acgtn(&[byte]), b"ACGTN".contains(&upper), "{byte}");
        }
    }

    #[test]
    fn complements_are_involutions_and_cover_iupac() {
        for &letter in b"ACGTRYKMBVDHSWN" {
            assert_eq!(complement_letter(complement_letter(letter)), letter);
        }
        assert_eq!(complement_letter(b'A'), b'T');
        assert_eq!(complement_letter(b'R'), b'Y');
    }

    #[test]
    fn letters_are_normalised() {
        let mut output = b"x".to_vec();
        assert!(normalise_into(b"acgUu.Nr", &mut output));
        assert_eq!(output, b"xACGTTNNR");
    }
}
