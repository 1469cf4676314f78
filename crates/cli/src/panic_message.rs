//! What is said of a bug: where it is, and nothing that could be of a read.

use std::any::Any;
use std::panic::PanicHookInfo;

/// How messages begin that hold nothing but numbers.
const NUMBERS_ONLY: [&str; 3] = ["index out of bounds: the len is ", "range start index ", "range end index "];

/// One line for standard error.
pub fn message(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    format!("svala: internal error{place}, please report it: {}", harmless(panic.payload()))
}

/// A message as far as it was in the source. One that was put together while running can show what it was about: slices of text
/// and `unwrap` do so.
fn harmless(payload: &dyn Any) -> &str {
    if let Some(literal) = payload.downcast_ref::<&'static str>() {
        return literal;
    }
    let text = payload.downcast_ref::<String>().map_or("", String::as_str);
    let is_harmless = NUMBERS_ONLY.iter().any(|start| text.starts_with(start)) && !text.contains('\n');
    if is_harmless { text } else { "its message is not shown, since it may hold data" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fail: fn(&str)) -> String {
        let panic = std::panic::catch_unwind(|| fail("ACGTACGT\u{e9}")).unwrap_err();
        harmless(&*panic).to_owned()
    }

    #[test]
    fn a_panic_shows_its_literal_and_numbers_but_no_data() {
        assert_eq!(shown(|_| panic!("never so")), "never so");
        assert!(shown(|read| drop(read.as_bytes()[read.len()])).ends_with("the len is 10 but the index is 10"));
        assert!(shown(|read| drop(read.as_bytes()[..99].to_vec())).starts_with("range end index 99"));
        let hidden: [fn(&str); 3] = [
            |read| panic!("read {read}"),
            |read| drop(read[..9].to_owned()),
            |read| drop(Err::<(), _>(read.to_owned()).unwrap()),
        ];
        for fail in hidden {
            let text = shown(fail);
            assert!(!text.contains("ACGT") && text.contains("not shown"), "{text}");
        }
    }
}
