//! Values that may be secrets, hidden.

use crate::installation::requirements::redact;

/// What stands for a secret.
pub const HIDDEN: &str = "****";

/// Words in the names of variables whose values are secrets.
const SECRET_NAMES: [&str; 9] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "CREDENTIAL",
    "APIKEY",
    "PRIVATE",
    "COOKIE",
];

/// Words that are such only when they stand alone: `API_KEY` and not `MONKEY`.
const SECRET_WORDS: [&str; 6] = ["KEY", "KEYS", "PASS", "PWD", "PAT", "AUTH"];

/// How tokens of well-known services start.
const SECRET_STARTS: [&str; 10] = [
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "hf_",
    "sk-",
    "xoxb-",
    "xoxp-",
    "AKIA",
];

/// The value of a variable as it may be shown.
pub fn value(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    if is_secret_name(name) {
        return HIDDEN.to_owned();
    }
    text(value)
}

/// A command line or another text as it may be shown.
pub fn text(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let start = word.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
        let bare = &word[start..];
        if let Some((name, value)) = word.split_once('=')
            && !value.is_empty()
            && is_secret_name(name.trim_start_matches(['-', '"', '\'']))
        {
            return format!("{name}={HIDDEN}");
        }
        if SECRET_STARTS.iter().any(|known| bare.starts_with(known)) {
            return HIDDEN.to_owned();
        }
        word.to_owned()
    });
    redact(&words.collect::<Vec<_>>().join(" "))
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_uppercase().replace('-', "_");
    // The working directory of a shell.
    if matches!(name.as_str(), "PWD" | "OLDPWD") {
        return false;
    }
    SECRET_NAMES.iter().any(|known| name.contains(known))
        || name.split('_').any(|word| SECRET_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_by_name_and_by_look_and_nothing_else_is() {
        for (name, plain, shown) in [
            ("HF_TOKEN", "abc", "****"),
            ("API_KEY", "abc", "****"),
            ("db_password", "abc", "****"),
            ("X", "hf_abcdef", "****"),
            (
                "INDEX",
                "https://joe:pw@host/simple",
                "https://****@host/simple",
            ),
            ("PATH", "/usr/bin:/bin", "/usr/bin:/bin"),
            ("PWD", "/work", "/work"),
            ("MONKEY", "banana", "banana"),
            ("AUTHOR", "Alice", "Alice"),
            ("TOKEN", "", ""),
        ] {
            assert_eq!(value(name, plain), shown, "{name}");
        }
        assert_eq!(
            text("RUN curl --token=abc -H x https://u:p@h/ && API_KEY=1 make"),
            "RUN curl --token=**** -H x https://****@h/ && API_KEY=**** make"
        );
    }
}
