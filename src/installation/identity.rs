//! Names that end up in image references, Compose projects and the user layer: what is allowed
//! there, and how a person's real names are turned into it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Place, Result};
use crate::installation::dotenv::Dotenv;

/// The variables of `.env` that make the user layer.
pub const PERSONAL: [&str; 7] = [
    "USR",
    "USRID",
    "GRP",
    "GRPID",
    "GROUPS",
    "USER_TAG",
    "PROJECT_ROOT_AT",
];

/// Docker's limit for a tag (distribution/reference, `TagRegexp`).
const LONGEST_TAG: usize = 128;

/// Turns any name into one that may stand in an image reference: lower case ASCII letters and
/// digits, separated by single `-`, `_` or `.`. A Windows or Kerberos domain is left away.
///
/// Nothing may be left of a name in another script; then the fallback stands for it.
pub fn image_safe(name: &str, fallback: &str) -> String {
    let name = name.rsplit('\\').next().unwrap_or(name);
    let name = name.split('@').next().unwrap_or(name);
    let mut safe = String::new();
    for c in name.chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9') => safe.push(c),
            c @ ('_' | '.') if safe.ends_with(|last: char| last.is_ascii_alphanumeric()) => {
                safe.push(c);
            }
            _ if safe.ends_with(|last: char| last.is_ascii_alphanumeric()) => safe.push('-'),
            _ => {}
        }
    }
    let safe = safe.trim_end_matches(['-', '_', '.']);
    if safe.is_empty() {
        fallback.to_owned()
    } else {
        safe.to_owned()
    }
}

/// Why a text is no image name without tag; `None` when it is one
/// (distribution/reference, `name`: `[domain[:port]/]component[/component…]`).
pub fn image_name_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    if let Some(upper) = name.chars().find(char::is_ascii_uppercase) {
        return Some(format!(
            "`{upper}` is upper case, which image names may not be"
        ));
    }
    let mut components: Vec<&str> = name.split('/').collect();
    let first = components[0];
    let is_registry = components.len() > 1 && (first.contains(['.', ':']) || first == "localhost");
    if is_registry {
        components.remove(0);
        let (host, port) = first.split_once(':').unwrap_or((first, "1"));
        let good = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        if host.is_empty() || !host.chars().all(good) || port.parse::<u16>().is_err() {
            return Some(format!("`{first}` is no registry host"));
        }
    }
    components
        .iter()
        .find_map(|component| component_problem(component))
}

fn component_problem(component: &str) -> Option<String> {
    if component.is_empty() {
        return Some("a part between slashes is empty".into());
    }
    let separator = |c: char| matches!(c, '.' | '_' | '-');
    if let Some(bad) = component
        .chars()
        .find(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit() && !separator(*c))
    {
        return Some(format!("`{component}` holds `{bad}`"));
    }
    if component.starts_with(separator) || component.ends_with(separator) {
        return Some(format!("`{component}` begins or ends with a separator"));
    }
    let runs = component.split(|c: char| !separator(c));
    let doubled = runs
        .filter(|run| !run.is_empty())
        .find(|run| !matches!(*run, "." | "_" | "__") && run.chars().any(|c| c != '-'));
    doubled.map(|run| format!("`{component}` holds `{run}`"))
}

/// Why a text cannot be part of a tag; `None` when it can.
pub fn tag_problem(part: &str) -> Option<String> {
    if part.is_empty() {
        return Some("it is empty".into());
    }
    if part.len() > LONGEST_TAG / 2 {
        return Some(format!("it is longer than {} characters", LONGEST_TAG / 2));
    }
    part.chars()
        .find(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit() && !matches!(c, '_' | '-' | '.'))
        .map(|bad| format!("it holds `{bad}`; a-z, 0-9, `-`, `_` and `.` are allowed"))
}

/// Why a text is no Compose project name; `None` when it is one.
pub fn compose_project_problem(name: &str) -> Option<String> {
    let mut characters = name.chars();
    let Some(first) = characters.next() else {
        return Some("it is empty".into());
    };
    if !first.is_ascii_lowercase() && !first.is_ascii_digit() {
        return Some(format!(
            "it begins with `{first}`; a-z and 0-9 may stand there"
        ));
    }
    characters
        .find(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit() && !matches!(c, '_' | '-'))
        .map(|bad| format!("it holds `{bad}`; a-z, 0-9, `-` and `_` are allowed"))
}

/// Why a text is no name of a user in `/etc/passwd`; `None` when it is one. A colon or a line
/// break would make another record of it.
pub fn account_problem(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("it is empty".into());
    }
    name.chars()
        .find(|c| matches!(c, ':' | ',' | '/' | '"' | '\'' | '\\' | '$' | '`') || c.is_control())
        .map(|bad| format!("it holds `{}`", bad.escape_default()))
}

/// Why a text is no id of a user or group; `None` when it is one. The two largest numbers mean
/// "none" to the system.
pub fn id_problem(text: &str) -> Option<String> {
    match text.parse::<u32>() {
        Ok(id) if id < u32::MAX - 1 => None,
        _ => Some("it is no number between 0 and 4294967293".into()),
    }
}

/// Why a text is no place to mount the project at; `None` when it is one.
pub fn mount_problem(path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return Some("it does not begin with `/`".into());
    }
    if path == "/" || path.split('/').any(|part| part == "..") {
        return Some("it must be a directory below `/`".into());
    }
    path.chars()
        .find(|c| *c == ':' || c.is_control())
        .map(|bad| format!("it holds `{}`", bad.escape_default()))
}

type Rule = fn(&str) -> Option<String>;

/// The variables of `.env` that must be there, each with its rule.
const RULES: [(&str, Rule); 9] = [
    ("IMAGE_NAME", image_name_problem),
    ("IMAGE_PLATFORM", tag_problem),
    ("PROJECT_NAME", compose_project_problem),
    ("USER_TAG", tag_problem),
    ("USR", account_problem),
    ("USRID", id_problem),
    ("GRP", account_problem),
    ("GRPID", id_problem),
    ("PROJECT_ROOT_AT", mount_problem),
];

/// Checks the names and numbers of `.env` that the images and the user layer are made of, with
/// `environment` for variables that it mentions.
///
/// # Errors
/// `Usage` for the first that is missing or wrong, at its line, with the reason.
pub fn check(
    path: &Path,
    dotenv: &Dotenv,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<()> {
    let values: BTreeMap<String, String> = dotenv.values(environment);
    for (name, rule) in RULES {
        let Some(value) = values.get(name) else {
            return Err(Error::usage(format!("`{name}` is missing"))
                .at(Place::file(path))
                .help("`envtpl env` adds what is missing and keeps the rest"));
        };
        if let Some(problem) = rule(value) {
            let place = dotenv
                .place(path, name)
                .unwrap_or_else(|| Place::file(path));
            return Err(Error::usage(format!("`{name}` cannot be `{value}`: {problem}")).at(place));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_names_become_image_safe() {
        for (name, safe) in [
            ("alice", "alice"),
            ("DOM\\joe", "joe"),
            ("domain users", "domain-users"),
            ("a@b.example", "a"),
            ("Jean-Luc.P", "jean-luc.p"),
            ("__x__", "x"),
            ("a - b", "a-b"),
            ("Ünïcode", "n-code"),
            ("山田", "lab"),
        ] {
            assert_eq!(image_safe(name, "lab"), safe);
            assert_eq!(image_name_problem(&image_safe(name, "lab")), None);
        }
    }

    #[test]
    fn image_names_follow_the_reference_grammar() {
        for good in [
            "x",
            "lab/usr/my-project",
            "host:5000/a/b",
            "r.example/a__b/c--d",
            "localhost/x",
        ] {
            assert_eq!(image_name_problem(good), None, "{good}");
        }
        for bad in [
            "",
            "Lab/x",
            "a//b",
            "a_-b",
            "-a",
            "a:tag",
            "a b",
            "ho st:1/x",
            "h:99999/x",
        ] {
            assert!(image_name_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn the_other_rules_say_what_is_wrong() {
        assert!(compose_project_problem("TinyProj").is_some_and(|why| why.contains('T')));
        assert_eq!(compose_project_problem("tiny-proj_1"), None);
        assert_eq!(account_problem("domain users"), None);
        assert!(account_problem("a:b").is_some());
        assert_eq!(id_problem("1885580785"), None);
        assert!(id_problem("4294967295").is_some());
        assert!(id_problem("$(id)").is_some());
        assert_eq!(mount_problem("/project/my project"), None);
        assert!(mount_problem("project").is_some());
        assert!(mount_problem("/a:b").is_some());
    }
}
