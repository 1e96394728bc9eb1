//! The rules: which lines say that something went wrong, and what that means. They are data, in
//! `rules.yaml`; what provides a missing thing is in `providers.yaml`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, packed};
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;

use crate::registry::Reason;

/// What a line that fits a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Tier {
    /// Something that ends a build and comes from nothing else: the first one is the cause.
    Cause,
    /// Says that it is an error, not what kind: the first one, where there is no cause.
    Error,
    /// May be harmless: the last one, where there is nothing better.
    Suspect,
    /// Follows from an error that was told before.
    Consequence,
    /// What went wrong before did not matter.
    Forgives,
    /// Only looks like an error.
    Harmless,
}

/// One next step, or several ways to say it: the first one whose `{names}` are all known is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Advice {
    One(String),
    FirstKnown(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(all) => all,
        }
    }
}

/// A rule of `rules.yaml`, which says what each of them means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub id: String,
    pub group: String,
    pub tier: Tier,
    #[serde(rename = "match")]
    patterns: OneOrMore,
    #[serde(default)]
    pub say: Option<String>,
    #[serde(default)]
    pub refusal: Option<Reason>,
    #[serde(default)]
    pub because: Vec<String>,
    #[serde(default)]
    pub advice: Vec<Advice>,
    /// Lines that it is for; a test gives them to the book.
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "for people and for the test"))]
    pub like: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    signals: Vec<String>,
    rules: Vec<Rule>,
}

/// The words without which no line is looked at.
pub(super) struct Signals {
    quick: Option<packed::Searcher>,
    any: Option<AhoCorasick>,
}

impl Signals {
    fn new(words: &[String]) -> Self {
        // Uses the wide registers of the processor; where it has none, the other one does it.
        let quick = packed::Config::new().builder().extend(words).build();
        let any = AhoCorasick::new(words).ok();
        Self { quick, any }
    }

    /// Where the next of the words begins.
    pub fn find(&self, bytes: &[u8], range: Range<usize>) -> Option<usize> {
        if range.is_empty() {
            return None;
        }
        let span = range.start..range.end;
        match &self.quick {
            // It looks at short texts in another way, and slowly.
            Some(quick) if span.len() >= quick.minimum_len() => {
                let found = quick.find_in(bytes, span.into());
                found.map(|found| found.start())
            }
            _ => {
                let found = self.any.as_ref()?.find(&bytes[span.clone()]);
                found.map(|found| span.start + found.start())
            }
        }
    }
}

/// All rules, ready to be matched.
pub(super) struct Book {
    pub signals: Signals,
    rules: Vec<Rule>,
    /// One pattern each, with the index of its rule.
    patterns: Vec<(usize, Regex)>,
    set: RegexSet,
}

/// A rule that fits a text, and the parts of the text that it names.
#[derive(Debug, Clone)]
pub(super) struct Match {
    pub rule: &'static Rule,
    pub facts: BTreeMap<String, String>,
}

impl Book {
    /// # Errors
    /// When the data file is wrong; a test reads it.
    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut file: File = serde_yaml::from_str(text)?;
        let structure = STRUCTURE.iter().map(|word| (*word).to_owned());
        file.signals.extend(structure);
        let mut patterns = Vec::new();
        for (index, rule) in file.rules.iter().enumerate() {
            for pattern in rule.patterns.all() {
                let compiled = RegexBuilder::new(pattern).unicode(false).build()?;
                patterns.push((index, compiled));
            }
        }
        let texts = patterns.iter().map(|(_, pattern)| pattern.as_str());
        let set = RegexSetBuilder::new(texts)
            .unicode(false)
            .size_limit(64 << 20)
            .dfa_size_limit(16 << 20)
            .build()?;
        Ok(Self {
            signals: Signals::new(&file.signals),
            rules: file.rules,
            patterns,
            set,
        })
    }

    /// The first rule that fits a text.
    pub fn first(&'static self, text: &str) -> Option<Match> {
        // GNU programs quote with these where they can.
        let text = text.replace(['‘', '’'], "'");
        let index = self.set.matches(text.as_bytes()).into_iter().next()?;
        let (rule, pattern) = self.patterns.get(index)?;
        let captures = pattern.captures(text.as_bytes())?;
        let facts = pattern.capture_names().flatten().filter_map(|name| {
            let found = captures.name(name)?;
            let found = String::from_utf8_lossy(found.as_bytes()).trim().to_owned();
            (!found.is_empty()).then_some((name.to_owned(), found))
        });
        Some(Match {
            facts: facts.collect(),
            rule: &self.rules[*rule],
        })
    }

    /// All rules, in their order.
    #[cfg(test)]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

/// What the shape of a log is told by, beside what its lines say.
const STRUCTURE: [&str; 13] = [
    "] RUN ",
    "] COPY ",
    "] FROM ",
    "] ADD ",
    "] WORKDIR ",
    "load build definition",
    " DONE ",
    " CACHED",
    "CANCELED",
    "------",
    "[output clipped",
    " : RUN ",
    "STEP ",
];

/// The rules of the program.
pub(super) fn book() -> &'static Book {
    static BOOK: LazyLock<Book> = LazyLock::new(|| {
        // The file is part of the program, and a test reads it: it cannot be wrong here.
        Book::parse(include_str!("rules.yaml")).unwrap_or_else(|_| Book {
            signals: Signals::new(&[]),
            rules: Vec::new(),
            patterns: Vec::new(),
            set: RegexSet::empty(),
        })
    });
    &BOOK
}

/// What provides what is missing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Providers {
    /// Headers, by their first directory with a slash, or by name.
    pub headers: BTreeMap<String, Provider>,
    /// Libraries, by what follows `-l`.
    pub libraries: BTreeMap<String, Provider>,
    /// Shared libraries, by the name that a program asks for.
    pub shared: BTreeMap<String, Provider>,
    /// Programs, by name.
    pub programs: BTreeMap<String, Provider>,
    /// What `find_package` of CMake and pkg-config look for, in lower case.
    pub packages: BTreeMap<String, Provider>,
    /// Python modules whose package has another name.
    pub modules: BTreeMap<String, Provider>,
}

/// What to install, and what else is worth knowing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    /// Debian's and Ubuntu's package.
    #[serde(default)]
    pub apt: Option<String>,
    /// The package of the Python index.
    #[serde(default)]
    pub pip: Option<String>,
    /// A variable to set, and to what.
    #[serde(default)]
    pub variable: Option<String>,
    /// One more sentence.
    #[serde(default)]
    pub note: Option<String>,
}

/// The providers of the program.
pub(super) fn providers() -> &'static Providers {
    static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| {
        // As the rules: read by a test.
        serde_yaml::from_str(include_str!("providers.yaml")).unwrap_or_default()
    });
    &PROVIDERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_can_be_read() {
        Book::parse(include_str!("rules.yaml")).expect("rules");
        serde_yaml::from_str::<Providers>(include_str!("providers.yaml")).expect("providers");
    }

    #[test]
    fn the_quick_search_takes_all_signals() {
        assert!(book().signals.quick.is_some());
        let file: File = serde_yaml::from_str(include_str!("rules.yaml")).expect("rules");
        let mut signals = file.signals.iter().map(String::as_str).chain(STRUCTURE);
        assert!(signals.clone().count() <= 64);
        assert_eq!(signals.find(|signal| signal.len() < 4), None);
    }

    #[test]
    fn each_rule_fits_the_lines_that_it_is_for_and_no_rule_before_it_does() {
        let book = book();
        let mut wrong = Vec::new();
        for rule in book.rules() {
            if rule.like.is_empty() {
                wrong.push(format!("{} has no line", rule.id));
            }
            for line in &rule.like {
                let found = book.first(line);
                let found = found.map_or("no rule", |found| found.rule.id.as_str());
                if found != rule.id {
                    wrong.push(format!("{} not {}: {line}", found, rule.id));
                }
                // These are looked for in every line at the end of a log.
                if ["engine", "registry"].contains(&&*rule.group) {
                    continue;
                }
                // A line ends with a line break, which a signal may name.
                let line = format!("\n{line}\n");
                if book.signals.find(line.as_bytes(), 0..line.len()).is_none() {
                    wrong.push(format!("no signal is in {line}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn rules_have_names_of_their_own() {
        let mut names: Vec<&str> = book().rules().iter().map(|rule| rule.id.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
