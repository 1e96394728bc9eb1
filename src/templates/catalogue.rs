//! The images to start from, by platform, acceleration and kind of base.

use std::collections::BTreeMap;
use std::str::FromStr;

use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::installation::identity::{image_name_problem, split_tag, tag_problem};
use crate::installation::name::{Acceleration, Name, Platform};
use crate::templates::answers::{Base, Choice, Conda, FromBase};
use crate::templates::render;

/// What each kind of installation can start from; the keys are `<platform>-<acceleration>`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Catalogue {
    refused: BTreeMap<String, String>,
    from_python: BTreeMap<String, Vec<Image>>,
    from_scratch: BTreeMap<String, Vec<Image>>,
    toolchain: BTreeMap<String, Vec<Image>>,
    conda: BTreeMap<String, Installer>,
}

/// An image; of several the first is the default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    image: String,
    python: String,
    entrypoint: String,
    entrypoint_execs: String,
    notes: String,
}

/// What installs conda packages on a platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Installer {
    url: String,
    sha256: String,
}

/// Which versions of Python will do.
#[derive(Debug, Clone, Default)]
pub enum Python {
    /// Whichever comes.
    #[default]
    Any,
    /// This one, such as `3.12`.
    Exactly(String),
    /// What `requires-python` of `pyproject.toml` says.
    Within(VersionSpecifiers),
}

impl Python {
    /// Whether a version such as `3.12` will do.
    pub fn accepts(&self, version: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(wanted) => wanted == version,
            // A requirement like `>=3.12.3` is met by some release of 3.12.
            Self::Within(specifiers) => ["", ".99"].iter().any(|patch| {
                Version::from_str(&format!("{version}{patch}"))
                    .is_ok_and(|version| specifiers.contains(&version))
            }),
        }
    }
}

impl std::fmt::Display for Python {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any version"),
            Self::Exactly(version) => f.write_str(version),
            Self::Within(specifiers) => write!(f, "{specifiers}"),
        }
    }
}

impl Catalogue {
    /// The catalogue that envtpl carries.
    ///
    /// # Errors
    /// When the file is wrong, which the tests rule out.
    pub fn embedded() -> Result<Self> {
        let wrong = |source| Error::failed("envtpl's catalogue cannot be read").because(source);
        let mut value: serde_yaml::Value =
            serde_yaml::from_str(render::source("catalogue.yaml")?).map_err(wrong)?;
        value.apply_merge().map_err(wrong)?;
        serde_yaml::from_value(value).map_err(wrong)
    }

    /// Refuses what nobody makes images for.
    ///
    /// # Errors
    /// `Usage`, with the reason.
    pub fn check(&self, name: &Name) -> Result<()> {
        self.images(name, FromBase::FromPython).map(drop)
    }

    /// The image for an installation, with a version of Python that will do.
    ///
    /// # Errors
    /// `Usage` when nobody makes images for it, or none with such a Python.
    pub fn choose(&self, name: &Name, kind: FromBase, python: &Python) -> Result<Choice> {
        let images = self.images(name, kind)?;
        if let Some(image) = images.iter().find(|image| python.accepts(&image.python)) {
            return Ok(self.choice(name, kind, image, &image.python));
        }
        if let (FromBase::FromScratch, [image, ..]) = (kind, images) {
            // Conda installs any version; the newest of ours that will do is a good guess.
            let version = match python {
                Python::Exactly(version) => Some(version.as_str()),
                _ => newest(&KNOWN_PYTHONS, python),
            };
            if let Some(version) = version {
                return Ok(self.choice(name, kind, image, version));
            }
        }
        let mut versions: Vec<&str> = images.iter().map(|image| image.python.as_str()).collect();
        versions.sort_by_key(|version| Version::from_str(version).ok());
        Err(Error::usage(format!(
            "no {kind} image for `{name}` in envtpl's catalogue has Python {python}"
        ))
        .help(format!(
            "versions of Python that there are: {}",
            versions.join(", ")
        ))
        .help("give an image of your own with `--base-image`, or `--from-base from-scratch`")
        .help("or choose installations for which there is one with `-i`"))
    }

    /// As [`Self::choose`], with an image of the person's own.
    ///
    /// # Errors
    /// `Usage` when nobody makes such images, or it is known to have another Python than asked for.
    pub fn choose_own(
        &self,
        name: &Name,
        kind: FromBase,
        image: &str,
        python: &Python,
    ) -> Result<Choice> {
        let known = self.find(image);
        let base = match known {
            Some(known) => known.base(),
            None => Base {
                base_image: image.to_owned(),
                base_entrypoint: String::new(),
                base_entrypoint_execs: String::new(),
                base_notes: "An image of your own choice.".to_owned(),
            },
        };
        if kind == FromBase::FromScratch {
            let choice = self.choose(name, kind, python)?;
            return Ok(Choice { base, ..choice });
        }
        self.check(name)?;
        let version = self.python_of(image);
        let python_version = match (version, python) {
            (Some(version), Python::Exactly(wanted)) if version != *wanted => {
                return Err(other_python(image, &version, wanted));
            }
            (Some(version), _) => version,
            (None, Python::Exactly(wanted)) => wanted.clone(),
            (None, _) => OLDEST_PYTHON.to_owned(),
        };
        Ok(Choice {
            base,
            conda: Conda::default(),
            python_version,
        })
    }

    /// The version of Python that an image has, as far as the catalogue or its name tells.
    pub fn python_of(&self, image: &str) -> Option<String> {
        let known = self.find(image).map(|known| known.python.clone());
        known.or_else(|| python_of_image(image))
    }

    /// What the catalogue knows about an image, whichever installation it is for.
    fn find(&self, image: &str) -> Option<&Image> {
        [&self.from_python, &self.from_scratch, &self.toolchain]
            .into_iter()
            .flat_map(BTreeMap::values)
            .flatten()
            .find(|known| known.image == image)
    }

    /// Whether an image is one of those for an installation.
    pub fn offers(&self, name: &Name, kind: FromBase, image: &str) -> bool {
        self.images(name, kind)
            .is_ok_and(|images| images.iter().any(|known| known.image == image))
    }

    /// The installations that are possible, without variants.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        Platform::ALL
            .into_iter()
            .flat_map(|platform| {
                Acceleration::ALL.map(|acceleration| Name::new(platform, acceleration))
            })
            .filter(|name| self.check(name).is_ok())
    }

    fn images(&self, name: &Name, kind: FromBase) -> Result<&[Image]> {
        let key = format!("{}-{}", name.platform(), name.acceleration());
        if let Some(why) = self.refused.get(&key) {
            return Err(Error::usage(format!("`{key}` is not possible: {why}")));
        }
        let images = match kind {
            FromBase::FromPython => &self.from_python,
            FromBase::FromScratch => &self.from_scratch,
            FromBase::Toolchain => &self.toolchain,
        };
        images.get(&key).map(Vec::as_slice).ok_or_else(|| {
            Error::usage(format!("envtpl knows no {kind} image for `{key}`"))
                .help("give an image of your own with `--base-image`")
        })
    }

    fn choice(&self, name: &Name, kind: FromBase, image: &Image, python: &str) -> Choice {
        Choice {
            base: image.base(),
            conda: self.installer(name, kind),
            python_version: python.to_owned(),
        }
    }

    /// Where conda comes from, for a from-scratch installation.
    fn installer(&self, name: &Name, kind: FromBase) -> Conda {
        let installer = self.conda.get(&name.platform().to_string());
        match (kind, installer) {
            (FromBase::FromScratch, Some(installer)) => Conda {
                conda_url: installer.url.clone(),
                conda_sha256: installer.sha256.clone(),
            },
            _ => Conda::default(),
        }
    }
}

impl Image {
    fn base(&self) -> Base {
        Base {
            base_image: self.image.clone(),
            base_entrypoint: self.entrypoint.clone(),
            base_entrypoint_execs: self.entrypoint_execs.clone(),
            base_notes: self.notes.trim_end().to_owned(),
        }
    }
}

/// What the templates need at least; of an image that nobody knows, no more can be said.
const OLDEST_PYTHON: &str = "3.9";

/// The versions that conda can install and that are still looked after.
const KNOWN_PYTHONS: [&str; 5] = ["3.10", "3.11", "3.12", "3.13", "3.14"];

/// The newest of the versions that will do.
fn newest<'a>(versions: &[&'a str], python: &Python) -> Option<&'a str> {
    versions
        .iter()
        .filter(|version| python.accepts(version))
        .max_by_key(|version| Version::from_str(version).ok())
        .copied()
}

/// The error for an image with another Python than asked for.
pub fn other_python(image: &str, version: &str, wanted: &str) -> Error {
    Error::usage(format!(
        "`{image}` has Python {version}, and `--python {wanted}` was asked for"
    ))
    .help("give an image with that version, or leave `--python` away")
    .help("`--from-base from-scratch` installs any version with conda")
}

/// Refuses what cannot be the name of an image.
///
/// # Errors
/// `Usage`, with the reason.
pub fn check_image(image: &str) -> Result<()> {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    let (name, tag) = split_tag(rest);
    let hexadecimal = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit())
        })
    };
    let problem = image_name_problem(name)
        .or_else(|| tag.and_then(tag_problem))
        .or_else(|| match digest {
            Some(digest) if !hexadecimal(digest) => Some("its digest is no sha256".to_owned()),
            _ => None,
        });
    match problem {
        Some(problem) => Err(
            Error::usage(format!("`{image}` is no name of an image: {problem}"))
                .help("names look like python:3.12-slim or registry.example/lab/base@sha256:…"),
        ),
        None => Ok(()),
    }
}

/// The version of Python that an image has, as far as its name tells.
fn python_of_image(image: &str) -> Option<String> {
    let (name, tag) = split_tag(image);
    let last = name.rsplit('/').next().unwrap_or(name);
    if last == "python" || last.ends_with("-python") {
        let version: String = tag
            .unwrap_or_default()
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        if let [major @ "3", minor, ..] = version.split('.').collect::<Vec<_>>().as_slice()
            && !minor.is_empty()
        {
            return Some(format!("{major}.{minor}"));
        }
    }
    // Distributions whose own Python it is: images made by `bootstrap-base`.
    let suites = [
        ("bullseye", "3.9"),
        ("bookworm", "3.11"),
        ("trixie", "3.13"),
        ("focal", "3.8"),
        ("jammy", "3.10"),
        ("noble", "3.12"),
    ];
    let suite = last.strip_suffix("-python")?;
    suites
        .iter()
        .find(|(name, _)| *name == suite)
        .map(|(_, version)| (*version).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::embedded().expect("a catalogue")
    }

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    #[test]
    fn everything_possible_has_both_kinds_of_base() {
        let catalogue = catalogue();
        let names: Vec<String> = catalogue.names().map(|name| name.to_string()).collect();
        assert_eq!(
            names,
            [
                "amd64-cpu",
                "amd64-cuda",
                "amd64-rocm",
                "arm64-cpu",
                "arm64-cuda"
            ]
        );
        for name in catalogue.names() {
            let python = catalogue
                .choose(&name, FromBase::FromPython, &Python::Any)
                .expect("an image");
            assert_eq!(python.conda, Conda::default());
            let scratch = catalogue
                .choose(&name, FromBase::FromScratch, &Python::Any)
                .expect("an image");
            assert_eq!(scratch.conda.conda_sha256.len(), 64, "{name}");
        }
    }

    #[test]
    fn what_is_impossible_is_refused_with_the_reason() {
        let error = catalogue()
            .check(&name("arm64-rocm-x"))
            .expect_err("refused");
        assert!(error.message().contains("AMD publishes ROCm"), "{error}");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
    }

    #[test]
    fn the_version_of_python_chooses_the_image() {
        let catalogue = catalogue();
        let choose = |name: &Name, kind, python: &Python| catalogue.choose(name, kind, python);
        let cpu = name("amd64-cpu");
        let python = Python::Exactly("3.11".into());
        let choice = choose(&cpu, FromBase::FromPython, &python).expect("an image");
        assert_eq!(choice.base.base_image, "python:3.11-slim");
        assert_eq!(choice.python_version, "3.11");

        let within = |text| Python::Within(VersionSpecifiers::from_str(text).expect("specifiers"));
        let image = |text| {
            choose(&cpu, FromBase::FromPython, &within(text)).map(|choice| choice.base.base_image)
        };
        assert_eq!(image(">=3.9").expect("an image"), "python:3.12-slim");
        assert_eq!(image("<3.12").expect("an image"), "python:3.11-slim");
        assert_eq!(image("!=3.12.*").expect("an image"), "python:3.13-slim");
        assert_eq!(image(">=3.12.3").expect("an image"), "python:3.12-slim");
        assert!(image("<3").is_err());

        let error = choose(&cpu, FromBase::FromPython, &Python::Exactly("3.2".into()))
            .expect_err("there is none");
        assert!(error.helps()[0].contains("3.10, 3.11, 3.12"), "{error:?}");
        let scratch = choose(&cpu, FromBase::FromScratch, &Python::Exactly("3.9".into()));
        assert_eq!(scratch.expect("conda has it").python_version, "3.9");
    }

    #[test]
    fn an_image_often_says_which_python_it_has() {
        for (image, version) in [
            ("python:3.11-slim", Some("3.11")),
            ("registry:5000/lab/python:3.9.2", Some("3.9")),
            ("envtpl-base/bookworm-python:amd64", Some("3.11")),
            ("ubuntu:24.04", None),
            ("localhost:5000/python", None),
            ("python:slim", None),
        ] {
            assert_eq!(python_of_image(image).as_deref(), version, "{image}");
        }
    }
}
