//! Command lines and values as they may be shown and kept.

use super::HIDDEN;
use super::addresses::redact;
use super::names::{is_secret_name, is_token};

/// The value of a variable as it may be shown.
pub fn redact_value(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    if is_secret_name(name) {
        return HIDDEN.to_owned();
    }
    redact_text(value)
}

/// A command line in one text, or another text, as it may be shown: without values of variables
/// and options that are secrets, tokens, and secrets in addresses.
pub fn redact_text(text: &str) -> String {
    let mut reader = Reader::default();
    let words = text.split_inclusive(char::is_whitespace).map(|word| {
        let (word, space) = word.split_at(word.trim_end().len());
        reader.redact(word) + space
    });
    redact(&words.collect::<String>())
}

/// The words of a command line as they may be shown and kept, as [`redact_text`] has them; a word
/// may be a whole command line itself.
pub fn redact_command<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut reader = Reader::default();
    let words = words
        .into_iter()
        .map(|word| match word.contains(char::is_whitespace) {
            true if !reader.is_value_next() => redact_text(word),
            _ => redact(&reader.redact(word)),
        });
    words.collect()
}

/// Reads word by word, since an option's value may be the next one.
#[derive(Debug, Default)]
struct Reader {
    next: Next,
}

/// What the next word is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    #[default]
    Word,
    /// The value of an option, or of a header: a secret.
    Value,
    /// How the value of the header `Authorization` is to be read; the value comes then.
    Scheme,
}

impl Reader {
    fn is_value_next(&self) -> bool {
        self.next == Next::Value
    }

    fn redact(&mut self, word: &str) -> String {
        // A continued line goes on.
        if word.is_empty() || word == "\\" {
            return word.to_owned();
        }
        let expected = std::mem::take(&mut self.next);
        // `--secret id=…` of a build only says where the secret is.
        if expected == Next::Value && !word.starts_with('-') && !word.starts_with("id=") {
            return hidden_to_its_quote(word);
        }
        let bare = word.trim_start_matches(['"', '\'']);
        self.next = match bare {
            _ if expected == Next::Scheme => Next::Value,
            _ if bare.eq_ignore_ascii_case("authorization:") => Next::Scheme,
            _ if bare.starts_with("--") && !bare.contains('=') && is_secret_name(bare) => {
                Next::Value
            }
            _ => Next::Word,
        };
        if let Some(name) = assigned_secret(word) {
            return format!("{name}={}", hidden_to_its_quote(&word[name.len() + 1..]));
        }
        if is_token(word) {
            return hidden_to_its_quote(word);
        }
        word.to_owned()
    }
}

/// What stands before the `=` in `NAME=VALUE` or `--option=NAME=VALUE` when the value is a secret.
/// What an address has, whoever knows addresses hides.
fn assigned_secret(word: &str) -> Option<&str> {
    let mut start = 0;
    for (at, _) in word.match_indices('=') {
        let (before, value) = (&word[..at], &word[at + 1..]);
        if before.contains("://") {
            return None;
        }
        // What is before a comma is the value of another: `type=secret,id=netrc`.
        let name = word[start..at].rsplit(',').next().unwrap_or_default();
        if is_secret_name(&name.replace(['"', '\''], "")) && !value.is_empty() {
            return Some(before);
        }
        start = at + 1;
    }
    None
}

/// The stand-in for a word, with the quote that ends it.
fn hidden_to_its_quote(word: &str) -> String {
    let kept = word.trim_end_matches(['"', '\'']).len();
    format!("{HIDDEN}{}", &word[kept..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_by_name_and_by_look_and_nothing_else_is() {
        for (name, plain, shown) in [
            ("HF_TOKEN", "abc", "****"),
            ("db_password", "abc", "****"),
            ("X", "hf_abcdef", "****"),
            (
                "INDEX",
                "https://joe:pw@host/simple",
                "https://****@host/simple",
            ),
            ("CHANNEL", "https://h/t/ab-12/c", "https://h/t/****/c"),
            ("PATH", "/usr/bin:/bin", "/usr/bin:/bin"),
            ("PWD", "/work", "/work"),
            ("TOKENIZERS_PARALLELISM", "false", "false"),
            ("TOKEN", "", ""),
        ] {
            assert_eq!(redact_value(name, plain), shown, "{name}");
        }
    }

    #[test]
    fn command_lines_show_no_secret() {
        for (line, shown) in [
            (
                "RUN curl --token=abc -H x https://u:p@h/ && API_KEY=1 make",
                "RUN curl --token=**** -H x https://****@h/ && API_KEY=**** make",
            ),
            (
                "curl --password abc --pad-token x -v",
                "curl --password **** --pad-token x -v",
            ),
            ("git push --token --force", "git push --token --force"),
            (
                "curl -H 'Authorization: Bearer abc' x",
                "curl -H 'Authorization: Bearer ****' x",
            ),
            (
                "docker run --env=HF_TOKEN=abc x",
                "docker run --env=HF_TOKEN=**** x",
            ),
            (
                "sh -c 'HF_TOKEN=abc' x=1 --max-tokens=5",
                "sh -c 'HF_TOKEN=****' x=1 --max-tokens=5",
            ),
            (
                "docker build --secret id=netrc,src=/x .",
                "docker build --secret id=netrc,src=/x .",
            ),
            (
                "RUN --mount=type=secret,id=netrc,required=true --opt=a=1,token=abc x",
                "RUN --mount=type=secret,id=netrc,required=true --opt=a=1,token=**** x",
            ),
            (
                "get https://h/?a=1&token=abc&b=2",
                "get https://h/?a=1&token=****&b=2",
            ),
        ] {
            assert_eq!(redact_text(line), shown);
            assert_eq!(redact_command(line.split(' ')).join(" "), shown);
            assert_eq!(redact_text(shown), shown);
        }
        assert_eq!(
            redact_text("curl --token \\\n  abc\n-v"),
            "curl --token \\\n  ****\n-v"
        );
        assert_eq!(
            redact_command(["train", "--api-key", "a b", "sh", "echo --token abc"]),
            ["train", "--api-key", "****", "sh", "echo --token ****"]
        );
    }
}
