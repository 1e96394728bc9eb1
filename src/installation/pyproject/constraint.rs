//! Poetry's version constraints, in the form that every installer knows (PEP 440).
//!
//! Source: Poetry's documentation, "Dependency specification", "Version constraints"
//! (<https://python-poetry.org/docs/dependency-specification/>); where that is silent, poetry-core's
//! `poetry.core.constraints.version.parser`.

use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};

/// A constraint without alternatives in PEP 440's form; empty when every version will do. `None`
/// when it cannot be said so, as with alternatives (`^1 || ^2`).
pub fn to_pep440(constraint: &str) -> Option<String> {
    let mut clauses = Vec::new();
    let mut rest = constraint.trim().trim_end_matches([',', ' ']);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let length = rest.find(|c| !"<>=!~^".contains(c)).unwrap_or(rest.len());
        let (operator, behind) = rest.split_at(length);
        let behind = behind.trim_start();
        let length = behind.find([',', ' ']).unwrap_or(behind.len());
        let (version, behind) = behind.split_at(length);
        clauses.extend(clause(operator, version)?);
        rest = behind.trim_start().trim_start_matches(',').trim_start();
    }
    let joined = clauses.join(",");
    // Whatever the pieces looked like, this is what installers will be given.
    VersionSpecifiers::from_str(&joined).ok()?;
    Some(joined)
}

/// The alternatives of a constraint, each for itself.
pub fn alternatives(constraint: &str) -> impl Iterator<Item = &str> {
    constraint
        .split('|')
        .filter(|part| !part.is_empty())
        .map(str::trim)
}

/// One comparison; none when every version will do.
fn clause(operator: &str, version: &str) -> Option<Vec<String>> {
    let version = version.strip_prefix(['v', 'V']).unwrap_or(version);
    if version
        .split('.')
        .all(|part| matches!(part, "*" | "x" | "X"))
    {
        return operator.is_empty().then(Vec::new);
    }
    let (stem, wildcard) = match version.find(".*") {
        Some(at) if version[at..].split(".*").all(str::is_empty) => (&version[..at], ".*"),
        _ => (version, ""),
    };
    let read = Version::from_str(stem).ok()?;
    let upper = |index: usize| raised(&read, index).map(|version| format!("<{version}"));
    Some(match (operator, wildcard) {
        ("^", "") => vec![format!(">={read}"), upper(breaking(&read))?],
        ("~", "") => vec![format!(">={read}"), upper(1.min(read.release().len() - 1))?],
        ("" | "=" | "==", _) => vec![format!("=={stem}{wildcard}")],
        ("!=", _) => vec![format!("!={stem}{wildcard}")],
        ("~=", "") => vec![format!("~={stem}")],
        // Poetry takes a wildcard here, too, and looks at the version before it.
        (">" | ">=" | "<" | "<=", _) => vec![format!("{operator}{stem}")],
        _ => return None,
    })
}

/// Which number of a version may not change under `^`: the first that is not 0; else, as nothing
/// stands behind the third one, the last of the first three.
fn breaking(version: &Version) -> usize {
    let release = &version.release()[..version.release().len().min(3)];
    let first = release.iter().position(|number| *number > 0);
    first.unwrap_or(release.len() - 1)
}

/// The version whose number at an index is one more, and 0 behind it.
fn raised(version: &Version, index: usize) -> Option<Version> {
    let mut release = version.release().to_vec();
    release[index] = release[index].checked_add(1)?;
    release[index + 1..].fill(0);
    Some(Version::new(release).with_epoch(version.epoch()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn constraints_are_translated_as_poetry_documents_them() {
        for (constraint, expected) in [
            ("^1.2.3", ">=1.2.3,<2.0.0"),
            ("^1.2", ">=1.2,<2.0"),
            ("^1", ">=1,<2"),
            ("^0.2.3", ">=0.2.3,<0.3.0"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("^0.0", ">=0.0,<0.1"),
            ("^0", ">=0,<1"),
            ("^0.0.0.4", ">=0.0.0.4,<0.0.1.0"),
            ("^1.2.3.4", ">=1.2.3.4,<2.0.0.0"),
            ("^2.0.0b1", ">=2.0.0b1,<3.0.0"),
            ("^1!0.3", ">=1!0.3,<1!0.4"),
            ("^ v1.2", ">=1.2,<2.0"),
            ("~1.2.3", ">=1.2.3,<1.3.0"),
            ("~1.2", ">=1.2,<1.3"),
            ("~1", ">=1,<2"),
            ("~0.2.3.1", ">=0.2.3.1,<0.3.0.0"),
            ("~=1.2.3", "~=1.2.3"),
            ("*", ""),
            ("*.*", ""),
            ("1.*", "==1.*"),
            ("1.2.*", "==1.2.*"),
            ("==1.2.*.*", "==1.2.*"),
            ("!=1.2.*", "!=1.2.*"),
            (">=3.5.*", ">=3.5"),
            (">= 1.2.0", ">=1.2.0"),
            ("> 1", ">1"),
            ("< 2", "<2"),
            ("!= 1.2.3", "!=1.2.3"),
            (">= 1.2, < 1.5", ">=1.2,<1.5"),
            (">=1.2 <1.5,", ">=1.2,<1.5"),
            ("^1.2,!=1.3.1", ">=1.2,<2.0,!=1.3.1"),
            ("1.2.3", "==1.2.3"),
            ("==1.2.3+cu121", "==1.2.3+cu121"),
            ("=1.2.3", "==1.2.3"),
            ("19.10b0", "==19.10b0"),
        ] {
            assert_eq!(
                to_pep440(constraint).as_deref(),
                Some(expected),
                "{constraint}"
            );
        }
    }

    #[test]
    fn what_has_no_such_form_is_not_guessed() {
        for constraint in [
            "",
            "^1 || ^2",
            "latest",
            "^",
            "^1.2.*",
            "~=1",
            "===1",
            "1.2.x",
            "^1.2+cu121",
            "<>1",
            "1.2.3 - 2",
            "dev",
            ">>1",
            "^*",
        ] {
            assert_eq!(to_pep440(constraint), None, "{constraint:?}");
        }
        assert_eq!(
            alternatives("^1 || ^2|3").collect::<Vec<_>>(),
            ["^1", "^2", "3"]
        );
    }

    proptest! {
        #[test]
        fn what_is_translated_is_read_by_installers(
            text in "([\\^~=<>!*.x0-9, |v-]|1\\.2|18446744073709551615|\\PC){0,12}",
        ) {
            if let Some(translated) = to_pep440(&text) {
                prop_assert!(VersionSpecifiers::from_str(&translated).is_ok(), "{translated}");
                prop_assert!(!translated.contains('^'));
            }
        }

        #[test]
        fn a_caret_keeps_the_first_number_that_is_not_0(
            release in proptest::collection::vec(0..4_u64, 1..4),
            other in proptest::collection::vec(0..5_u64, 1..4),
        ) {
            let text: Vec<String> = release.iter().map(u64::to_string).collect();
            let specifiers = to_pep440(&format!("^{}", text.join("."))).expect("translated");
            let specifiers = VersionSpecifiers::from_str(&specifiers).expect("valid");
            let fixed = release.iter().position(|number| *number > 0).unwrap_or(release.len() - 1);
            let at = |release: &[u64], index: usize| release.get(index).copied().unwrap_or(0);
            let expected = (0..=fixed).all(|index| at(&release, index) == at(&other, index))
                && Version::new(other.clone()) >= Version::new(release.clone());
            prop_assert_eq!(specifiers.contains(&Version::new(other)), expected);
        }
    }
}
