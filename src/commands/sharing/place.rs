//! Where images are pushed to and pulled from.

use crate::error::{Error, Result};
use crate::installation::layer::Layer;
use crate::installation::name::Name;
use crate::installation::project_settings::{FILE, ProjectSettings};

/// A repository for an installation's images of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// As the person wrote it, with an alias perhaps.
    pub written: String,
    /// The full name, without tag.
    pub name: String,
    /// What is remembered instead, as written; `None` when this is, or nothing is yet.
    pub other: Option<String>,
    /// Whether nothing is remembered yet.
    pub is_new: bool,
}

impl Place {
    /// The place that is given, or else the one that the project remembers.
    ///
    /// # Errors
    /// `Usage` when there is neither, or what is given is no repository.
    pub fn of(
        settings: &ProjectSettings,
        installation: &Name,
        layer: Layer,
        given: Option<&str>,
        verb: &str,
    ) -> Result<Self> {
        let remembered = settings.repository(installation, layer);
        let Some(written) = given.or(remembered) else {
            return Err(unknown(installation, layer, verb));
        };
        let name = settings.resolve(written)?;
        let other = match remembered {
            Some(other) if settings.resolve(other)? != name => Some(other.to_owned()),
            _ => None,
        };
        Ok(Self {
            written: written.to_owned(),
            name,
            other,
            is_new: remembered.is_none(),
        })
    }

    /// The full name of an image there.
    pub fn image(&self, tag: &str) -> String {
        format!("{}:{tag}", self.name)
    }
}

fn unknown(installation: &Name, layer: Layer, verb: &str) -> Error {
    let (what, help) = match verb {
        "pull" => (
            "come from",
            format!("name the repository: `envtpl pull-{layer} registry.example/lab/project`"),
        ),
        _ => (
            "go",
            format!(
                "name a repository, which is remembered in {FILE}: \
                 `envtpl push-{layer} registry.example/lab/project`"
            ),
        ),
    };
    Error::usage(format!(
        "nothing says where the {layer} images of {installation} {what}"
    ))
    .help(help)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_given_counts_before_what_is_remembered() {
        let text = "registries: {IC: i.example/lab}\nimages:\n  generic: IC/p\n";
        let settings = ProjectSettings::parse(Path::new(FILE), text).expect("valid");
        let name: Name = "amd64-cpu".parse().expect("a name");
        let place = |layer, given| Place::of(&settings, &name, layer, given, "push");
        let remembered = place(Layer::Generic, None).expect("one");
        assert_eq!(remembered.image("t"), "i.example/lab/p:t");
        assert_eq!((&*remembered.written, remembered.is_new), ("IC/p", false));
        let same = place(Layer::Generic, Some("i.example/lab/p")).expect("one");
        assert_eq!(same.other, None);
        let other = place(Layer::Generic, Some("me/p")).expect("one");
        assert_eq!(other.other.as_deref(), Some("IC/p"));
        assert!(place(Layer::User, Some("me/p")).expect("one").is_new);
        let error = place(Layer::User, None).expect_err("nothing");
        assert!(error.helps()[0].contains("envtpl push-user"), "{error:?}");
    }
}
