//! Integers of variable size (CRAM specification 3.0, section 2.3): leading ones of the first byte count the bytes that follow.

/// Appends an ITF8 number: 1 to 5 bytes.
pub(super) fn put_itf8(value: i32, output: &mut Vec<u8>) {
    let bits = value as u32;
    match bits {
        0..0x80 => output.push(bits as u8),
        0x80..0x4000 => output.extend([0x80 | (bits >> 8) as u8, bits as u8]),
        0x4000..0x20_0000 => output.extend([0xc0 | (bits >> 16) as u8, (bits >> 8) as u8, bits as u8]),
        0x20_0000..0x1000_0000 => output.extend((0xe000_0000 | bits).to_be_bytes()),
        // The fifth byte holds four bits only.
        _ => output.extend([
            0xf0 | (bits >> 28) as u8,
            (bits >> 20) as u8,
            (bits >> 12) as u8,
            (bits >> 4) as u8,
            bits as u8 & 0xf,
        ]),
    }
}

/// Appends a count as an ITF8 number.
///
/// Counts are of records, blocks or bytes of one container, which stay far below 2^31.
pub(super) fn put_count(count: usize, output: &mut Vec<u8>) {
    put_itf8(count as i32, output);
}

/// Appends an LTF8 number: 1 to 9 bytes.
pub(super) fn put_ltf8(value: u64, output: &mut Vec<u8>) {
    let used_bits = 64 - value.leading_zeros();
    // Each byte behind the first costs one of its bits, and the ninth needs none of it.
    let behind = (0..8).find(|&behind| used_bits <= 7 + 7 * behind).unwrap_or(8);
    let bytes = value.to_be_bytes();
    let ones = !(0xff_u16 >> behind) as u8;
    let head = if behind < 8 { bytes[7 - behind as usize] } else { 0 };
    output.push(ones | head);
    output.extend_from_slice(&bytes[8 - behind as usize..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn itf8(value: i32) -> Vec<u8> {
        let mut output = Vec::new();
        put_itf8(value, &mut output);
        output
    }

    fn ltf8(value: u64) -> Vec<u8> {
        let mut output = Vec::new();
        put_ltf8(value, &mut output);
        output
    }

    #[test]
    fn itf8_numbers_grow_with_their_bits() {
        assert_eq!(itf8(0), [0]);
        assert_eq!(itf8(0x7f), [0x7f]);
        assert_eq!(itf8(0x80), [0x80, 0x80]);
        assert_eq!(itf8(0x3fff), [0xbf, 0xff]);
        assert_eq!(itf8(0x4000), [0xc0, 0x40, 0]);
        assert_eq!(itf8(0x1f_ffff), [0xdf, 0xff, 0xff]);
        assert_eq!(itf8(0x20_0000), [0xe0, 0x20, 0, 0]);
        assert_eq!(itf8(0xfff_ffff), [0xef, 0xff, 0xff, 0xff]);
        assert_eq!(itf8(0x1000_0000), [0xf1, 0, 0, 0, 0]);
        assert_eq!(itf8(-1), [0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(itf8(-2), [0xff, 0xff, 0xff, 0xff, 0x0e]);
    }

    #[test]
    fn ltf8_numbers_grow_with_their_bits() {
        assert_eq!(ltf8(0), [0]);
        assert_eq!(ltf8(0x7f), [0x7f]);
        assert_eq!(ltf8(0x80), [0x80, 0x80]);
        assert_eq!(ltf8(0x3fff), [0xbf, 0xff]);
        assert_eq!(ltf8(0x4000), [0xc0, 0x40, 0]);
        assert_eq!(ltf8(0x1000_0000), [0xf0, 0x10, 0, 0, 0]);
        assert_eq!(ltf8((1 << 56) - 1), [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(ltf8(1 << 56), [0xff, 1, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(ltf8(u64::MAX), [0xff; 9]);
    }
}
