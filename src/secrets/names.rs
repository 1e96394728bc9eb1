//! Names and words that tell that something is a secret.

/// Words of names (of variables, options and query parameters) whose values are secrets.
const WORDS: [&str; 11] = [
    "key",
    "keys",
    "pass",
    "pwd",
    "pat",
    "auth",
    "sig",
    "signature",
    "private",
    "cookie",
    "cookies",
];

/// What such words contain.
const PARTS: [&str; 9] = [
    "passw",
    "passphrase",
    "secret",
    "credential",
    "oauth",
    "apikey",
    "accesskey",
    "authkey",
    "sshkey",
];

/// Tokens that a language model reads, not a server: `pad_token`, and `max_tokens` is no token
/// either.
const OF_MODELS: [&str; 8] = ["pad", "eos", "bos", "unk", "sep", "cls", "mask", "image"];

/// How tokens of well-known services start.
const TOKEN_STARTS: [&str; 10] = [
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

/// Whether what goes by a name is a secret: a variable, an option, a query parameter.
pub fn is_secret_name(name: &str) -> bool {
    // The working directory of a shell.
    if matches!(name, "PWD" | "OLDPWD") {
        return false;
    }
    let words = words(name);
    let before = |index: usize| index.checked_sub(1).map(|index| words[index].as_str());
    words.iter().enumerate().any(|(index, word)| {
        let token = word.ends_with("token")
            && !before(index).is_some_and(|before| OF_MODELS.contains(&before));
        token || WORDS.contains(&word.as_str()) || PARTS.iter().any(|part| word.contains(part))
    })
}

/// Whether a word looks like a token of a well-known service.
pub fn is_token(word: &str) -> bool {
    let start = word.find(|c: char| c.is_ascii_alphanumeric()).unwrap_or(0);
    TOKEN_STARTS
        .iter()
        .any(|known| word[start..].starts_with(known))
}

/// The words of a name in lower case: `API_KEY`, `api-key` and `apiKey` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        let begins = !c.is_ascii_alphanumeric() || (after_lower && c.is_ascii_uppercase());
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        after_lower = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known() {
        for name in [
            "HF_TOKEN",
            "GITHUBTOKEN",
            "accessToken",
            "API_KEY",
            "--api-key",
            "db_password",
            "PGPASSWORD",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "sig",
            "accountKey",
            "AccessKeyId",
            "AWSAccessKeyId",
            "private_token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "PWD",
            "MONKEY",
            "AUTHOR",
            "DESIGN",
            "SIGNAL",
            "é",
            "",
            "--max-tokens",
            "TOKENIZERS_PARALLELISM",
            "model.tokenizer",
            "pad_token_id",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn tokens_of_services_are_known() {
        assert!(is_token("\"ghp_abc") && !is_token("graph") && !is_token("é"));
    }
}
