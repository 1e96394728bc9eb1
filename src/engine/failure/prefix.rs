//! What stands before the text of a line: escapes of a terminal, times of a CI, BuildKit's steps.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use super::log::Line;

/// What CIs put before each line: GitHub (with its job and step in downloaded logs), GitLab with
/// its stream mark, Jenkins, Azure, Travis; `ts` and the like.
static STAMP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"^(?:[^\t\n]{1,80}\t[^\t\n]{1,80}\t)?(?:\xEF\xBB\xBF)?(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?|\[\d\d:\d\d:\d\d(?:[.,]\d+)?\]|\d\d:\d\d:\d\d(?:[.,]\d+)?)(?:[ \t]+\d\d[OE][+ ]|[ \t]|$)(?:##\[[a-z]+\])?",
    )
});

/// `#42 2183.6 text`, or `#42 text` for what BuildKit says of the step itself.
static STEP: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"^#(\d{1,6})(?: |$)(?:(\d+\.\d+)(?: |$))?"));

/// `2185.2 text`, in the summary of a failed step; ` => => # text` on a terminal.
static SUMMARY: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"^(?:\d+\.\d{1,3} | *(?:=> )?=> # )"));

/// Terminal escapes: `ESC [ … letter`, `ESC ] … BEL`, `ESC letter`.
static ESCAPE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(r"\x1b(?:\[[0-9:;<=>?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[@-Z\\^_=>])")
});

/// What apt prints without the end of a line; its errors, on the other stream, may come right behind.
const UNFINISHED: &[u8] = b"Reading package lists...";

fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

/// A line without what was put before its text; its range is left empty.
pub(super) fn strip(raw: &[u8]) -> Line {
    let mut bytes = Cow::Borrowed(raw);
    if memchr::memchr(0x1b, raw).is_some()
        && let Some(escape) = ESCAPE.as_ref()
    {
        bytes = Cow::Owned(escape.replace_all(raw, &b""[..]).into_owned());
    }
    let mut rest: &[u8] = &bytes;
    rest = &rest[stamp(rest)..];
    let mut line = Line {
        step: None,
        timed: false,
        text: String::new(),
        range: 0..0,
    };
    if let Some(found) = STEP.as_ref().and_then(|step| step.captures(rest)) {
        line.step = found
            .get(1)
            .and_then(|number| std::str::from_utf8(number.as_bytes()).ok()?.parse().ok());
        line.timed = found.get(2).is_some();
        rest = &rest[found.get(0).map_or(0, |all| all.end())..];
    } else if let Some(found) = SUMMARY.as_ref().and_then(|summary| summary.find(rest)) {
        line.timed = true;
        rest = &rest[found.end()..];
    }
    // Also what runs in a step may print the time.
    rest = &rest[stamp(rest)..];
    rest = rest
        .strip_prefix(UNFINISHED)
        .filter(|text| text.starts_with(b"E: "))
        .unwrap_or(rest);
    line.text = String::from_utf8_lossy(rest).trim_end().to_owned();
    line
}

/// How long the time before a text is.
fn stamp(text: &[u8]) -> usize {
    let looks_like_one = text
        .iter()
        .take(40)
        .any(|byte| matches!(byte, b':' | b'\t'));
    if !looks_like_one {
        return 0;
    }
    let found = STAMP.as_ref().and_then(|stamp| stamp.find(text));
    found.map_or(0, |found| found.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> (Option<u32>, bool, String) {
        let line = strip(raw.as_bytes());
        (line.step, line.timed, line.text)
    }

    #[test]
    fn what_stands_before_a_text_is_taken_off() {
        let bare = |text: &str| (None, false, text.to_owned());
        let step = |text: &str| (Some(42), true, text.to_owned());
        assert_eq!(read("#42 2183.6 a.c:1: error: x"), step("a.c:1: error: x"));
        assert_eq!(read("#42 1.2   indented"), step("  indented"));
        assert_eq!(
            read("#42 ERROR: x"),
            (Some(42), false, "ERROR: x".to_owned())
        );
        assert_eq!(read("#42 0.123"), step(""));
        assert_eq!(read("2185.2 x"), (None, true, "x".to_owned()));
        assert_eq!(read("a.c:1:2: x"), bare("a.c:1:2: x"));
        assert_eq!(read("# not a step"), bare("# not a step"));
        assert_eq!(read("#42 1.2 Reading package lists...E: x"), step("E: x"));
        let alone = "Reading package lists...";
        assert_eq!(read(alone), bare(alone));
        for stamp in [
            "2024-05-01T12:34:56.1234567Z ",
            "[2024-05-01T12:34:56.123Z] ",
            "2024-05-01 12:34:56,123 ",
            "2024-05-01T12:34:56.123456Z 01O ",
            "2024-05-01T12:34:56.123456Z 01E+",
            "build\tRun make\t2024-05-01T12:34:56.1234567Z ",
            "[12:34:56] ",
            "2024-05-01T12:34:56.1234567Z ##[error]",
        ] {
            assert_eq!(read(&format!("{stamp}#42 1.2 x")), step("x"), "{stamp}");
            assert_eq!(read(&format!("{stamp}x: y")), bare("x: y"), "{stamp}");
        }
    }

    #[test]
    fn escapes_and_bytes_that_are_no_text_do_no_harm() {
        assert_eq!(
            read("#42 1.0 \x1b[01m\x1b[Ka.c:1:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kx"),
            (Some(42), true, "a.c:1: error: x".to_owned())
        );
        assert_eq!(strip(b"a\xff\xfeb\x1b").text, "a\u{fffd}\u{fffd}b\u{1b}");
        assert_eq!(read("\x1b]0;title\x07x"), (None, false, "x".to_owned()));
    }
}
