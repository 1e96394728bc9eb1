//! Lists of Debian packages: names, perhaps with an architecture and a version, and comments.
//!
//! The format is the one that `xargs apt-get install` reads once comments are cut away: names
//! between white space, one or several a line, each `name`, `name:architecture`, `name=version` or
//! `name:architecture=version`. A comment starts at a `#` at the start of a line or behind white
//! space. Names follow Debian policy 5.6.1, versions 5.6.12.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use crate::error::{Error, Place, Result};

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// One package of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptEntry {
    /// The package's name, without architecture and version.
    pub name: String,
    /// The version behind `=`, if there is one.
    pub version: Option<String>,
    /// The architecture behind `:`, if there is one.
    pub arch: Option<String>,
    /// Where the entry stands in the text, in bytes.
    pub span: Range<usize>,
}

impl AptEntry {
    /// Reads one word of a list, which starts at byte `start` of the text.
    fn parse(word: &str, start: usize) -> Result<Self, Fault> {
        let (head, version) = match word.split_once('=') {
            Some((head, version)) => (head, Some(version)),
            None => (word, None),
        };
        let (name, arch) = match head.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (head, None),
        };
        check_name(name, word)?;
        arch.map_or(Ok(()), |arch| check_arch(arch, word))?;
        version.map_or(Ok(()), |version| check_version(version, word))?;
        Ok(Self {
            name: name.to_owned(),
            version: version.map(str::to_owned),
            arch: arch.map(str::to_owned),
            span: start..start + word.len(),
        })
    }

    /// Whether both stand for the same package; the version makes no difference.
    fn same_package(&self, other: &Self) -> bool {
        (&self.name, &self.arch) == (&other.name, &other.arch)
    }
}

/// As it is written in a list.
impl fmt::Display for AptEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(arch) = &self.arch {
            write!(f, ":{arch}")?;
        }
        match &self.version {
            Some(version) => write!(f, "={version}"),
            None => Ok(()),
        }
    }
}

/// A list of Debian packages, with every byte of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptList {
    text: String,
    entries: Vec<AptEntry>,
}

impl AptList {
    /// Reads a list; `path` is for messages alone. Errors are `Usage` and mark the wrong word.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for word in words(text) {
            let entry = AptEntry::parse(&text[word.clone()], word.start)
                .map_err(|fault| fault.error().at(Place::span(path, text, word)))?;
            entries.push(entry);
        }
        Ok(Self {
            text: text.to_owned(),
            entries,
        })
    }

    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The packages, as they stand.
    pub fn entries(&self) -> &[AptEntry] {
        &self.entries
    }

    /// The packages' names, without architecture and version, as they stand.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Whether a package of this name is listed, in any version and for any architecture.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Packages that stand more than once, each with its first entry.
    pub fn duplicates(&self) -> Vec<(&AptEntry, &AptEntry)> {
        let mut first = HashMap::new();
        let mut duplicates = Vec::new();
        for entry in &self.entries {
            match first.get(&(&entry.name, &entry.arch)) {
                Some(earlier) => duplicates.push((*earlier, entry)),
                None => {
                    first.insert((&entry.name, &entry.arch), entry);
                }
            }
        }
        duplicates
    }

    /// Adds a package (`name`, or with `:architecture` and `=version`) on a line of its own at the
    /// end. Says whether the list changed: a package that is listed already, in whatever version,
    /// stays as it is. What is no package is refused (`Usage`).
    pub fn add(&mut self, package: &str) -> Result<bool> {
        let mut entry = AptEntry::parse(package, 0).map_err(|fault| fault.error())?;
        if self.entries.iter().any(|known| known.same_package(&entry)) {
            return Ok(false);
        }
        let newline = newline_of(&self.text);
        if !matches!(
            self.text.chars().next_back(),
            None | Some('\n' | BYTE_ORDER_MARK)
        ) {
            self.text.push_str(newline);
        }
        let start = self.text.len();
        entry.span = start..start + package.len();
        self.text.push_str(package);
        self.text.push_str(newline);
        self.entries.push(entry);
        Ok(true)
    }

    /// Sets the version of every entry of a package, `name=version`, where it stands. Says whether
    /// the list changed. What is no version is refused (`Usage`).
    pub fn pin(&mut self, name: &str, arch: Option<&str>, version: &str) -> Result<bool> {
        let word = format!("{name}={version}");
        check_version(version, &word).map_err(|fault| fault.error())?;
        let mut changed = false;
        for index in 0..self.entries.len() {
            let entry = &mut self.entries[index];
            let same = entry.name == name && entry.arch.as_deref() == arch;
            if !same || entry.version.as_deref() == Some(version) {
                continue;
            }
            entry.version = Some(version.to_owned());
            let before = entry.span.clone();
            let word = entry.to_string();
            entry.span.end = before.start + word.len();
            self.text.replace_range(before.clone(), &word);
            for later in &mut self.entries[index + 1..] {
                let moved = |at: usize| at - before.len() + word.len();
                later.span = moved(later.span.start)..moved(later.span.end);
            }
            changed = true;
        }
        Ok(changed)
    }

    /// Removes every entry of this name and says whether there was one. A line that held nothing
    /// else goes as a whole, with the comment behind the name; of other lines the rest stays.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        while let Some(index) = self.entries.iter().position(|entry| entry.name == name) {
            let cut = self.cut_for(index);
            self.entries.remove(index);
            for entry in &mut self.entries[index..] {
                entry.span = entry.span.start - cut.len()..entry.span.end - cut.len();
            }
            self.text.replace_range(cut, "");
        }
        self.entries.len() < before
    }

    /// What goes with an entry: its line, or the word and the white space on one side.
    fn cut_for(&self, index: usize) -> Range<usize> {
        let span = self.entries[index].span.clone();
        let start = self.text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let start = if start == 0 {
            without_mark(&self.text)
        } else {
            start
        };
        let end = self.text[span.end..]
            .find('\n')
            .map_or(self.text.len(), |at| span.end + at + 1);
        let on_line = |entry: &AptEntry| (start..end).contains(&entry.span.start);
        if self.entries.iter().filter(|entry| on_line(entry)).count() == 1 {
            return start..end;
        }
        let rest = &self.text[span.end..end];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        match rest[blank..].chars().next() {
            Some(c) if !c.is_whitespace() => span.start..span.end + blank,
            _ => self.text[..span.start].trim_end().len().max(start)..span.end,
        }
    }
}

/// The text, byte for byte.
impl fmt::Display for AptList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The byte ranges of the words that are no comments.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut at = without_mark(text);
    for line in text[at..].split_inclusive('\n') {
        let mut rest = line;
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
            if rest.is_empty() || rest.starts_with('#') {
                break;
            }
            let length = rest
                .find(|c: char| c.is_ascii_whitespace())
                .unwrap_or(rest.len());
            let start = at + line.len() - rest.len();
            words.push(start..start + length);
            rest = &rest[length..];
        }
        at += line.len();
    }
    words
}

/// Where the text starts behind a byte order mark.
fn without_mark(text: &str) -> usize {
    if text.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len_utf8()
    } else {
        0
    }
}

/// The line ending that the text uses.
fn newline_of(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// What is wrong with a word, and what to do about it.
struct Fault {
    message: String,
    help: String,
}

impl Fault {
    fn new(word: &str, why: impl fmt::Display, help: impl Into<String>) -> Self {
        Self {
            message: format!("`{}` is no package: {why}", shortened(word)),
            help: help.into(),
        }
    }

    fn error(self) -> Error {
        Error::usage(self.message).help(self.help)
    }
}

/// A word that fits in a message, on one line.
fn shortened(word: &str) -> String {
    const LONGEST: usize = 64;
    let shown: String = word
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    let more = if word.chars().nth(LONGEST).is_some() {
        "…"
    } else {
        ""
    };
    format!("{shown}{more}")
}

/// Debian policy 5.6.1: lower case letters, digits, `+`, `-` and `.`, at least two characters, the
/// first one a letter or digit. apt reads `name-` as "remove name", so that is refused too.
fn check_name(name: &str, word: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        return Err(wrong_character(c, name, word));
    }
    let rule = "names have two or more of a-z, 0-9, +, - and ., and start with a letter or digit";
    match name.chars().next() {
        None => Err(Fault::new(word, "it has no name", rule)),
        Some('-') => Err(Fault::new(
            word,
            "it starts with `-`",
            "options of apt-get have no place in a list of packages",
        )),
        Some('+' | '.') => Err(Fault::new(
            word,
            "it starts with neither letter nor digit",
            rule,
        )),
        Some(_) if name.len() < 2 => Err(Fault::new(word, "it has one character", rule)),
        Some(_) if name.ends_with('-') => Err(Fault::new(
            word,
            "apt-get would remove what ends with `-`",
            "remove the line instead, and the package with it",
        )),
        Some(_) => Ok(()),
    }
}

/// Explains a character that no name may hold by what somebody probably meant.
fn wrong_character(c: char, name: &str, word: &str) -> Fault {
    let why = format!("`{}` is not allowed in names", c.escape_debug());
    match c {
        '<' | '>' | '~' | '!' => Fault::new(
            word,
            why,
            "apt-get takes exact versions alone: write `name=version`, or the name alone",
        ),
        '#' => Fault::new(
            word,
            why,
            "put a space before the `#` that starts a comment",
        ),
        '\\' => Fault::new(
            word,
            why,
            "lines need no `\\` at their end: one name a line",
        ),
        ',' => Fault::new(
            word,
            why,
            "put a space or a new line between names, no comma",
        ),
        '/' => Fault::new(
            word,
            why,
            "files and target releases are not supported: write `name=version`",
        ),
        '_' => Fault::new(
            word,
            why,
            format!("did you mean `{}`?", name.replace('_', "-")),
        ),
        c if c.is_ascii_uppercase() => Fault::new(
            word,
            "names have no upper case",
            format!("did you mean `{}`?", name.to_lowercase()),
        ),
        c if "$`;|&(){}[]*?'\"".contains(c) => Fault::new(
            word,
            why,
            "a list holds names alone; commands belong in the Dockerfile",
        ),
        _ => Fault::new(
            word,
            why,
            "names have a-z, 0-9, +, - and ., such as `libgl1-mesa-dev`",
        ),
    }
}

/// An architecture as dpkg calls it: letters, digits and `-`.
fn check_arch(arch: &str, word: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if arch.is_empty() || !arch.chars().all(allowed) {
        return Err(Fault::new(
            word,
            format!("`{}` is no architecture", shortened(arch)),
            "architectures are amd64, arm64, i386 and so on, as in `libc6:i386`",
        ));
    }
    Ok(())
}

/// Debian policy 5.6.12: letters, digits and `.`, `+`, `-`, `:`, `~`; apt takes `*` besides.
fn check_version(version: &str, word: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".+-:~*".contains(c);
    if version.starts_with('=') {
        return Err(Fault::new(
            word,
            "`==` is pip's",
            format!("write `{}`", shortened(&word.replacen("==", "=", 1))),
        ));
    }
    if version.is_empty() || !version.chars().all(allowed) {
        return Err(Fault::new(
            word,
            format!("`{}` is no version", shortened(version)),
            "`apt-cache policy NAME` shows the versions that there are",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use proptest::prelude::*;

    fn read(text: &str) -> AptList {
        AptList::parse(Path::new("apt.txt"), text).expect(text)
    }

    fn refused(text: &str) -> Error {
        AptList::parse(Path::new("apt.txt"), text).expect_err(text)
    }

    #[test]
    fn names_versions_and_architectures_are_read() {
        let list = read("jq=1.6-2.1\n  libc6:i386=2.36-9+deb12u4 g++\t# a compiler\n\n#curl\n");
        let shown: Vec<_> = list.entries().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["jq=1.6-2.1", "libc6:i386=2.36-9+deb12u4", "g++"]);
        assert_eq!(list.entries()[1].arch.as_deref(), Some("i386"));
        assert_eq!(list.entries()[1].version.as_deref(), Some("2.36-9+deb12u4"));
        assert!(list.contains("libc6") && !list.contains("curl"));
    }

    #[test]
    fn other_systems_line_endings_and_marks_are_no_part_of_names() {
        let text = "\u{feff}# list\r\njq\r\ncurl";
        let mut list = read(text);
        assert_eq!(list.names().collect::<Vec<_>>(), ["jq", "curl"]);
        assert_eq!(list.to_string(), text);
        assert!(list.add("git").expect("a name"));
        assert_eq!(list.text(), "\u{feff}# list\r\njq\r\ncurl\r\ngit\r\n");
    }

    #[test]
    fn an_empty_list_takes_names() {
        for (text, expected) in [
            ("", "jq\n"),
            ("\u{feff}", "\u{feff}jq\n"),
            ("# x", "# x\njq\n"),
        ] {
            let mut list = read(text);
            assert!(list.add("jq").expect("a name"));
            assert!(!list.add("jq=1.6").expect("a name"));
            assert_eq!(list.text(), expected);
        }
    }

    #[test]
    fn removing_leaves_the_other_names_of_a_line() {
        for (text, expected) in [
            ("a1 bb c3 # all\n", "a1 c3 # all\n"),
            ("bb c3\n", "c3\n"),
            ("  a1 bb\r\nc3", "  a1\r\nc3"),
            ("a1 bb # comment\n", "a1 # comment\n"),
            ("a1\nbb # why\n# more\n", "a1\n# more\n"),
            ("\u{feff}bb\nc3\n", "\u{feff}c3\n"),
            ("bb bb\nbb:i386 a1", "a1"),
        ] {
            let mut list = read(text);
            assert!(list.remove("bb"));
            assert_eq!(list.text(), expected, "{text:?}");
            assert_eq!(list, read(expected));
            assert!(!list.remove("bb"));
        }
    }

    #[test]
    fn pins_change_the_version_alone() {
        let mut list = read("\u{feff}jq curl=1 # two\r\njq:i386 jq\t# again\r\n");
        assert!(list.pin("jq", None, "1.6-2.1").expect("a version"));
        assert!(list.pin("curl", None, "2:7.88+x~1").expect("a version"));
        let expected =
            "\u{feff}jq=1.6-2.1 curl=2:7.88+x~1 # two\r\njq:i386 jq=1.6-2.1\t# again\r\n";
        assert_eq!(list.text(), expected);
        assert_eq!(list, read(expected));
        assert!(!list.pin("jq", None, "1.6-2.1").expect("a version"));
        assert!(!list.pin("git", None, "1").expect("a version"));
        assert!(list.pin("jq", Some("i386"), "1").expect("a version"));
        list.pin("jq", None, "1 2").expect_err("no version");
    }

    #[test]
    fn duplicates_are_told() {
        let list = read("jq curl\njq=1 curl:i386\njq\n");
        let shown: Vec<_> = list
            .duplicates()
            .into_iter()
            .map(|(first, again)| (first.span.start, again.to_string()))
            .collect();
        assert_eq!(shown, [(0, "jq=1".to_owned()), (0, "jq".to_owned())]);
    }

    #[test]
    fn what_is_no_package_is_refused_with_place_and_help() {
        for (text, why, help) in [
            ("jq\nCurl\n", "upper case", "`curl`"),
            ("jq\nfoo>=1\n", "`>` is not allowed", "exact versions"),
            ("jq\nfoo==1\n", "pip's", "`foo=1`"),
            ("jq\nfoo;reboot\n", "`;` is not", "names alone"),
            ("jq\n$(id)\n", "`$` is not", "names alone"),
            ("jq\ncurl \\\n", "not allowed", "need no"),
            ("jq\ncurl, git\n", "`,` is not", "no comma"),
            ("jq\ncurl#x\n", "`#` is not", "a space before"),
            ("jq\nlib_x\n", "`_` is not", "`lib-x`"),
            ("jq\nfoo/sid\n", "`/` is not", "name=version"),
            ("jq\n-y\n", "starts with `-`", "options"),
            ("jq\nfoo-\n", "would remove", "remove the line"),
            ("jq\nx\n", "one character", "two or more"),
            ("jq\n=1\n", "no name", "two or more"),
            ("jq\nfoo=\n", "is no version", "apt-cache policy"),
            ("jq\nfoo=1$x\n", "`1$x` is no version", "apt-cache policy"),
            ("jq\nfoo:\n", "is no architecture", "amd64"),
            ("jq\ncurl\u{a0}git\n", "\\u{a0}", "a-z"),
            ("jq\né\n", "`é` is not", "a-z"),
        ] {
            let error = refused(text);
            assert_eq!(error.kind(), Kind::Usage);
            assert_eq!(error.places()[0].line_number(), Some(2), "{text:?}");
            assert!(error.message().contains(why), "{text:?}: {error}");
            assert!(
                error.helps().concat().contains(help),
                "{text:?}: {:?}",
                error.helps()
            );
        }
    }

    fn any_list() -> impl Strategy<Value = String> {
        let word = "[a-d][a-d0-9]{1,2}(:i386)?(=[0-9]\\.[0-9]-[0-9])?";
        let line = (
            proptest::collection::vec(word, 0..4),
            "[ \t]{0,2}",
            "( #[ -~é]{0,8})?",
            prop_oneof![Just("\n"), Just("\r\n")],
        )
            .prop_map(|(words, indent, comment, end)| {
                format!("{indent}{}{comment}{end}", words.join(" "))
            });
        (
            "\u{feff}?",
            proptest::collection::vec(line, 0..8),
            any::<bool>(),
        )
            .prop_map(|(mark, lines, cut)| {
                let text = mark + &lines.concat();
                if cut {
                    text.trim_end().to_owned()
                } else {
                    text
                }
            })
    }

    proptest! {
        #[test]
        fn printing_is_the_identity(text in any_list()) {
            prop_assert_eq!(read(&text).to_string(), text);
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,40}") {
            let _ = AptList::parse(Path::new("apt.txt"), &text);
        }

        #[test]
        fn adding_keeps_what_is_there(text in any_list(), name in "[a-d][a-d0-9]{1,2}") {
            let before = read(&text);
            let mut after = before.clone();
            let changed = after.add(&name).expect("a name");
            prop_assert!(after.contains(&name));
            prop_assert!(after.text().starts_with(&text));
            prop_assert_eq!(after.entries().len(), before.entries().len() + usize::from(changed));
            prop_assert!(!after.add(&name).expect("a name"));
            prop_assert_eq!(&read(after.text()), &after);
        }

        #[test]
        fn pinning_changes_that_version_alone(text in any_list(), name in "[a-d][a-d0-9]{1,2}") {
            let before = read(&text);
            let mut after = before.clone();
            let known = before.entries().iter().any(|entry| {
                entry.name == name && entry.arch.is_none() && entry.version.as_deref() != Some("7-1")
            });
            prop_assert_eq!(after.pin(&name, None, "7-1").expect("a version"), known);
            prop_assert_eq!(&read(after.text()), &after);
            let mut expected = before.entries().to_vec();
            for (entry, now) in expected.iter_mut().zip(after.entries()) {
                if entry.name == name && entry.arch.is_none() {
                    entry.version = Some("7-1".into());
                }
                entry.span = now.span.clone();
            }
            prop_assert_eq!(after.entries(), expected.as_slice());
            let comments = |text: &str| text.matches('#').count();
            prop_assert_eq!(comments(after.text()), comments(&text));
        }

        #[test]
        fn removing_takes_that_name_alone(text in any_list(), name in "[a-d][a-d0-9]{1,2}") {
            let before = read(&text);
            let mut after = before.clone();
            prop_assert_eq!(after.remove(&name), before.contains(&name));
            let kept: Vec<_> = before.names().filter(|known| *known != name).collect();
            prop_assert_eq!(after.names().collect::<Vec<_>>(), kept);
            prop_assert_eq!(&read(after.text()), &after);
        }
    }
}
