//! Edits of an `environment.yml`, which leave every byte beside them as it is.

use serde_yaml::Value;

use super::package::{CondaPackage, conda_name};
use super::{CondaEnvironment, DEPENDENCIES};
use crate::error::{Error, Result};
use crate::installation::requirements::{Line, Pin, Requirements};
use crate::installation::yaml_document::{ListItem, Step, YamlDocument};
use crate::secrets::redact;

impl CondaEnvironment {
    /// Adds a channel behind the others. Says whether the file changed.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely, with what to write by hand.
    pub fn add_channel(&mut self, channel: &str) -> Result<bool> {
        if self.channels().contains(&channel) {
            return Ok(false);
        }
        self.change(|document| {
            let way = [Step::Key("channels")];
            match document.get(&way).and_then(Value::as_sequence) {
                Some(_) => document.insert(&way, usize::MAX, channel),
                None => document.add_list(&[], "channels", channel),
            }
        })?;
        Ok(true)
    }

    /// Adds a package for conda behind the others, before the `pip:` list. Says whether the file
    /// changed: a package that is listed, in whatever version, stays as it is.
    ///
    /// # Errors
    /// `Usage` when it is no MatchSpec, `Failed` when the file cannot be edited safely.
    pub fn add_conda(&mut self, spec: &str) -> Result<bool> {
        let name = conda_name(spec)
            .filter(|_| !spec.contains(['\n', '\r']))
            .ok_or_else(|| Error::usage(format!("`{}` is no conda package", redact(spec))))?;
        if self.has_conda(&name) {
            return Ok(false);
        }
        let behind = self.conda.last().map(|package| package.item + 1);
        let index = behind.or(self.pip_item).unwrap_or(0);
        self.change(
            |document| match document.get(&DEPENDENCIES).and_then(Value::as_sequence) {
                Some(_) => document.insert(&DEPENDENCIES, index, spec),
                None => document.add_list(&[], "dependencies", spec),
            },
        )?;
        Ok(true)
    }

    /// Makes this the list of channels. Says whether the file changed.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely, with what to write by hand.
    pub fn set_channels(&mut self, channels: &[String]) -> Result<bool> {
        if self.channels() == channels || channels.is_empty() {
            return Ok(false);
        }
        self.change(|document| {
            let way = [Step::Key("channels")];
            let there = document
                .get(&way)
                .and_then(Value::as_sequence)
                .map(Vec::len);
            let items: Vec<ListItem> = channels
                .iter()
                .map(|channel| ListItem::new(channel))
                .collect();
            let Some(there) = there.filter(|count| *count > 0) else {
                return document.add_list_of(&[], "channels", &items, &[]);
            };
            let kept = there.min(items.len());
            for (index, item) in items[..kept].iter().enumerate() {
                document.set(&[way[0], Step::Item(index)], &item.text)?;
            }
            for index in (kept..there).rev() {
                document.remove(&[way[0], Step::Item(index)])?;
            }
            match kept < items.len() {
                true => document.insert_all(&way, kept, &items[kept..], &[]),
                false => Ok(()),
            }
        })?;
        Ok(true)
    }

    /// Adds a line for pip at the end of the `pip:` list, which is made when there is none. Says
    /// whether the file changed: a distribution that is listed, in whatever version, stays.
    ///
    /// # Errors
    /// `Usage` when it is no requirement, `Failed` when the file cannot be edited safely.
    pub fn add_pip(&mut self, requirement: &str) -> Result<bool> {
        let mut requirements = self.pip_requirements()?;
        if !requirements.add(requirement)? {
            return Ok(false);
        }
        self.append_items(&[ListItem::new(requirement.trim())], &[])?;
        Ok(true)
    }

    /// Adds lines for pip with their comments at the end of the `pip:` list, which is made when
    /// there is none.
    ///
    /// # Errors
    /// `Usage` when one of them contradicts what is there, `Failed` when the file cannot be edited
    /// safely.
    pub fn append_pip(&mut self, lines: &[Line]) -> Result<()> {
        let mut items = Vec::new();
        let mut above = Vec::new();
        for line in lines {
            let own = line.above.iter().map(|comment| comment.trim());
            above.extend(own.filter(|comment| !comment.is_empty()).map(str::to_owned));
            if !line.content.is_empty() {
                items.push(ListItem {
                    above: std::mem::take(&mut above),
                    text: line.content.clone(),
                    comment: line.comment.clone(),
                });
            }
        }
        match (items.is_empty(), above.is_empty()) {
            (true, true) => Ok(()),
            _ => self.append_items(&items, &above),
        }
    }

    /// Adds items to the `pip:` list, and comments below them.
    fn append_items(&mut self, items: &[ListItem], below: &[String]) -> Result<()> {
        let pip_item = self.pip_item;
        self.change(|document| {
            if let Some(item) = pip_item {
                let way = [DEPENDENCIES[0], Step::Item(item), Step::Key("pip")];
                return match document.get(&way).and_then(Value::as_sequence) {
                    Some(_) => document.insert_all(&way, usize::MAX, items, below),
                    None => document.add_list_of(&way[..2], "pip", items, below),
                };
            }
            if document
                .get(&DEPENDENCIES)
                .and_then(Value::as_sequence)
                .is_none()
            {
                document.add_list(&[], "dependencies", "pip")?;
            }
            match items.is_empty() {
                true => document.insert_all(&DEPENDENCIES, usize::MAX, &[], below),
                false => document.add_list_of(&DEPENDENCIES, "pip", items, below),
            }
        })
    }

    /// Sets a package's version, `name=version`, where it stands; a channel before it stays. Says
    /// whether the file changed.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn pin_conda(&mut self, name: &str, version: &str) -> Result<bool> {
        let name = name.to_ascii_lowercase();
        let Some(package) = self.conda.iter().find(|package| package.name == name) else {
            return Ok(false);
        };
        let channel = package
            .spec
            .rsplit_once("::")
            .map_or(String::new(), |(channel, _)| format!("{channel}::"));
        let spec = format!("{channel}{name}={version}");
        if CondaPackage::parse(&spec).is_none_or(|new| new.version() != Some(version)) {
            return Err(Error::usage(format!(
                "`{version}` is no version of a conda package"
            )));
        }
        let way = [DEPENDENCIES[0], Step::Item(package.item)];
        if package.spec == spec {
            return Ok(false);
        }
        self.change(|document| document.set(&way, &spec).map(drop))?;
        Ok(true)
    }

    /// Pins a distribution of pip where it stands, as [`Requirements::pin_to`] does. Says whether
    /// the file changed.
    ///
    /// # Errors
    /// As [`Requirements::pin_to`], and `Failed` when the file cannot be edited safely.
    pub fn pin_pip(&mut self, name: &str, to: Pin<'_>) -> Result<bool> {
        let (Some(item), Some(line)) = (self.pip_item, self.pip_line(name)) else {
            return Ok(false);
        };
        // All lines at once know that a name stands on two of them.
        if !self.pip_requirements()?.pin_to(name, to)? {
            return Ok(false);
        }
        let mut requirement = Requirements::parse(&self.path, &self.pip[line])?;
        requirement.pin_to(name, to)?;
        let way = pip_way(item, line);
        self.change(|document| document.set(&way, requirement.text()).map(drop))?;
        Ok(true)
    }

    /// The number of the line of pip that asks for a distribution, by its name in any spelling.
    fn pip_line(&self, name: &str) -> Option<usize> {
        self.pip.iter().position(|line| {
            Requirements::parse(&self.path, line)
                .is_ok_and(|requirements| requirements.contains(name))
        })
    }

    /// Removes a package of conda. Says whether there was one.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn remove_conda(&mut self, name: &str) -> Result<bool> {
        let name = name.to_ascii_lowercase();
        let Some(package) = self.conda.iter().find(|package| package.name == name) else {
            return Ok(false);
        };
        let way = [DEPENDENCIES[0], Step::Item(package.item)];
        self.change(|document| document.remove(&way).map(drop))?;
        Ok(true)
    }

    /// Removes a distribution of pip. Says whether there was one.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn remove_pip(&mut self, name: &str) -> Result<bool> {
        let (Some(item), Some(line)) = (self.pip_item, self.pip_line(name)) else {
            return Ok(false);
        };
        let way = pip_way(item, line);
        self.change(|document| document.remove(&way).map(drop))?;
        Ok(true)
    }

    /// Removes every line for pip that says just this, its comment aside. Says whether there was
    /// one.
    ///
    /// # Errors
    /// `Failed` when the file cannot be edited safely.
    pub fn remove_pip_line(&mut self, content: &str) -> Result<bool> {
        let mut removed = false;
        while let (Some(item), Some(line)) = (
            self.pip_item,
            self.pip.iter().position(|line| line.trim() == content),
        ) {
            let way = pip_way(item, line);
            self.change(|document| document.remove(&way).map(drop))?;
            removed = true;
        }
        Ok(removed)
    }

    /// Makes an edit on a copy, which counts once it is read again as an environment.
    fn change(&mut self, edit: impl FnOnce(&mut YamlDocument) -> Result<()>) -> Result<()> {
        let mut document = self.document.clone();
        edit(&mut document)?;
        *self = Self::read(&self.path, document)?;
        Ok(())
    }
}

/// The way to a line of the `pip:` list, which is an item of the dependencies.
fn pip_way(item: usize, line: usize) -> [Step<'static>; 4] {
    [
        DEPENDENCIES[0],
        Step::Item(item),
        Step::Key("pip"),
        Step::Item(line),
    ]
}
