//! A package as conda's environment files ask for it.

/// A package that conda installs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondaPackage {
    /// The package's name, in lower case.
    pub name: String,
    /// As it is written.
    pub spec: String,
    /// The number of its item in `dependencies`.
    pub(super) item: usize,
}

impl CondaPackage {
    /// Reads a MatchSpec: `name`, `name=1.2`, `name=1.2=build`, `name >=1,<2`,
    /// `channel::name[version='1']`, or the URL of a package. `None` when no name is in it.
    pub fn parse(spec: &str) -> Option<Self> {
        let name = conda_name(spec)?;
        Some(Self {
            name,
            spec: spec.to_owned(),
            item: 0,
        })
    }

    /// The one version that it allows (`name=1.2`, `name==1.2`, `name 1.2`), without `*`; the
    /// first of these allows `1.2.3`, too.
    pub fn version(&self) -> Option<&str> {
        let version = self.behind_name()?.trim_start_matches('=').trim_start();
        let version = version.split(['=', ' ']).next().unwrap_or_default();
        let plain = !version.is_empty()
            && version
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '!'));
        plain.then_some(version)
    }

    /// The series of a language such as Python's `3.11` in `python=3.11.4`, `python 3.11.*` and the
    /// like; `None` where several will do.
    pub fn series(&self) -> Option<String> {
        let rest = self.behind_name()?.trim_start_matches('=').trim_start();
        let mut parts = rest.split(['=', ' ']).next()?.split('.');
        let (major, minor) = (parts.next()?, parts.next()?);
        let is_number =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        (is_number(major) && is_number(minor)).then(|| format!("{major}.{minor}"))
    }

    fn behind_name(&self) -> Option<&str> {
        let rest = self.spec.rsplit("::").next()?.trim_start();
        Some(rest.get(self.name.len()..)?.trim_start())
    }
}

/// The name in a MatchSpec, in lower case, as conda compares names.
pub(super) fn conda_name(spec: &str) -> Option<String> {
    let spec = spec.trim();
    let name = if spec.contains("://") || spec.ends_with(".conda") || spec.ends_with(".tar.bz2") {
        let file = spec.split(['#', '?']).next()?.rsplit(['/', '\\']).next()?;
        let file = file
            .strip_suffix(".conda")
            .or(file.strip_suffix(".tar.bz2"))?;
        // The build and the version stand behind the last two hyphens.
        file.rsplitn(3, '-').nth(2)?
    } else {
        let behind_channel = spec.rsplit("::").next()?.trim_start();
        let end = behind_channel.find(|c: char| !is_name_character(c));
        let (name, rest) = behind_channel.split_at(end.unwrap_or(behind_channel.len()));
        if !rest.is_empty() && !rest.starts_with(['=', '<', '>', '!', '~', ' ', '[']) {
            return None;
        }
        name
    };
    let is_name = !name.is_empty() && name.chars().all(is_name_character);
    is_name.then(|| name.to_ascii_lowercase())
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}
