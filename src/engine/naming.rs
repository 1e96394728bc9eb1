//! Names and labels of images.

/// The label of the commit (OCI image specification, "annotations").
pub const REVISION_LABEL: &str = "org.opencontainers.image.revision";

/// The label that holds the digest of what a generic image was built from.
pub const INPUTS_LABEL: &str = "envtpl.inputs";

/// The label that holds the digest of what a user image adds to its generic image.
pub const USER_INPUTS_LABEL: &str = "envtpl.user-inputs";

/// The label that says which project and installation an image is of, also when it has lost its
/// name to a newer one: `repository:installation`.
pub const FAMILY_LABEL: &str = "envtpl.image";

/// The name of an image with a commit in its tag: `…-run-latest-root` becomes `…-run-<sha>-root`.
pub fn commit_tag(image: &str, commit: &str) -> String {
    match image.rsplit_once("-latest-") {
        Some((start, end)) => format!("{start}-{commit}-{end}"),
        // The person named the image otherwise in compose.yaml.
        None => format!("{image}-{commit}"),
    }
}

/// Whether `name` is one that [`commit_tag`] gave to an older or newer `image`.
pub fn is_commit_tag(image: &str, name: &str) -> bool {
    let commit = match image.rsplit_once("-latest-") {
        Some((start, end)) => name
            .strip_prefix(start)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(end))
            .and_then(|rest| rest.strip_suffix('-')),
        None => name
            .strip_prefix(image)
            .and_then(|rest| rest.strip_prefix('-')),
    };
    let is_commit = |commit: &str| {
        let id = commit.strip_suffix("-dirty").unwrap_or(commit);
        id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    commit.is_some_and(is_commit)
}

/// The first twelve digits of an image id, as `docker images` shows them.
pub fn short_id(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_commits_are_told_from_those_of_other_people_and_things() {
        let image = "lab/p:amd64-cpu-run-latest-ann";
        assert!(is_commit_tag(image, &commit_tag(image, "0123abc")));
        assert!(is_commit_tag(image, &commit_tag(image, "0123abc-dirty")));
        assert!(is_commit_tag(
            "lab/own:1",
            &commit_tag("lab/own:1", "0123abc")
        ));
        for other in [
            image,
            "lab/p:amd64-cpu-run-0123abc-bob",
            "lab/p:amd64-cpu-run-thesis-ann",
            "lab/p:amd64-cpu-dev-0123abc-ann",
            "lab/p2:amd64-cpu-run-0123abc-ann",
            "lab/own:1",
        ] {
            assert!(!is_commit_tag(image, other), "{other}");
        }
    }
}
