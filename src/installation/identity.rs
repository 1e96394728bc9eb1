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

/// distribution/reference, `NameTotalLengthMax`.
const LONGEST_IMAGE_NAME: usize = 255;

/// A name of an image without its tag, and the tag if it has one; a colon before a slash is that of
/// a registry's port.
pub fn split_tag(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (image, None),
    }
}

/// Turns any name into one that may stand in an image reference and in the name of a Compose
/// project: lower case ASCII letters and digits, separated by single `-` or `_`. A Windows or
/// Kerberos domain is left away, Latin letters lose their accents.
///
/// Nothing may be left of a name in another script; then the fallback stands for it.
pub fn image_safe(name: &str, fallback: &str) -> String {
    let name = name.rsplit('\\').next().unwrap_or(name);
    let name = name.split('@').next().unwrap_or(name);
    let mut safe = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        let is_apart = !safe.ends_with(|last: char| last.is_ascii_alphanumeric());
        match c {
            'a'..='z' | '0'..='9' => safe.push(c),
            // An accent that stands behind its letter, as macOS writes them.
            '\u{300}'..='\u{36f}' => {}
            '_' if !is_apart => safe.push('_'),
            _ => match without_accent(c) {
                "" if is_apart => {}
                "" => safe.push('-'),
                letters => safe.push_str(letters),
            },
        }
    }
    let safe = safe.trim_end_matches(['-', '_']);
    if safe.is_empty() {
        fallback.to_owned()
    } else {
        safe.to_owned()
    }
}

/// The ASCII letters that stand for a lower-case Latin letter; empty for any other character.
fn without_accent(c: char) -> &'static str {
    match c {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ð' | 'ď' | 'đ' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
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
    if name.len() > LONGEST_IMAGE_NAME {
        return Some(format!("it is longer than {LONGEST_IMAGE_NAME} characters"));
    }
    let mut components: Vec<&str> = name.split('/').collect();
    if let (_, Some(tag)) = split_tag(name) {
        return Some(format!(
            "it ends with the tag `:{tag}`, which envtpl adds by itself"
        ));
    }
    let first = components[0];
    let is_registry = components.len() > 1 && (first.contains(['.', ':']) || first == "localhost");
    if is_registry {
        components.remove(0);
        let (host, port) = first.split_once(':').unwrap_or((first, "1"));
        let good = |label: &str| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        };
        if !host.split('.').all(good) || port.parse::<u16>().is_err() {
            return Some(format!("`{first}` is no registry host"));
        }
    }
    // A reader could not tell it from the id of an image.
    if name.len() == 64 && name.chars().all(|c| c.is_ascii_hexdigit()) {
        return Some("64 hexadecimal digits are the id of an image".into());
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

/// Why a text cannot be part of both tags and the name of a Compose project, which takes no
/// points; `None` when it can.
pub fn tag_and_project_problem(part: &str) -> Option<String> {
    tag_problem(part).or_else(|| {
        part.contains('.').then(|| {
            "it holds `.`, which the name of a Compose project cannot have; \
             a-z, 0-9, `-` and `_` are allowed"
                .into()
        })
    })
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
    if matches!(name, "." | "..") || name.starts_with(['-', '+', '~']) {
        return Some("it would be taken for a path or an option".into());
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
    ("IMAGE_PLATFORM", tag_and_project_problem),
    ("PROJECT_NAME", compose_project_problem),
    ("USER_TAG", tag_and_project_problem),
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
    problems(path, dotenv, environment)
        .into_iter()
        .next()
        .map_or(Ok(()), Err)
}

/// All that [`check`] would refuse.
pub fn problems(
    path: &Path,
    dotenv: &Dotenv,
    environment: impl Fn(&str) -> Option<String>,
) -> Vec<Error> {
    if let Err(unmet) = dotenv.demand(path, &environment) {
        return vec![unmet];
    }
    let values: BTreeMap<String, String> = dotenv.values(environment);
    let problem = |(name, rule): (&str, Rule)| {
        let Some(value) = values.get(name) else {
            let missing = Error::usage(format!("`{name}` is missing"))
                .at(Place::file(path))
                .help("`envtpl env` adds what is missing and keeps the rest");
            return Some(missing);
        };
        let problem = rule(value)?;
        let place = dotenv
            .place(path, name)
            .unwrap_or_else(|| Place::file(path));
        Some(Error::usage(format!("`{name}` cannot be `{value}`: {problem}")).at(place))
    };
    RULES.into_iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_told_from_a_port() {
        assert_eq!(split_tag("lab/p:run-1"), ("lab/p", Some("run-1")));
        assert_eq!(split_tag("r.lab:5000/p"), ("r.lab:5000/p", None));
        assert_eq!(split_tag("r.lab:5000/p:1"), ("r.lab:5000/p", Some("1")));
    }

    #[test]
    fn real_names_become_image_safe() {
        for (name, safe) in [
            ("alice", "alice"),
            ("DOM\\joe", "joe"),
            ("domain users", "domain-users"),
            ("a@b.example", "a"),
            ("Jean-Luc.P", "jean-luc-p"),
            ("Jürgen Groß", "jurgen-gross"),
            ("Jose\u{301}", "jose"),
            ("İpek", "ipek"),
            ("__x__", "x"),
            ("a - b", "a-b"),
            ("Ünïcode", "unicode"),
            ("山田", "lab"),
        ] {
            assert_eq!(image_safe(name, "lab"), safe);
            assert_eq!(image_name_problem(&image_safe(name, "lab")), None);
            assert_eq!(tag_and_project_problem(&image_safe(name, "lab")), None);
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
            "host:5000/a:tag",
            "a..b.example/x",
            "-a.example/x",
            &"a".repeat(64),
            &"x/".repeat(200),
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
        for name in ["..", "-x", "a\nb", "$(id)", ""] {
            assert!(account_problem(name).is_some(), "{name}");
        }
        assert!(tag_and_project_problem("j.doe").is_some_and(|why| why.contains("Compose")));
        assert_eq!(id_problem("1885580785"), None);
        assert!(id_problem("4294967295").is_some());
        assert!(id_problem("$(id)").is_some());
        assert_eq!(mount_problem("/project/my project"), None);
        assert!(mount_problem("project").is_some());
        assert!(mount_problem("/a:b").is_some());
    }
}
