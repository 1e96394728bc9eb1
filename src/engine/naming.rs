//! Names and labels of images.

/// The label of the commit (OCI image specification, "annotations").
pub const REVISION_LABEL: &str = "org.opencontainers.image.revision";

/// The label that holds the digest of what a generic image was built from.
pub const INPUTS_LABEL: &str = "envtpl.inputs";

/// The name of an image with a commit in its tag: `…-run-latest-root` becomes `…-run-<sha>-root`.
pub fn commit_tag(image: &str, commit: &str) -> String {
    match image.rsplit_once("-latest-") {
        Some((start, end)) => format!("{start}-{commit}-{end}"),
        // The person named the image otherwise in compose.yaml.
        None => format!("{image}-{commit}"),
    }
}

/// The first twelve digits of an image id, as `docker images` shows them.
pub fn short_id(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}
