//! What a package says its licence is.

use spdx::{Expression, ParseMode};

use crate::environment::sbom::notes::{CondaNote, PythonNote};

/// The licence that a package declares. Nothing is guessed: a text is either an expression of SPDX
/// or told as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Licence {
    /// Nothing says.
    #[default]
    Unknown,
    /// One licence of SPDX's list, by its identifier.
    Listed(String),
    /// An expression of several.
    Expression(String),
    /// Words of the package's authors, or a whole text.
    Words(String),
}

/// Identifiers that are on SPDX's list but have a better name today count as well.
const MODE: ParseMode = ParseMode {
    allow_deprecated: true,
    ..ParseMode::STRICT
};

/// What stands before the name in a classifier.
const CLASSIFIER: &str = "License :: ";

impl Licence {
    /// Reads what somebody wrote.
    pub fn read(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("unknown") {
            return Self::Unknown;
        }
        if spdx::license_id(text).is_some() {
            return Self::Listed(text.to_owned());
        }
        // What an expression refers to with a name of its own is a text that is not at hand.
        let refers = text.contains("LicenseRef-");
        match Expression::parse_mode(text, MODE) {
            Ok(_) if !refers => Self::Expression(text.to_owned()),
            _ => Self::Words(text.to_owned()),
        }
    }

    /// The licence of a Python package: the newest way of saying it counts.
    pub fn of_python(note: &PythonNote) -> Self {
        for text in [&note.expression, &note.licence] {
            match Self::read(text) {
                Self::Unknown => {}
                licence => return licence,
            }
        }
        let names = note.classifiers.iter().filter_map(|classifier| {
            let path = classifier.strip_prefix(CLASSIFIER)?;
            let name = path.rsplit(" :: ").next()?;
            (name != "OSI Approved").then_some(name)
        });
        Self::read(&names.collect::<Vec<_>>().join(", "))
    }

    /// The licence of a conda package.
    pub fn of_conda(note: &CondaNote) -> Self {
        Self::read(&note.licence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Licence {
        Licence::Words(text.into())
    }

    #[test]
    fn nothing_is_made_of_a_text_that_is_not_in_it() {
        for (text, expected) in [
            ("MIT", Licence::Listed("MIT".into())),
            (" GPL-3.0 ", Licence::Listed("GPL-3.0".into())),
            (
                "MIT OR (Apache-2.0 WITH LLVM-exception)",
                Licence::Expression("MIT OR (Apache-2.0 WITH LLVM-exception)".into()),
            ),
            ("", Licence::Unknown),
            ("UNKNOWN", Licence::Unknown),
            ("Apache 2.0", words("Apache 2.0")),
            ("MIT/X11", words("MIT/X11")),
            ("LicenseRef-Own", words("LicenseRef-Own")),
            (
                "Copyright (c) NumPy\nAll rights",
                words("Copyright (c) NumPy\nAll rights"),
            ),
        ] {
            assert_eq!(Licence::read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn the_newest_way_of_saying_it_counts() {
        let mut note = PythonNote {
            expression: "MIT".into(),
            licence: "BSD".into(),
            classifiers: vec![
                "License :: OSI Approved".into(),
                "License :: OSI Approved :: BSD License".into(),
            ],
            ..PythonNote::default()
        };
        assert_eq!(Licence::of_python(&note), Licence::Listed("MIT".into()));
        note.expression.clear();
        assert_eq!(Licence::of_python(&note), words("BSD"));
        note.licence.clear();
        assert_eq!(Licence::of_python(&note), words("BSD License"));
        note.classifiers.clear();
        assert_eq!(Licence::of_python(&note), Licence::Unknown);
    }
}
