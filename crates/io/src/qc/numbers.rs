//! Numbers as the programs write them whose formats we share.

/// At most six decimals and no zeros at the end, as htsjdk writes metrics.
pub(crate) fn six_decimals(value: f64) -> String {
    without_trailing_zeros(format!("{value:.6}"))
}

/// C's `%.{digits}g`.
pub(super) fn general(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    // The exponent after rounding decides, so it is read off the rounded text.
    let text = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        return format!("{}{}", without_trailing_zeros(mantissa.into()), c_exponent(exponent));
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    without_trailing_zeros(format!("{value:.decimals$}"))
}

/// C's `%e`.
pub(super) fn exponential(value: f64) -> String {
    let text = format!("{value:.6e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{mantissa}{}", c_exponent(exponent.parse().unwrap_or(0)))
}

fn c_exponent(exponent: i32) -> String {
    format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn without_trailing_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_c_and_java() {
        let six = |value| general(value, 6);
        assert_eq!(
            [0.0, 100.0, 9.643_86, 113.876_41, 0.148_051, 1e-5, 1_234_567.0, 999_999.5].map(six),
            ["0", "100", "9.64386", "113.876", "0.148051", "1e-05", "1.23457e+06", "1e+06"]
        );
        assert_eq!([35.64, 59.96, 60.0, 0.0].map(|value| general(value, 3)), ["35.6", "60", "60", "0"]);
        assert_eq!([7.787_317e-3, 0.0, 12.0].map(exponential), ["7.787317e-03", "0.000000e+00", "1.200000e+01"]);
        assert_eq!([56.413_35, 187.0, 0.022_685_4, 1e-9].map(six_decimals), ["56.41335", "187", "0.022685", "0"]);
    }
}
