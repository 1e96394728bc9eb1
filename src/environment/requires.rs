//! What a package needs: `Requires-Dist` lines, and whether their markers hold (PEP 508).

use std::collections::BTreeSet;
use std::str::FromStr;

use pep440_rs::Version;

use crate::environment::snapshot::Snapshot;
use crate::installation::requirements::normalise;

/// One requirement: a name, perhaps with extras and with a marker that says when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The package's normalised name.
    pub key: String,
    /// The extras that are wanted of it, normalised.
    pub extras: BTreeSet<String>,
    /// The address that it must come from.
    pub url: Option<String>,
    marker: Option<String>,
}

/// The interpreter that markers ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Its full version.
    pub version: String,
    /// The machine in Docker's words.
    pub platform: String,
}

impl Interpreter {
    /// The one of an image or a container; without a version where there is none.
    pub fn of(snapshot: &Snapshot) -> Self {
        let python = snapshot.python.as_ref();
        Self {
            version: python
                .map(|python| python.version.clone())
                .unwrap_or_default(),
            platform: snapshot.platform.clone(),
        }
    }
}

impl Requirement {
    /// A requirement from its parts.
    pub fn new<'a>(
        name: &str,
        extras: impl IntoIterator<Item = &'a str>,
        url: Option<&str>,
        marker: Option<&str>,
    ) -> Self {
        Self {
            key: normalise(name),
            extras: extras.into_iter().map(normalise).collect(),
            url: url.map(str::to_owned),
            marker: marker.map(str::to_owned),
        }
    }

    /// Reads a requirement such as `foo[bar,baz]>=1; python_version < "3.11"`; `None` for what
    /// does not start with a name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let mut rest = rest.trim_start();
        let mut extras = BTreeSet::new();
        if let Some(inner) = rest.strip_prefix('[') {
            let (list, behind) = inner.split_once(']')?;
            extras = list
                .split(',')
                .map(|extra| normalise(extra.trim()))
                .filter(|extra| !extra.is_empty())
                .collect();
            rest = behind.trim_start();
        }
        // In an address a semicolon is no marker unless white space stands before it.
        let (url, marker) = match rest.strip_prefix('@') {
            Some(address) => {
                let address = address.trim_start();
                let end = address.find(char::is_whitespace).unwrap_or(address.len());
                let marker = address[end..].trim_start().strip_prefix(';');
                (Some(address[..end].to_owned()), marker)
            }
            None => (None, rest.split_once(';').map(|(_, marker)| marker)),
        };
        Some(Self {
            key: normalise(name),
            extras,
            url,
            marker: marker.map(|marker| marker.trim().to_owned()),
        })
    }

    /// Whether it holds for this interpreter when the package that needs it is wanted with
    /// `extra` (or without any).
    pub fn holds(&self, interpreter: &Interpreter, extra: Option<&str>) -> bool {
        match &self.marker {
            Some(marker) => Marker::holds(marker, interpreter, extra),
            None => true,
        }
    }

    /// The extras that the marker asks about.
    pub fn asked_extras(&self) -> BTreeSet<String> {
        let Some(marker) = &self.marker else {
            return BTreeSet::new();
        };
        let tokens = tokens(marker);
        tokens
            .windows(3)
            .filter_map(|window| match window {
                [Token::Word(name), Token::Operator(_), Token::Text(extra)] if name == "extra" => {
                    Some(normalise(extra))
                }
                [Token::Text(extra), Token::Operator(_), Token::Word(name)] if name == "extra" => {
                    Some(normalise(extra))
                }
                _ => None,
            })
            .collect()
    }
}

/// An evaluation of a marker: the tokens that are still to be read.
struct Marker<'a> {
    tokens: Vec<Token>,
    at: usize,
    interpreter: &'a Interpreter,
    extra: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Operator(String),
    Open,
    Close,
}

fn tokens(marker: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = marker.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '(' | ')' => {
                tokens.push(if first == '(' {
                    Token::Open
                } else {
                    Token::Close
                });
                1
            }
            '\'' | '"' => {
                let length = rest[1..].find(first).unwrap_or(rest.len() - 1);
                tokens.push(Token::Text(rest[1..=length].to_owned()));
                (length + 2).min(rest.len())
            }
            '<' | '>' | '=' | '!' | '~' => {
                let end = rest
                    .find(|c: char| !"<>=!~".contains(c))
                    .unwrap_or(rest.len());
                tokens.push(Token::Operator(rest[..end].to_owned()));
                end
            }
            _ => {
                let end = rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
                    .unwrap_or(rest.len());
                // A character that no marker has is passed over.
                let end = end.max(first.len_utf8());
                match &rest[..end] {
                    "in" | "not" => tokens.push(Token::Operator(rest[..end].to_owned())),
                    word => tokens.push(Token::Word(word.to_owned())),
                }
                end
            }
        };
        rest = rest[end..].trim_start();
    }
    tokens
}

impl Marker<'_> {
    /// Evaluates a marker. One that cannot be read holds: a package too many in view is better
    /// than one overlooked.
    fn holds(marker: &str, interpreter: &Interpreter, extra: Option<&str>) -> bool {
        let mut marker = Marker {
            tokens: tokens(marker),
            at: 0,
            interpreter,
            extra,
        };
        let holds = marker.any();
        holds.unwrap_or(true)
    }

    fn any(&mut self) -> Option<bool> {
        let mut holds = self.all()?;
        while self.takes_word("or") {
            holds |= self.all()?;
        }
        Some(holds)
    }

    fn all(&mut self) -> Option<bool> {
        let mut holds = self.one()?;
        while self.takes_word("and") {
            holds &= self.one()?;
        }
        Some(holds)
    }

    fn one(&mut self) -> Option<bool> {
        if self.tokens.get(self.at) == Some(&Token::Open) {
            self.at += 1;
            let holds = self.any()?;
            if self.tokens.get(self.at) == Some(&Token::Close) {
                self.at += 1;
            }
            return Some(holds);
        }
        let left = self.next()?;
        let mut operator = match self.next()? {
            Token::Operator(operator) => operator,
            _ => return None,
        };
        if operator == "not" {
            self.at += 1;
            operator = "not in".to_owned();
        }
        let right = self.next()?;
        Some(self.compare(&left, &operator, &right))
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let takes = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found == word);
        self.at += usize::from(takes);
        takes
    }

    fn compare(&self, left: &Token, operator: &str, right: &Token) -> bool {
        let is_extra = |token: &Token| matches!(token, Token::Word(word) if word == "extra");
        if is_extra(left) || is_extra(right) {
            let other = if is_extra(left) { right } else { left };
            let Token::Text(asked) = other else {
                return true;
            };
            let same = self.extra == Some(normalise(asked).as_str());
            return if operator == "!=" { !same } else { same };
        }
        let (Some(left), Some(right)) = (self.value(left), self.value(right)) else {
            // A variable that is not known here.
            return true;
        };
        match operator {
            "in" => return right.contains(&left),
            "not in" => return !right.contains(&left),
            _ => {}
        }
        match (
            Version::from_str(&left),
            Version::from_str(right.trim_end_matches(".*")),
        ) {
            (Ok(left), Ok(right_version)) => {
                compare_versions(&left, operator, &right_version, &right)
            }
            _ => match operator {
                "==" | "===" => left == right,
                "!=" => left != right,
                "<" => left < right,
                "<=" => left <= right,
                ">" => left > right,
                ">=" => left >= right,
                _ => true,
            },
        }
    }

    fn value(&self, token: &Token) -> Option<String> {
        let word = match token {
            Token::Text(text) => return Some(text.clone()),
            Token::Word(word) => word,
            _ => return None,
        };
        let full = &self.interpreter.version;
        Some(match word.as_str() {
            "python_full_version" | "implementation_version" => full.clone(),
            "python_version" => full.splitn(3, '.').take(2).collect::<Vec<_>>().join("."),
            "sys_platform" | "sys.platform" => "linux".to_owned(),
            "os_name" | "os.name" => "posix".to_owned(),
            "platform_system" => "Linux".to_owned(),
            "platform_machine" | "platform.machine" => match self.interpreter.platform.as_str() {
                "amd64" => "x86_64".to_owned(),
                "arm64" => "aarch64".to_owned(),
                other => other.to_owned(),
            },
            "implementation_name" => "cpython".to_owned(),
            "platform_python_implementation" | "python_implementation" => "CPython".to_owned(),
            _ => return None,
        })
    }
}

fn compare_versions(left: &Version, operator: &str, right: &Version, written: &str) -> bool {
    let starts_with = || {
        let (left, right) = (left.release(), right.release());
        left.len() >= right.len() && left[..right.len()] == *right
    };
    match operator {
        "==" if written.ends_with(".*") => starts_with(),
        "!=" if written.ends_with(".*") => !starts_with(),
        "==" | "===" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interpreter() -> Interpreter {
        Interpreter {
            version: "3.11.2".into(),
            platform: "amd64".into(),
        }
    }

    fn read(text: &str) -> Requirement {
        Requirement::parse(text).expect(text)
    }

    #[test]
    fn names_extras_and_addresses_are_read() {
        let plain = read("Foo.Bar");
        assert_eq!((plain.key.as_str(), plain.extras.len()), ("foo-bar", 0));
        let full = read("foo[A_b, c] (>=1.0,<2) ; extra == 'x'");
        assert_eq!(full.key, "foo");
        assert_eq!(full.extras.iter().collect::<Vec<_>>(), ["a-b", "c"]);
        assert_eq!(full.asked_extras().into_iter().collect::<Vec<_>>(), ["x"]);
        let direct = read("foo @ https://h/x;y.whl ; extra == 'x'");
        assert_eq!(direct.url.as_deref(), Some("https://h/x;y.whl"));
        assert!(!direct.holds(&interpreter(), None));
        for text in ["", "-e .", "./x.whl", "[x]", "foo[x"] {
            assert_eq!(Requirement::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn markers_ask_about_this_interpreter() {
        for (marker, holds) in [
            ("python_version < '3.9'", false),
            ("python_version >= \"3.9\" and python_version<'3.12'", true),
            ("python_full_version == '3.11.*'", true),
            ("python_version != '3.11.*'", false),
            (
                "sys_platform == 'win32' or (os_name=='posix' and platform_machine == 'x86_64')",
                true,
            ),
            (
                "sys_platform == 'win32' or os_name=='posix' and platform_machine == 'aarch64'",
                false,
            ),
            ("platform_system in 'Linux Darwin'", true),
            ("platform_system not in 'Linux Darwin'", false),
            ("'3.12' <= python_version", false),
            ("extra == 'tests'", false),
            ("something_new == '1'", true),
            ("((", true),
            ("", true),
        ] {
            let requirement = read(&format!("foo; {marker}"));
            assert_eq!(requirement.holds(&interpreter(), None), holds, "{marker}");
        }
        let tests = read("foo; extra == 'Te_sts' and python_version > '3'");
        assert!(tests.holds(&interpreter(), Some("te-sts")));
    }

    proptest! {
        #[test]
        fn nothing_that_a_package_writes_panics(text in "\\PC{0,60}") {
            if let Some(requirement) = Requirement::parse(&format!("foo; {text}")) {
                requirement.holds(&interpreter(), Some("x"));
                requirement.asked_extras();
            }
            Requirement::parse(&text);
        }
    }
}
