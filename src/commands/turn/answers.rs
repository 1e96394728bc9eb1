//! What the new files are rendered with.

use crate::commands::turn::Turn;
use crate::commands::turn::aside::Aside;
use crate::error::Result;
use crate::files;
use crate::installation::compose::ComposeFile;
use crate::installation::pin;
use crate::templates::{Answers, Catalogue, FromBase, Python, RECORD, Record, check_image};

/// What in `compose-base.yaml` is the person's own.
#[derive(Debug)]
pub(super) struct Custom {
    /// The image, when it does not come from the catalogue.
    pub(super) image: Option<String>,
    conda: bool,
}

impl Turn<'_> {
    /// What the new files are rendered with.
    pub(super) fn answers(&mut self, aside: Option<&Aside>) -> Result<Answers> {
        if let Some(text) = aside.and_then(|aside| aside.files.get(RECORD)?.original.as_ref()) {
            let text = String::from_utf8_lossy(&text.bytes);
            return Ok(Record::parse(&self.source.path(RECORD), &text)?.answers);
        }
        let old = &self.record.answers;
        let (from, to) = (self.source.name(), self.target.name.clone());
        let to = &to;
        let same_kind = old.from_base == self.kind;
        let same_machine =
            (from.platform(), from.acceleration()) == (to.platform(), to.acceleration());
        let mut answers = old.clone();
        answers.rename(to);
        answers.from_base = self.kind;
        if let Some(machine) = answers.machine {
            machine.check(to)?;
        }

        let catalogue = Catalogue::embedded()?;
        catalogue.check(to)?;
        let asked = self.asked_python()?.and_then(|asked| asked.series());
        let wanted = asked.unwrap_or_else(|| old.python_version.clone());
        if let Some(image) = &self.target.base_image {
            check_image(image)?;
            let choice = catalogue.choose_own(to, self.kind, image, &Python::Any)?;
            answers.base = choice.base;
            answers.conda = choice.conda;
            answers.python_version = match self.kind {
                FromBase::FromPython | FromBase::Toolchain => choice.python_version,
                FromBase::FromScratch => old.python_version.clone(),
            };
            return Ok(answers);
        }
        if same_kind && same_machine {
            return Ok(answers);
        }
        let custom = self.custom(&catalogue)?;
        let wishes = [&wanted, &old.python_version].map(|version| Python::Exactly(version.clone()));
        let mut choices = wishes
            .iter()
            .map(|python| catalogue.choose(to, self.kind, python));
        let choice = match choices.find_map(Result::ok) {
            Some(choice) => choice,
            None => catalogue.choose(to, self.kind, &Python::Any)?,
        };
        if let Some(image) = &custom.image {
            // What was rendered stays, so that the person's edit of it, if it is one, merges.
            self.warnings.push((
                format!("the base image of your own is kept: `{image}`"),
                format!(
                    "if it does not fit, change BASE_IMAGE in \
                     `installation/{to}/compose-base.yaml`, or turn back and give `--base-image REF`"
                ),
            ));
        } else {
            answers.base = choice.base;
        }
        if custom.image.is_none() || self.kind == FromBase::FromScratch {
            // What else `environment.yml` asks for is told by its line.
            if wanted == old.python_version && choice.python_version != wanted {
                self.warnings.push((
                    format!(
                        "Python will be {} and not {}: envtpl's catalogue has no such image for `{to}`",
                        choice.python_version, wanted
                    ),
                    "turn back and give an image of your own with `--base-image REF`".into(),
                ));
            }
            answers.python_version = choice.python_version;
        }
        if custom.conda && same_kind {
            self.warnings.push((
                "the CONDA_URL of your own is kept".into(),
                format!(
                    "change it in compose-base.yaml if it is not for {}",
                    to.platform()
                ),
            ));
        } else {
            answers.conda = choice.conda;
        }
        Ok(answers)
    }

    /// What of `compose-base.yaml` does not come from the catalogue.
    pub(super) fn custom(&self, catalogue: &Catalogue) -> Result<Custom> {
        let old = &self.record.answers;
        let path = self.source.path("compose-base.yaml");
        let file = match files::read_text_if_exists(&path)? {
            Some(text) => Some(ComposeFile::parse(&path, &text)?),
            None => None,
        };
        let there = |name: &str, rendered: &str| -> String {
            let there = file.as_ref().and_then(|file| file.build_arg(name));
            there.unwrap_or(rendered).to_owned()
        };
        let image = there("BASE_IMAGE", &old.base.base_image);
        // The digest that a freeze has put there belongs to the image, whosever it is.
        let image = pin::split(&image).0.to_owned();
        let edited = image != pin::split(&old.base.base_image).0
            || there("BASE_ENTRYPOINT", &old.base.base_entrypoint) != old.base.base_entrypoint;
        let offered = catalogue.offers(self.source.name(), old.from_base, &old.base.base_image);
        Ok(Custom {
            image: (edited || !offered).then_some(image),
            conda: old.from_base == FromBase::FromScratch
                && there("CONDA_URL", &old.conda.conda_url) != old.conda.conda_url,
        })
    }
}
