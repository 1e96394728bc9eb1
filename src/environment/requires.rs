//! What a package needs: `Requires-Dist` lines, and whether their markers hold (PEP 508).

use std::collections::BTreeSet;

use crate::environment::lock::Lock;
use crate::environment::snapshot::Snapshot;
use crate::installation::requirements::{Marker, normalise};

/// One requirement: a name, perhaps with extras and with a marker that says when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The package's normalised name.
    pub key: String,
    /// The extras that are wanted of it, normalised.
    pub extras: BTreeSet<String>,
    /// The address that it must come from.
    pub url: Option<String>,
    /// One that cannot be read is left out, and so holds: a package too many in view is better
    /// than one overlooked.
    marker: Option<Marker>,
}

/// The interpreter that markers ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// Its full version.
    pub version: String,
    /// The machine in Docker's words.
    pub platform: String,
}

impl Interpreter {
    /// The one of an image or a container; without a version where there is none.
    pub fn of(snapshot: &Snapshot) -> Self {
        let python = snapshot.python.as_ref();
        Self {
            version: python
                .map(|python| python.version.clone())
                .unwrap_or_default(),
            platform: snapshot.platform.clone(),
        }
    }

    /// The one that a lock names.
    pub fn locked(lock: &Lock) -> Self {
        let version = lock.python.as_ref().map(|python| python.version.clone());
        Self {
            version: version.unwrap_or_default(),
            platform: lock.platform.clone(),
        }
    }

    /// What a variable of a marker is; `None` where that is not known.
    fn value(&self, variable: &str) -> Option<String> {
        Some(match variable {
            "python_full_version" | "implementation_version" => self.version.clone(),
            "python_version" => {
                let parts = self.version.splitn(3, '.').take(2);
                parts.collect::<Vec<_>>().join(".")
            }
            "sys_platform" | "sys.platform" => "linux".to_owned(),
            "os_name" | "os.name" => "posix".to_owned(),
            "platform_system" => "Linux".to_owned(),
            "platform_machine" | "platform.machine" => match self.platform.as_str() {
                "amd64" => "x86_64".to_owned(),
                "arm64" => "aarch64".to_owned(),
                other => other.to_owned(),
            },
            "implementation_name" => "cpython".to_owned(),
            "platform_python_implementation" | "python_implementation" => "CPython".to_owned(),
            _ => return None,
        })
    }
}

impl Requirement {
    /// A requirement from its parts.
    pub fn new<'a>(
        name: &str,
        extras: impl IntoIterator<Item = &'a str>,
        url: Option<&str>,
        marker: Option<&str>,
    ) -> Self {
        Self {
            key: normalise(name),
            extras: extras.into_iter().map(normalise).collect(),
            url: url.map(str::to_owned),
            marker: marker.and_then(|marker| Marker::parse(marker).ok()),
        }
    }

    /// Reads a requirement such as `foo[bar,baz]>=1; python_version < "3.11"`; `None` for what
    /// does not start with a name.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let mut rest = rest.trim_start();
        let mut extras = BTreeSet::new();
        if let Some(inner) = rest.strip_prefix('[') {
            let (list, behind) = inner.split_once(']')?;
            extras = list
                .split(',')
                .map(|extra| normalise(extra.trim()))
                .filter(|extra| !extra.is_empty())
                .collect();
            rest = behind.trim_start();
        }
        // In an address a semicolon is no marker unless white space stands before it.
        let (url, marker) = match rest.strip_prefix('@') {
            Some(address) => {
                let address = address.trim_start();
                let end = address.find(char::is_whitespace).unwrap_or(address.len());
                let marker = address[end..].trim_start().strip_prefix(';');
                (Some(address[..end].to_owned()), marker)
            }
            None => (None, rest.split_once(';').map(|(_, marker)| marker)),
        };
        Some(Self {
            key: normalise(name),
            extras,
            url,
            marker: marker.and_then(|marker| Marker::parse(marker).ok()),
        })
    }

    /// Whether it holds for this interpreter when the package that needs it is wanted with
    /// `extra` (or without any).
    pub fn holds(&self, interpreter: &Interpreter, extra: Option<&str>) -> bool {
        let marker = self.marker.as_ref();
        marker.is_none_or(|marker| marker.holds(|variable| interpreter.value(variable), extra))
    }

    /// The extras that the marker asks about.
    pub fn asked_extras(&self) -> BTreeSet<String> {
        self.marker.iter().flat_map(Marker::extras).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn interpreter() -> Interpreter {
        Interpreter {
            version: "3.11.2".into(),
            platform: "amd64".into(),
        }
    }

    fn read(text: &str) -> Requirement {
        Requirement::parse(text).expect(text)
    }

    #[test]
    fn names_extras_and_addresses_are_read() {
        let plain = read("Foo.Bar");
        assert_eq!((plain.key.as_str(), plain.extras.len()), ("foo-bar", 0));
        let full = read("foo[A_b, c] (>=1.0,<2) ; extra == 'x'");
        assert_eq!(full.key, "foo");
        assert_eq!(full.extras.iter().collect::<Vec<_>>(), ["a-b", "c"]);
        assert_eq!(full.asked_extras().into_iter().collect::<Vec<_>>(), ["x"]);
        let direct = read("foo @ https://h/x;y.whl ; extra == 'x'");
        assert_eq!(direct.url.as_deref(), Some("https://h/x;y.whl"));
        assert!(!direct.holds(&interpreter(), None));
        for text in ["", "-e .", "./x.whl", "[x]", "foo[x"] {
            assert_eq!(Requirement::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn markers_ask_about_this_interpreter() {
        for (marker, holds) in [
            ("python_version < '3.9'", false),
            ("python_version >= \"3.9\" and python_version<'3.12'", true),
            ("python_full_version == '3.11.*'", true),
            ("python_version != '3.11.*'", false),
            (
                "sys_platform == 'win32' or (os_name=='posix' and platform_machine == 'x86_64')",
                true,
            ),
            (
                "sys_platform == 'win32' or os_name=='posix' and platform_machine == 'aarch64'",
                false,
            ),
            ("platform_system in 'Linux Darwin'", true),
            ("platform_system not in 'Linux Darwin'", false),
            ("'3.12' <= python_version", false),
            ("python_version ~= '3.8'", true),
            ("python_version ~= '2.7'", false),
            ("python_version >= '3.5.*'", true),
            ("extra == 'tests'", false),
            ("something_new == '1'", true),
            ("((", true),
            ("", true),
        ] {
            let requirement = read(&format!("foo; {marker}"));
            assert_eq!(requirement.holds(&interpreter(), None), holds, "{marker}");
        }
        let tests = read("foo; extra == 'Te_sts' and python_version > '3'");
        assert!(tests.holds(&interpreter(), Some("te-sts")));
    }

    proptest! {
        #[test]
        fn nothing_that_a_package_writes_panics(text in "\\PC{0,60}") {
            if let Some(requirement) = Requirement::parse(&format!("foo; {text}")) {
                requirement.holds(&interpreter(), Some("x"));
                requirement.asked_extras();
            }
            Requirement::parse(&text);
        }
    }
}
