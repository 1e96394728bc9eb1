//! Secrets that stay in an image, and stages that no build needs.

use super::view::View;
use crate::commands::check::finding::Findings;
use crate::error::Result;
use crate::installation::dockerfile::{Keyword, Skipped};
use crate::secrets::{has_secret, is_secret_name, is_token};

/// Ends of names that name where a secret is, and are none.
const PLACES: [&str; 5] = ["FILE", "PATH", "DIR", "NAME", "URL"];

/// `ARG` and `ENV` whose value, or name, is a secret: the image's history keeps both.
pub fn secrets(findings: &mut Findings, view: &View<'_>) {
    for instruction in view.dockerfile.instructions() {
        let keyword = instruction.keyword;
        if !matches!(keyword, Keyword::Arg | Keyword::Env) {
            continue;
        }
        for pair in instruction.pairs(view.dockerfile.escape()) {
            let value = pair.value.as_deref().unwrap_or_default();
            let value = value.trim_matches(['"', '\'']);
            let help =
                "`RUN --mount=type=secret,id=NAME …` shows it to one step, and leaves no trace";
            if has_secret(value) || is_token(value) {
                findings
                    .error(
                        &view.place(pair.offset),
                        format!(
                            "`{}` holds a secret, which everybody who has the image can read",
                            pair.name
                        ),
                    )
                    .help(help)
                    .help("what was committed or pushed is known: have it replaced");
                continue;
            }
            let upper = pair.name.to_uppercase();
            let is_a_place =
                PLACES.iter().any(|end| upper.ends_with(end)) || value.starts_with('/');
            // The fingerprint of a key is public, and so are switches and numbers.
            let is_public = upper.ends_with("GPG_KEY")
                || upper.ends_with("GPG_KEYS")
                || (value.len() < 3 && pair.value.is_some())
                || matches!(value, "true" | "false" | "yes" | "none");
            if is_secret_name(&pair.name) && !is_a_place && !is_public {
                findings
                    .warning(
                        &view.place(pair.offset),
                        format!("`{}` sounds like a secret, and an {keyword} stays in the image's history", pair.name),
                    )
                    .help(help);
            }
        }
    }
}

/// Stages that are left out of what the Compose files build.
///
/// # Errors
/// When a wanted stage is not there, which has its own finding.
pub fn orphans(findings: &mut Findings, view: &View<'_>, wanted: &[&str]) -> Result<()> {
    let mut targets = Vec::new();
    for name in wanted {
        targets.push(view.dockerfile.stage(name)?.index);
    }
    if targets.is_empty() {
        targets.extend(view.dockerfile.stages().last().map(|stage| stage.index));
    }
    let reachable = view.graph.reachable(targets);
    for stage in view.dockerfile.stages() {
        let why = match view.graph.skipped(stage.index, &reachable) {
            None | Some(Skipped::Replaced) => continue,
            Some(Skipped::Unused) => "nothing takes from it".to_owned(),
            Some(Skipped::OnlyBySkipped(by)) => {
                let names = by
                    .iter()
                    .map(|index| view.dockerfile.stages()[*index].label());
                format!(
                    "only {} takes from it, left out too",
                    names.collect::<Vec<_>>().join(", ")
                )
            }
        };
        let label = stage.label();
        findings
            .note(
                &view.dockerfile.place(stage),
                format!("stage `{label}` is in no build: {why}"),
            )
            .help(format!(
                "`envtpl build --with {label}` builds it too; `envtpl stages` shows the whole"
            ));
    }
    Ok(())
}
