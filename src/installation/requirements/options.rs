//! Options in requirements files: which there are, and how pip takes them apart.

use super::fault::{Fault, shown};
use super::location::Location;

/// An option as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOption {
    /// The option's long name, such as `--index-url`, however it was written.
    pub name: &'static str,
    /// Its value, if it takes one.
    pub value: Option<Location>,
}

/// An option that pip knows.
struct Known {
    /// All spellings; the first one is the name that we use.
    names: &'static [&'static str],
    takes_value: bool,
    /// Whether it belongs to the requirement before it.
    of_requirement: bool,
}

const fn flag(names: &'static [&'static str]) -> Known {
    Known {
        names,
        takes_value: false,
        of_requirement: false,
    }
}

const fn valued(names: &'static [&'static str]) -> Known {
    Known {
        names,
        takes_value: true,
        of_requirement: false,
    }
}

const fn of_requirement(names: &'static [&'static str]) -> Known {
    Known {
        names,
        takes_value: true,
        of_requirement: true,
    }
}

/// pip's `SUPPORTED_OPTIONS` and `SUPPORTED_OPTIONS_REQ`, of its versions 22 to 26.
const KNOWN: [Known; 20] = [
    valued(&["--requirement", "-r"]),
    valued(&["--constraint", "-c"]),
    valued(&["--editable", "-e"]),
    valued(&["--index-url", "-i", "--pypi-url"]),
    valued(&["--extra-index-url"]),
    flag(&["--no-index"]),
    valued(&["--find-links", "-f"]),
    valued(&["--no-binary"]),
    valued(&["--only-binary"]),
    flag(&["--prefer-binary"]),
    flag(&["--require-hashes"]),
    flag(&["--pre"]),
    valued(&["--all-releases"]),
    valued(&["--only-final"]),
    valued(&["--trusted-host"]),
    valued(&["--use-feature"]),
    of_requirement(&["--hash"]),
    of_requirement(&["--config-settings", "-C", "--config-setting"]),
    of_requirement(&["--global-option"]),
    of_requirement(&["--install-option"]),
];

/// An option on a line, with the words that it was written with.
pub(super) struct Found<'a> {
    pub option: FileOption,
    pub of_requirement: bool,
    pub written: &'a str,
}

/// A word as the shell would see it, and as it is written.
struct Word<'a> {
    written: &'a str,
    value: String,
}

/// Where a line's options start: at the first word that starts with `-`, as pip has it.
pub(super) fn start_of_options(content: &str) -> usize {
    if content.starts_with('-') {
        return 0;
    }
    content.find(" -").map_or(content.len(), |at| at + 1)
}

/// The options of a line.
pub(super) fn parse(text: &str) -> Result<Vec<Found<'_>>, Fault<'_>> {
    let mut found = Vec::new();
    let mut words = words(text)?.into_iter();
    while let Some(word) = words.next() {
        if !word.value.starts_with('-') {
            return Err(Fault::new(
                word.written,
                format!("`{}` belongs to no option", shown(&word.value)),
                "one option or requirement a line; put a value with spaces between quotes",
            ));
        }
        let (known, attached) = look_up(&word)?;
        let name = known.names[0];
        let value = match (known.takes_value, attached) {
            (true, Some(value)) => Some(value),
            (true, None) => Some(words.next().map(|next| next.value).ok_or_else(|| {
                Fault::new(
                    word.written,
                    format!("`{name}` has no value"),
                    "write it behind, after a space or `=`",
                )
            })?),
            (false, None) => None,
            (false, Some(_)) => {
                return Err(Fault::new(
                    word.written,
                    format!("`{name}` takes no value"),
                    "leave the `=` and what follows out",
                ));
            }
        };
        if name == "--hash" {
            check_hash(&word, value.as_deref().unwrap_or_default())?;
        }
        found.push(Found {
            option: FileOption {
                name,
                value: value.map(Location::new),
            },
            of_requirement: known.of_requirement,
            written: word.written,
        });
    }
    Ok(found)
}

/// The option that a word names, and the value inside the same word.
fn look_up<'a>(word: &Word<'a>) -> Result<(&'static Known, Option<String>), Fault<'a>> {
    let (name, attached) = match word.value.split_once('=') {
        Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
        _ => (word.value.as_str(), None),
    };
    if let Some(known) = KNOWN.iter().find(|known| known.names.contains(&name)) {
        return Ok((known, attached));
    }
    if !name.starts_with("--") {
        let short = name.get(..2).unwrap_or(name);
        let rest = name.get(2..).unwrap_or_default();
        return KNOWN
            .iter()
            .find(|known| known.takes_value && known.names.contains(&short))
            .map(|known| (known, Some(rest.to_owned())))
            .ok_or_else(|| unknown(word));
    }
    // Python's optparse takes the start of a name when it is the start of no other.
    let starts = |known: &&Known| known.names.iter().any(|full| full.starts_with(name));
    let mut candidates = KNOWN.iter().filter(starts);
    match (candidates.next(), candidates.next()) {
        (Some(known), None) if name.len() > 2 => Ok((known, attached)),
        _ => Err(unknown(word)),
    }
}

fn unknown<'a>(word: &Word<'a>) -> Fault<'a> {
    Fault::new(
        word.written,
        format!(
            "pip knows no option `{}` in requirements files",
            shown(&word.value)
        ),
        "it takes -r, -c, -e, -i, -f, --extra-index-url, --no-index, --no-binary, --only-binary, --prefer-binary, --pre, --trusted-host, --require-hashes, --use-feature, and --hash and --config-settings behind a requirement",
    )
}

/// pip takes sha256, sha384 and sha512 in hexadecimal.
fn check_hash<'a>(word: &Word<'a>, value: &str) -> Result<(), Fault<'a>> {
    if value.contains("${") {
        return Ok(());
    }
    let (algorithm, digest) = value.split_once(':').unwrap_or((value, ""));
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => 0,
    };
    if digest.len() == length && length > 0 && digest.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(Fault::new(
        word.written,
        format!("`{}` is no hash", shown(value)),
        "write `--hash=sha256:` and 64 hexadecimal digits, or sha384 or sha512",
    ))
}

/// Takes a text apart as a POSIX shell does: quotes and `\` keep white space together.
fn words(text: &str) -> Result<Vec<Word<'_>>, Fault<'_>> {
    let mut words = Vec::new();
    let mut characters = text.char_indices().peekable();
    loop {
        while characters
            .next_if(|(_, c)| c.is_ascii_whitespace())
            .is_some()
        {}
        let Some(&(start, _)) = characters.peek() else {
            return Ok(words);
        };
        let mut value = String::new();
        let mut quote = None;
        let mut end = text.len();
        while let Some((at, c)) = characters.next() {
            match (quote, c) {
                (None, c) if c.is_ascii_whitespace() => {
                    end = at;
                    break;
                }
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), c) if c == open => quote = None,
                (None | Some('"'), '\\') => match characters.next() {
                    Some((_, next)) => {
                        if quote.is_some() && !matches!(next, '"' | '\\') {
                            value.push('\\');
                        }
                        value.push(next);
                    }
                    None => return Err(stray_backslash(&text[at..])),
                },
                (_, c) => value.push(c),
            }
        }
        if quote.is_some() {
            return Err(Fault::new(
                &text[start..],
                "a quote is not closed",
                "put the same quote behind the value",
            ));
        }
        words.push(Word {
            written: &text[start..end],
            value,
        });
    }
}

/// A `\` that continues nothing.
pub(super) fn stray_backslash(part: &str) -> Fault<'_> {
    Fault::new(
        part,
        "a `\\` that does not end its line continues nothing",
        "remove it, or the spaces behind it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&'static str, Option<String>)> {
        let found = parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.error()));
        found
            .into_iter()
            .map(|found| {
                (
                    found.option.name,
                    found
                        .option
                        .value
                        .map(|value| value.as_written().to_owned()),
                )
            })
            .collect()
    }

    #[test]
    fn all_spellings_of_options_are_read() {
        for (text, name, value) in [
            ("-r a.txt", "--requirement", Some("a.txt")),
            ("-ra.txt", "--requirement", Some("a.txt")),
            ("--requirement=a.txt", "--requirement", Some("a.txt")),
            ("--cons a.txt", "--constraint", Some("a.txt")),
            ("-e 'my dir/x'", "--editable", Some("my dir/x")),
            ("-e \"a\\\"b\\c\"", "--editable", Some("a\"b\\c")),
            ("-e a\\ b", "--editable", Some("a b")),
            ("--pypi-url https://x", "--index-url", Some("https://x")),
            ("--pre", "--pre", None),
            ("-f ./wheels", "--find-links", Some("./wheels")),
        ] {
            assert_eq!(read(text), [(name, value.map(str::to_owned))], "{text}");
        }
        assert_eq!(read("--no-index --find-links=x").len(), 2);
    }

    #[test]
    fn what_is_no_option_is_refused() {
        let short = "--hash=sha256:12";
        for (text, why) in [
            ("--bogus", "knows no option `--bogus`"),
            ("-x", "knows no option `-x`"),
            ("--", "knows no option"),
            ("-é", "knows no option"),
            ("--no x", "knows no option"),
            ("-r", "has no value"),
            ("--pre=1", "takes no value"),
            ("-r a b", "`b` belongs to no option"),
            ("-r 'a", "a quote"),
            ("-r a\\", "continues nothing"),
            (short, "is no hash"),
            ("--hash md5:12", "is no hash"),
        ] {
            let Err(fault) = parse(text) else {
                panic!("{text}")
            };
            let error = fault.error();
            assert!(error.message().contains(why), "{text}: {error}");
        }
    }
}
