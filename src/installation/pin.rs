//! Names of images that say by digest which one is meant: `name:tag@sha256:…`, where the tag only
//! tells people (distribution/reference, the form that Compose and Dockerfiles take).

/// The name with its tag, and the digest behind it.
pub fn split(image: &str) -> (&str, Option<&str>) {
    match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    }
}

/// The image of that name with a digest, whatever digest the name had.
pub fn join(image: &str, digest: &str) -> String {
    format!("{}@{digest}", split(image).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_replaces_a_digest() {
        assert_eq!(split("host:5000/a:1"), ("host:5000/a:1", None));
        assert_eq!(split("a:1@sha256:0"), ("a:1", Some("sha256:0")));
        assert_eq!(join("a:1", "sha256:0"), "a:1@sha256:0");
        assert_eq!(join("a:1@sha256:1", "sha256:0"), "a:1@sha256:0");
    }
}
