//! Merging three states of a file: what envtpl wrote, what it is now, what envtpl would write.

use std::ops::Range;

use diffy::{ConflictStyle, IncompleteHunkStyle, MergeOptions};

use crate::error::{Error, Place};
use crate::installation::devcontainer::is_json;

/// Longer than anything that looks like a conflict marker in a real file.
const MARKER_LENGTH: usize = 73;

/// Two changes of the same lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The lines in the file as it is now, as bytes of its text.
    pub range: Range<usize>,
    /// What the person has there.
    pub mine: String,
    /// What envtpl would write there.
    pub theirs: String,
}

/// Why a file cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The same lines were changed on both sides.
    Clashes(Vec<Clash>),
    /// It was edited, and envtpl would remove it.
    EditedAndRemoved,
    /// The person made a file where envtpl would put another one.
    InTheWay,
    /// It is not text, and changed on both sides.
    Binary,
    /// Nobody knows what envtpl wrote there.
    Unknown,
    /// The lines go together, but it would no longer be YAML, or JSON.
    NoLongerRead,
}

/// A file that cannot be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file, as it is shown.
    pub path: String,
    /// What is in it now.
    pub mine: Vec<u8>,
    /// Why.
    pub refusal: Refusal,
}

/// Merges: `base` is what envtpl wrote, `mine` what is there now, `theirs` what envtpl would write;
/// `None` stands for "no such file". A file that the person removed stays removed.
///
/// # Errors
/// When the changes contradict each other.
pub fn merge(
    base: Option<&[u8]>,
    mine: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, Refusal> {
    let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
    if mine == theirs || base == theirs {
        return Ok(owned(mine));
    }
    if base == mine {
        return Ok(owned(theirs));
    }
    match (base, mine, theirs) {
        (_, None, _) => Ok(None),
        (None, Some(_), _) => Err(Refusal::InTheWay),
        (Some(base), Some(mine), None) => {
            if is_crlf(mine) && to_crlf(base) == mine {
                Ok(None)
            } else {
                Err(Refusal::EditedAndRemoved)
            }
        }
        (Some(base), Some(mine), Some(theirs)) => {
            if is_crlf(mine) && !base.contains(&b'\r') {
                return merge_text(&to_crlf(base), mine, &to_crlf(theirs)).map(Some);
            }
            merge_text(base, mine, theirs).map(Some)
        }
    }
}

fn merge_text(base: &[u8], mine: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Refusal> {
    if [base, mine, theirs].iter().any(|bytes| bytes.contains(&0)) {
        return Err(Refusal::Binary);
    }
    MergeOptions::new()
        .set_conflict_style(ConflictStyle::Merge)
        .set_conflict_marker_length(MARKER_LENGTH)
        .set_incomplete_hunk_style(IncompleteHunkStyle::Git)
        .merge_bytes(base, mine, theirs)
        .map_err(|marked| Refusal::Clashes(clashes(&marked, mine)))
}

/// Whether a merged file is what both sides were: when they are YAML, it has to be YAML too, and so
/// with JSON.
pub fn is_sound(path: &str, mine: &[u8], theirs: &[u8], merged: &[u8]) -> bool {
    let is_yaml = |bytes: &[u8]| serde_yaml::from_slice::<serde_yaml::Value>(bytes).is_ok();
    let is_read: &dyn Fn(&[u8]) -> bool = match path.rsplit_once('.') {
        Some((_, "yaml" | "yml")) => &is_yaml,
        Some((_, "json")) => &is_json,
        _ => return true,
    };
    merged == mine || merged == theirs || is_read(merged) || !is_read(mine) || !is_read(theirs)
}

/// Whether every line ends the way Windows ends lines.
fn is_crlf(bytes: &[u8]) -> bool {
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').peekable();
    lines.peek().is_some_and(|line| line.ends_with(b"\r\n"))
        && lines.all(|line| line.ends_with(b"\r\n") || !line.ends_with(b"\n"))
}

fn to_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut converted = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    for &byte in bytes {
        if byte == b'\n' {
            converted.push(b'\r');
        }
        converted.push(byte);
    }
    converted
}

/// Finds the conflicts of a merge with markers, and where they are in `mine`.
fn clashes(marked: &[u8], mine: &[u8]) -> Vec<Clash> {
    let marker = |byte: u8| vec![byte; MARKER_LENGTH];
    let (open, middle, close) = (marker(b'<'), marker(b'='), marker(b'>'));
    let mut found = Vec::new();
    let mut lines = Lines::new(mine);
    let mut before: &[u8] = b"";
    let mut inside: Option<Sides> = None;
    for line in marked.split_inclusive(|&byte| byte == b'\n') {
        match &mut inside {
            None if line.starts_with(&open) => inside = Some(Sides::default()),
            None => {
                lines.pass(line);
                before = line;
            }
            Some(sides) if line.starts_with(&close) => {
                found.push(Clash {
                    range: lines.locate(before, &sides.mine),
                    mine: String::from_utf8_lossy(&sides.mine.concat()).into_owned(),
                    theirs: String::from_utf8_lossy(&sides.theirs.concat()).into_owned(),
                });
                inside = None;
            }
            Some(sides) if line.starts_with(&middle) => sides.past_middle = true,
            Some(sides) if sides.past_middle => sides.theirs.push(line),
            Some(sides) => sides.mine.push(line),
        }
    }
    found
}

/// The lines of a conflict.
#[derive(Default)]
struct Sides<'a> {
    mine: Vec<&'a [u8]>,
    theirs: Vec<&'a [u8]>,
    past_middle: bool,
}

/// The lines of the person's file, of which the first ones have been accounted for.
struct Lines<'a> {
    lines: Vec<&'a [u8]>,
    next: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            lines: text.split_inclusive(|&byte| byte == b'\n').collect(),
            next: 0,
        }
    }

    /// Accounts for a merged line, if it is the next one here; otherwise envtpl added it.
    fn pass(&mut self, line: &[u8]) {
        if self.lines.get(self.next) == Some(&line) {
            self.next += 1;
        }
    }

    /// The byte range of a run of lines at or after the next one; an empty run is where the line
    /// before it ends.
    fn locate(&mut self, before: &[u8], run: &[&[u8]]) -> Range<usize> {
        let find = |rest: &[&[u8]]| {
            if run.is_empty() {
                rest.iter()
                    .position(|line| *line == before)
                    .map(|at| at + 1)
            } else {
                // A marker adds the newline that the last line of a file may lack.
                let same =
                    |one: &[u8], other: &[u8]| one.trim_ascii_end() == other.trim_ascii_end();
                rest.windows(run.len())
                    .position(|window| window.iter().zip(run).all(|(one, other)| same(one, other)))
            }
        };
        // A line that envtpl added may look like one of theirs and lead too far.
        let first = find(&self.lines[self.next..])
            .map(|at| self.next + at)
            .or_else(|| find(&self.lines))
            .unwrap_or(self.next);
        self.next = (first + run.len()).min(self.lines.len());
        let start = self.lines[..first].concat().len();
        start..start + self.lines[first..self.next].concat().len()
    }
}

/// The error for files that cannot be merged, as one: nothing is changed as long as there is one.
pub fn refusal(message: impl Into<String>, refused: &[Refused]) -> Error {
    let mut error = Error::failed(message);
    for Refused {
        path,
        mine,
        refusal,
    } in refused
    {
        let text = String::from_utf8_lossy(mine);
        match refusal {
            Refusal::Clashes(clashes) => {
                for clash in clashes {
                    let range = clash.range.start..clash.range.end.max(clash.range.start);
                    let trimmed = text[range.clone()].trim_end().len();
                    let range = range.start..range.start + trimmed;
                    let place = Place::span(path, &text, range).label("you have this");
                    let line = place.line_number().unwrap_or(1);
                    error = error.at(place).help(format!(
                        "{path}:{line}: you have\n{}instead of which envtpl would write\n{}",
                        quoted(&clash.mine),
                        quoted(&clash.theirs).trim_end(),
                    ));
                }
            }
            Refusal::EditedAndRemoved => {
                error = error
                    .at(Place::file(path).label("edited"))
                    .help(format!("{path}: you edited it, and envtpl would remove it"));
            }
            Refusal::InTheWay => {
                error = error.at(Place::file(path).label("yours")).help(format!(
                    "{path}: it is yours, and envtpl would put a file there"
                ));
            }
            Refusal::Unknown => {
                error = error.at(Place::file(path).label("edited")).help(format!(
                    "{path}: another version of envtpl wrote it, and git has no copy of what it \
                         wrote, so your edits cannot be told apart"
                ));
            }
            Refusal::NoLongerRead => {
                error = error.at(Place::file(path).label("edited")).help(format!(
                    "{path}: with your edits, what envtpl would write is no longer valid {}",
                    if path.ends_with(".json") {
                        "JSON"
                    } else {
                        "YAML"
                    }
                ));
            }
            Refusal::Binary => {
                error = error
                    .at(Place::file(path).label("not text"))
                    .help(format!("{path}: it is not text, so edits cannot be merged"));
            }
        }
    }
    error
}

fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "    (nothing)\n".to_owned();
    }
    text.lines().map(|line| format!("    {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merged(base: &str, mine: &str, theirs: &str) -> String {
        let merged = merge(
            Some(base.as_bytes()),
            Some(mine.as_bytes()),
            Some(theirs.as_bytes()),
        );
        String::from_utf8(merged.expect("merges").expect("a file")).expect("utf-8")
    }

    #[test]
    fn edits_apart_from_each_other_are_both_kept() {
        assert_eq!(
            merged("a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n", "a\nb\nc\nd\nE\n"),
            "a\nB\nc\nd\nE\n"
        );
    }

    #[test]
    fn a_file_with_windows_line_ends_keeps_them() {
        assert_eq!(merged("a\nb\n", "a\r\nb\r\n", "a\nc\n"), "a\r\nc\r\n");
        assert_eq!(
            merged("a\nb\nc\nd\n", "A\r\nb\r\nc\r\nd\r\n", "a\nb\nc\nD\n"),
            "A\r\nb\r\nc\r\nD\r\n"
        );
    }

    #[test]
    fn a_removed_file_stays_removed() {
        assert_eq!(merge(Some(b"a"), None, Some(b"b")), Ok(None));
    }

    #[test]
    fn files_that_contradict_are_refused() {
        assert_eq!(
            merge(Some(b"a"), Some(b"b"), None),
            Err(Refusal::EditedAndRemoved)
        );
        assert_eq!(merge(None, Some(b"b"), Some(b"c")), Err(Refusal::InTheWay));
        assert_eq!(
            merge(Some(b"a\0"), Some(b"b\0"), Some(b"c\0")),
            Err(Refusal::Binary)
        );
        assert_eq!(merge(None, Some(b"b"), Some(b"b")), Ok(Some(b"b".to_vec())));
    }

    #[test]
    fn a_clash_names_the_line_and_both_texts() {
        let base = b"one\ntwo\nthree\nfour\n";
        let mine = b"zero\none\ntwo\nTHREE\nfour\n";
        let theirs = b"one\ntwo\nthird\nfour\n";
        let Err(Refusal::Clashes(clashes)) = merge(Some(base), Some(mine), Some(theirs)) else {
            panic!("it clashes");
        };
        assert_eq!(clashes.len(), 1);
        assert_eq!(clashes[0].mine, "THREE\n");
        assert_eq!(clashes[0].theirs, "third\n");
        assert_eq!(&mine[clashes[0].range.clone()], b"THREE\n");
        let error = refusal(
            "cannot",
            &[Refused {
                path: "f".into(),
                mine: mine.to_vec(),
                refusal: Refusal::Clashes(clashes),
            }],
        );
        assert_eq!(error.places()[0].to_string(), "f:4");
    }

    #[test]
    fn yaml_that_is_merged_is_still_yaml() {
        let sound = |merged: &[u8]| is_sound("compose.yaml", b"a: 1\n", b"b: 1\n", merged);
        assert!(sound(b"a: 1\nb: 1\n"));
        assert!(!sound(b"a: 1\na: 1\n") && !sound(b"a: [\n"));
        assert!(is_sound("README.md", b"a", b"b", b"["));
        assert!(is_sound("x.yml", b"[", b"b: 1", b"[b: 1"));
    }

    #[test]
    fn a_removed_line_that_was_changed_is_located_too() {
        let Err(Refusal::Clashes(clashes)) = merge(
            Some(b"one\ntwo\nthree\n"),
            Some(b"one\nthree\n"),
            Some(b"one\nTWO\nthree\n"),
        ) else {
            panic!("it clashes");
        };
        assert_eq!(clashes[0].mine, "");
        assert_eq!(clashes[0].theirs, "TWO\n");
        assert_eq!(clashes[0].range, 4..4);
    }

    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec("[ab<=>é]{0,2}", 0..8).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            cases: 1000,
            ..ProptestConfig::default()
        })]

        #[test]
        fn nothing_panics_and_ranges_are_real(base in text(), mine in text(), theirs in text()) {
            if let Err(refused) =
                merge(Some(base.as_bytes()), Some(mine.as_bytes()), Some(theirs.as_bytes()))
            {
                if let Refusal::Clashes(clashes) = &refused {
                    prop_assert!(!clashes.is_empty());
                    for clash in clashes {
                        prop_assert_eq!(
                            mine[clash.range.clone()].trim_end(), clash.mine.trim_end()
                        );
                    }
                }
                let mine = mine.into_bytes();
                refusal("x", &[Refused { path: "f".into(), mine, refusal: refused }]);
            }
        }

        #[test]
        fn what_only_one_side_changed_is_taken(base in text(), other in text()) {
            let (base, other) = (Some(base.as_bytes()), Some(other.as_bytes()));
            prop_assert_eq!(merge(base, other, base), Ok(other.map(<[u8]>::to_vec)));
            prop_assert_eq!(merge(base, base, other), Ok(other.map(<[u8]>::to_vec)));
        }
    }
}
