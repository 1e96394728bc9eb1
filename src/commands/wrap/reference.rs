//! By which name and digest an image can be fetched.

use crate::engine::Image;
use crate::error::{Error, Result};
use crate::installation::identity::split_tag;

/// The image as a registry has it, `NAME:TAG@sha256:…`: the digest is what is fetched, the tag what
/// a newer one is looked for under. Of several registries the first in which the image has a tag.
/// `name` is what the Compose files call it.
///
/// # Errors
/// `NotReady` when no registry has it, or not the one that is asked for.
pub fn pinned(name: &str, image: &Image, repository: Option<&str>) -> Result<String> {
    let mut known: Vec<(&str, &str)> = (image.repo_digests.iter())
        .filter_map(|digest| digest.split_once('@'))
        // What podman writes before names that have no registry.
        .filter(|(place, _)| !place.starts_with("localhost/"))
        .collect();
    // Where the tag is known, it is not guessed.
    known.sort_by_key(|(place, _)| tag_in(image, place).is_none());
    let places: Vec<&str> = known.iter().map(|(place, _)| *place).collect();
    let wanted = |(place, _): &&(&str, &str)| repository.is_none_or(|wanted| wanted == *place);
    let Some((place, digest)) = known.iter().find(wanted) else {
        return Err(match (repository, places.is_empty()) {
            (Some(wanted), false) => {
                Error::not_ready(format!("`{name}` is not known to be in `{wanted}`"))
                    .help(format!("it is in {}", places.join(" and ")))
            }
            _ => Error::not_ready(format!(
                "no registry is known to have `{name}`, and others must fetch it from one"
            ))
            .help("push it to a registry that they reach")
            .help("for this machine alone: `envtpl wrap --local`"),
        });
    };
    let tag = tag_in(image, place)
        .or(split_tag(name).1)
        .unwrap_or("latest");
    Ok(format!("{place}:{tag}@{digest}"))
}

/// The tag of an image in a repository; one that moves with each build rather than that of a commit.
fn tag_in<'a>(image: &'a Image, repository: &str) -> Option<&'a str> {
    let tags = image.repo_tags.iter().map(|name| split_tag(name));
    let tags = tags.filter(|(place, _)| *place == repository);
    let mut tags: Vec<&str> = tags.filter_map(|(_, tag)| tag).collect();
    tags.sort_by_key(|tag| !tag.contains("latest"));
    tags.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const NAME: &str = "lab/p:amd64-cpu-dev-latest-root";

    fn image(digests: &[&str], tags: &[&str]) -> Image {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Image {
            repo_digests: owned(digests),
            repo_tags: owned(tags),
            ..Image::default()
        }
    }

    #[test]
    fn the_tag_that_moves_is_looked_for_later() {
        let pushed = image(
            &["r.lab:5000/p@sha256:1"],
            &["r.lab:5000/p:dev-0123abc", NAME, "r.lab:5000/p:dev-latest"],
        );
        let found = pinned(NAME, &pushed, None).expect("pinned");
        assert_eq!(found, "r.lab:5000/p:dev-latest@sha256:1");
        // Its name there was taken away here: it is most likely the same.
        let untagged = image(&["r.lab:5000/p@sha256:1"], &[NAME]);
        let found = pinned(NAME, &untagged, None).expect("pinned");
        assert_eq!(found, "r.lab:5000/p:amd64-cpu-dev-latest-root@sha256:1");
    }

    #[test]
    fn of_several_registries_one_can_be_chosen() {
        let pushed = image(&["a.lab/p@sha256:1", "b.lab/p@sha256:2"], &["b.lab/p:x"]);
        let found = |repository| pinned(NAME, &pushed, repository);
        assert_eq!(found(None).expect("pinned"), "b.lab/p:x@sha256:2");
        let chosen = found(Some("a.lab/p")).expect("pinned");
        assert_eq!(chosen, "a.lab/p:amd64-cpu-dev-latest-root@sha256:1");
        let error = found(Some("c.lab/p")).expect_err("not there");
        assert_eq!(error.helps(), ["it is in b.lab/p and a.lab/p"]);
    }

    #[test]
    fn an_image_that_only_this_machine_has_is_refused() {
        for digests in [&[][..], &["localhost/lab/p@sha256:1"]] {
            let error = pinned(NAME, &image(digests, &[NAME]), None).expect_err("no registry");
            assert_eq!(error.kind(), Kind::NotReady);
            assert!(error.helps().iter().any(|help| help.contains("--local")));
        }
    }
}
