//! Which image and which registry a refusal is about, and what is told of it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::explanation::Explanation;
use crate::registry::{Asked, Host, Reason};

/// What is known of a log beforehand.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The engine's program; `docker` when it is not known.
    pub docker: Option<String>,
    /// The image that was asked for.
    pub image: Option<String>,
}

/// How the builder and the engine name the image that they were asked for.
static IMAGE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?:failed to resolve source metadata for |pull access denied for |manifest for |",
        r"failed to push |image with reference |Unable to find image '|Error pulling image |",
        r"repository \[?|load metadata for )",
        // What is no name has none of these.
        r"(?P<image>[\w.-]+(?::\d+)?(?:/[\w.-]+)+(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?|",
        r"[\w.-]+:[\w.-]+)(?:[\s:,'?\]]|$)",
    ))
    .ok()
});

/// An address of a registry's API, or of its server of tokens.
static ADDRESS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"https?://(?P<registry>[^/\s"]+)/v2(?:/|\b)"#).ok());

/// Adds to what is known of a refusal the image and the registry that its text names.
pub(super) fn name(text: &str, facts: &mut BTreeMap<String, String>) {
    for (name, pattern) in [("image", &IMAGE), ("registry", &ADDRESS)] {
        let found = pattern.as_ref().and_then(|pattern| pattern.captures(text));
        if let Some(found) = found {
            facts
                .entry(name.to_owned())
                .or_insert_with(|| found[name].to_owned());
        }
    }
}

/// Tells a refusal in our words, with the registry's own line to log in; the others' words go below.
pub(super) fn tell(explanation: &mut Explanation, reason: Reason, known: &Known) {
    let facts = &mut explanation.facts;
    if let Some(image) = &known.image {
        facts.entry("image".to_owned()).or_insert(image.clone());
    }
    // The name of an image has more to say than an address: Docker Hub has several.
    let host = match (facts.get("image"), facts.get("registry")) {
        (Some(image), _) => Some(Host::of_image(image)),
        (None, Some(registry)) => Some(Host::new(registry)),
        (None, None) => None,
    };
    if let Some(host) = &host {
        facts.insert("registry".to_owned(), host.name().to_owned());
    }
    if let Some(image) = facts.get_mut("image") {
        *image = as_written(image).to_owned();
    }
    let asked = Asked {
        docker: known.docker.clone().unwrap_or_else(|| "docker".to_owned()),
        host,
        image: facts.get("image").cloned(),
    };
    let said = std::mem::replace(&mut explanation.message, reason.say(&asked));
    let said = without_prefixes(&said);
    if !explanation.message.ends_with(said) {
        explanation.excerpt = vec![said.to_owned()];
    }
    explanation.advice.extend(reason.helps(&asked));
}

/// An image's name without what the builder adds.
fn as_written(image: &str) -> &str {
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    image.strip_prefix("library/").unwrap_or(image)
}

/// The words of whoever refused, without those who passed them on.
fn without_prefixes(mut said: &str) -> &str {
    let prefixes = [
        "ERROR: ",
        "Error: ",
        "error: ",
        "Error response from daemon: ",
        "failed to solve: ",
        "failed to do request: ",
        "failed to authorize: ",
    ];
    while let Some(rest) = prefixes.iter().find_map(|prefix| said.strip_prefix(prefix)) {
        said = rest;
    }
    match said.split_once("failed to resolve source metadata for ") {
        // The image, and then why.
        Some((_, rest)) => rest.split_once(": ").map_or(rest, |(_, why)| why),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (Option<String>, Option<String>) {
        let mut facts = BTreeMap::new();
        name(text, &mut facts);
        (facts.remove("image"), facts.remove("registry"))
    }

    #[test]
    fn the_image_and_the_registry_of_a_refusal_are_found() {
        for (text, image, registry) in [
            (
                r#"Error response from daemon: Head "http://127.0.0.1:5101/v2/lab/x/manifests/1": no basic auth credentials"#,
                None,
                Some("127.0.0.1:5101"),
            ),
            (
                "ERROR: failed to solve: a.b/x:1: failed to resolve source metadata for a.b/x:1: not found",
                Some("a.b/x:1"),
                None,
            ),
            (
                "manifest for localhost:5000/x:2 not found: manifest unknown",
                Some("localhost:5000/x:2"),
                None,
            ),
            (
                "pull access denied for lab/x, repository does not exist or may require 'docker login'",
                Some("lab/x"),
                None,
            ),
            (
                "The push refers to repository [localhost:5000/lab/x]",
                Some("localhost:5000/lab/x"),
                None,
            ),
            ("pull access denied, repository does not exist", None, None),
            (
                "name unknown: The repository with name 'x' does not exist",
                None,
                None,
            ),
            (
                "unexpected status code https://registry-1.docker.io/v2/library/python/manifests/sha256:55: 429",
                None,
                Some("registry-1.docker.io"),
            ),
        ] {
            let found = named(text);
            let expected = (image.map(str::to_owned), registry.map(str::to_owned));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn only_the_words_of_whoever_refused_are_kept() {
        for (said, words) in [
            (
                "ERROR: failed to solve: a/x:1: failed to resolve source metadata for a/x:1: pull access denied",
                "pull access denied",
            ),
            (
                "Error response from daemon: unauthorized: no",
                "unauthorized: no",
            ),
            ("denied: denied", "denied: denied"),
        ] {
            assert_eq!(without_prefixes(said), words);
        }
    }
}
