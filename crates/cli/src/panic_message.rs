//! What is said of a bug: where it is, and nothing that could be of a read.

use std::any::Any;
use std::panic::PanicHookInfo;

/// How messages begin that hold nothing but numbers.
const NUMBERS_ONLY: [&str; 3] = ["index out of bounds: the len is ", "range start index ", "range end index "];

/// What libraries panic with where the system refuses a thread: the standard library, and rayon.
const REFUSED_THREAD: [&str; 2] = ["failed to spawn thread: ", "ThreadPoolBuildError { kind: IOError("];

/// What is said of that, in place of an error.
const NO_THREAD: &str = "svala: cannot start a thread; use fewer threads or raise the limits of memory and processes";

/// What the standard library panics with where a thread that begins gets no memory for its stack of signals; nothing catches it there.
const REFUSED_STACK: [&str; 2] =
    ["failed to allocate an alternative stack: ", "failed to set up alternative stack guard page: "];

/// Whether it is no bug: the system refuses a thread to a library.
pub fn is_refused_thread(payload: &dyn Any) -> bool {
    payload.downcast_ref::<String>().is_some_and(|text| REFUSED_THREAD.iter().any(|part| text.contains(part)))
}

/// Whether it is no bug: there is no memory for a thread that begins.
pub fn is_refused_stack(payload: &dyn Any) -> bool {
    payload.downcast_ref::<String>().is_some_and(|text| REFUSED_STACK.iter().any(|start| text.starts_with(start)))
}

/// One line for standard error.
pub fn message(panic: &PanicHookInfo<'_>) -> String {
    if is_refused_thread(panic.payload()) {
        return NO_THREAD.into();
    }
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
    fn a_refused_thread_is_no_bug() {
        let text =
            "called `Result::unwrap()` on an `Err` value: ThreadPoolBuildError { kind: IOError(Os { code: 11 }) }";
        assert!(is_refused_thread(&text.to_owned()) && !is_refused_thread(&"another".to_owned()));
        let refused = || Err::<(), _>(std::io::Error::from(std::io::ErrorKind::WouldBlock));
        let panic = std::panic::catch_unwind(|| refused().expect("failed to spawn thread")).unwrap_err();
        assert!(is_refused_thread(&*panic));
    }

    #[test]
    fn a_refused_stack_is_no_bug() {
        let refused = || panic!("failed to allocate an alternative stack: {}", std::io::Error::from_raw_os_error(12));
        assert!(is_refused_stack(&*std::panic::catch_unwind(refused).unwrap_err()));
        assert!(!is_refused_stack(&"another".to_owned()));
    }

    #[test]
    fn a_panic_shows_its_literal_and_numbers_but_no_data() {
        assert_eq!(shown(|_| panic!("never so")), "never so");
        assert!(shown(|read| assert!(read.as_bytes()[read.len()] > 0)).ends_with("the len is 10 but the index is 10"));
        assert!(shown(|read| drop(read.as_bytes()[..99].to_vec())).starts_with("range end index 99"));
        let hidden: [fn(&str); 3] = [
            |read| panic!("read {read}"),
            |read| drop(read[..9].to_owned()),
            |read| assert!(read.parse::<u32>().map_err(|_| read.to_owned()).unwrap() > 0),
        ];
        for fail in hidden {
            let text = shown(fail);
            assert!(!text.contains("ACGT") && text.contains("not shown"), "{text}");
        }
    }
}
