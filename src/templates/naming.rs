//! Names that images, Compose and Python accept, made from names that people gave.

/// A project name that Compose projects, image names and tags may hold: `a-z`, `0-9`,
/// with single `-` and `_` between them. `None` when nothing of the name is left.
pub fn project(name: &str) -> Option<String> {
    let mut safe = String::new();
    let mut separator = None;
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            if let Some(separator) = separator.take().filter(|_| !safe.is_empty()) {
                safe.push(separator);
            }
            safe.push(c);
        } else {
            separator = match (separator, c) {
                (None | Some('_'), '_') => Some('_'),
                _ => Some('-'),
            };
        }
    }
    (!safe.is_empty()).then_some(safe)
}

/// The name of a Python package made from that of a project. `None` when nothing of it is left.
pub fn package(name: &str) -> Option<String> {
    let safe = project(name)?.replace('-', "_");
    let starts_with_digit = safe.starts_with(|c: char| c.is_ascii_digit());
    if starts_with_digit || is_reserved(&safe) {
        return Some(format!("project_{safe}"));
    }
    Some(safe)
}

/// Whether Python can import a package of this name.
pub fn is_package(name: &str) -> bool {
    let mut characters = name.chars();
    let first = characters.next();
    first.is_some_and(|c| c == '_' || c.is_alphabetic())
        && characters.all(|c| c == '_' || c.is_alphanumeric())
        && !is_keyword(name)
}

/// Whether a distribution may be called so: what `[project] name` of `pyproject.toml` accepts.
pub fn is_distribution(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    edge(name.chars().next())
        && edge(name.chars().next_back())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn is_keyword(name: &str) -> bool {
    [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield",
    ]
    .contains(&name)
}

/// Keywords, and modules of Python's own that the project's first program would shadow or miss.
fn is_reserved(name: &str) -> bool {
    is_keyword(name)
        || [
            "test",
            "site",
            "code",
            "types",
            "random",
            "json",
            "statistics",
        ]
        .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_become_safe_and_stay_readable() {
        for (name, safe) in [
            ("my-project", "my-project"),
            ("My_Project", "my_project"),
            ("TinyProj", "tinyproj"),
            ("DOM\\joe", "dom-joe"),
            ("domain users", "domain-users"),
            ("a.b..c", "a-b-c"),
            ("__x__", "x"),
            ("a_-b", "a-b"),
            ("Café Zoé", "caf-zo"),
            ("42", "42"),
        ] {
            assert_eq!(project(name).as_deref(), Some(safe), "{name}");
        }
        assert_eq!(project("日本"), None);
        assert_eq!(project(""), None);
    }

    #[test]
    fn packages_can_be_imported() {
        assert_eq!(package("My-Project").as_deref(), Some("my_project"));
        assert_eq!(package("42").as_deref(), Some("project_42"));
        assert_eq!(package("class").as_deref(), Some("project_class"));
        assert!(is_package("größe"));
        assert!(!is_package("a-b") && !is_package("1a") && !is_package("for") && !is_package(""));
        assert!(is_distribution("My.Project") && !is_distribution("-x") && !is_distribution("a b"));
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn what_is_safe_is_safe(name in "\\PC{0,12}") {
            if let Some(safe) = project(&name) {
                let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
                prop_assert!(safe.chars().all(inner));
                prop_assert!(safe.starts_with(|c: char| c.is_ascii_alphanumeric()));
                prop_assert!(safe.ends_with(|c: char| c.is_ascii_alphanumeric()));
                prop_assert_eq!(project(&safe), Some(safe.clone()));
                prop_assert!(is_package(&package(&name).expect("some")));
            }
        }
    }
}
