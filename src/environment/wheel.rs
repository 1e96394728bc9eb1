//! What the name of a wheel says it is for, and which of an index's files was installed.
//!
//! Formats: "Binary distribution format" and "Platform compatibility tags" of the Python packaging
//! specifications (PEP 427, PEP 425, PEP 600).

use std::collections::BTreeSet;

use crate::environment::requires::Interpreter;

/// What a wheel is for: each of its tags, `cp311-cp311-linux_x86_64`, and its build number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    tags: BTreeSet<String>,
    build: Option<String>,
}

impl Tags {
    /// Reads the name of a wheel; `None` for any other file.
    pub fn of_file(name: &str) -> Option<Self> {
        let parts: Vec<&str> = name.strip_suffix(".whl")?.split('-').collect();
        let (build, tag) = match parts.as_slice() {
            [_, _, tag @ ..] if tag.len() == 3 => (None, tag.join("-")),
            [_, _, build, tag @ ..] if tag.len() == 3 => (Some((*build).to_owned()), tag.join("-")),
            _ => return None,
        };
        Some(Self {
            tags: expanded(&tag).collect(),
            build,
        })
    }

    /// The tags that an installed package's `WHEEL` file lists; `None` when it lists none.
    pub fn of_installed(tags: &[String], build: Option<&str>) -> Option<Self> {
        let tags: BTreeSet<String> = tags.iter().flat_map(|tag| expanded(tag)).collect();
        (!tags.is_empty()).then(|| Self {
            tags,
            build: build.map(str::to_owned),
        })
    }

    /// Whether one of the tags is for this interpreter on a GNU system of its platform.
    pub fn fit(&self, interpreter: &Interpreter) -> bool {
        self.tags.iter().any(|tag| fits(tag, interpreter))
    }
}

/// The single tags of a compressed set: `py2.py3-none-any` is two.
fn expanded(tag: &str) -> impl Iterator<Item = String> {
    let mut parts = tag.splitn(3, '-');
    let mut part = || -> Vec<String> {
        let part = parts.next().unwrap_or_default();
        part.split('.').map(str::to_owned).collect()
    };
    let (pythons, abis, platforms) = (part(), part(), part());
    pythons.into_iter().flat_map(move |python| {
        let platforms = platforms.clone();
        abis.clone().into_iter().flat_map(move |abi| {
            let python = python.clone();
            platforms
                .clone()
                .into_iter()
                .map(move |platform| format!("{python}-{abi}-{platform}"))
        })
    })
}

fn fits(tag: &str, interpreter: &Interpreter) -> bool {
    let mut parts = tag.splitn(3, '-');
    let mut part = || parts.next().unwrap_or_default();
    let (python, abi, platform) = (part(), part(), part());
    let minor = |text: &str| text.split('.').nth(1).and_then(|minor| minor.parse().ok());
    let Some(running) = minor(&interpreter.version) else {
        return false;
    };
    let own = format!("cp3{running}");
    let of_python = match (python, abi) {
        ("py3", "none") => true,
        (python, "none") if python.starts_with("py3") => at_most(&python[3..], running),
        (python, "abi3") if python.starts_with("cp3") => at_most(&python[3..], running),
        (python, abi) => python == own && (abi == own || abi == "none"),
    };
    of_python && (platform == "any" || is_of_machine(platform, &interpreter.platform))
}

fn at_most(minor: &str, running: u32) -> bool {
    minor.parse().is_ok_and(|minor: u32| minor <= running)
}

fn is_of_machine(platform: &str, docker: &str) -> bool {
    let machine = match docker {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        other => other,
    };
    let system = platform
        .strip_suffix(machine)
        .and_then(|system| system.strip_suffix('_'));
    system.is_some_and(|system| system == "linux" || system.starts_with("manylinux"))
}

/// Which files of a version an installed package may be from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen<'a, T> {
    /// One with the very tags that are installed; several only if they differ in nothing.
    Exactly(Vec<&'a T>),
    /// The archive of its sources: nothing that is offered has the tags that are installed.
    Sources(Vec<&'a T>),
    /// Every wheel for this interpreter and platform: nothing tells which.
    Fitting(Vec<&'a T>),
    /// None.
    Nothing,
}

/// Chooses among the files of one version.
///
/// A package that was built from sources has the tags of this machine (`linux_x86_64`), which no
/// wheel of a public index has. The tags of a wheel that is not built as the specification has it
/// may differ from its name's too; `made_as_wheel` says that it is known to come from a wheel.
pub fn choose<'a, T>(
    files: &'a [T],
    name: impl Fn(&T) -> &str,
    installed: Option<&Tags>,
    interpreter: &Interpreter,
    made_as_wheel: bool,
) -> Chosen<'a, T> {
    let wheels: Vec<(&T, Tags)> = files
        .iter()
        .filter_map(|file| Some((file, Tags::of_file(name(file))?)))
        .collect();
    let with = |wanted: &dyn Fn(&Tags) -> bool| -> Vec<&'a T> {
        let found = wheels.iter().filter(|(_, tags)| wanted(tags));
        found.map(|(file, _)| *file).collect()
    };
    if let Some(installed) = installed {
        let equal = with(&|tags| tags == installed);
        let same_tags = with(&|tags| tags.tags == installed.tags);
        let common = with(&|tags| !tags.tags.is_disjoint(&installed.tags) && tags.fit(interpreter));
        if let Some(found) = [equal, same_tags, common]
            .into_iter()
            .find(|found| !found.is_empty())
        {
            return Chosen::Exactly(found);
        }
    }
    let fitting = with(&|tags| tags.fit(interpreter));
    let sources: Vec<&T> = files
        .iter()
        .filter(|file| !name(file).ends_with(".whl"))
        .collect();
    let of_sources = installed.is_some() && !made_as_wheel;
    match (fitting.is_empty(), sources.is_empty()) {
        (_, false) if of_sources => Chosen::Sources(sources),
        (false, _) => Chosen::Fitting(fitting),
        (true, false) => Chosen::Sources(sources),
        (true, true) => Chosen::Nothing,
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

    fn installed(tags: &[&str]) -> Option<Tags> {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Tags::of_installed(&tags, None)
    }

    fn chosen(files: &[&str], tags: &[&str], made_as_wheel: bool) -> String {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        let tags = installed(tags);
        match choose(
            &files,
            |file| file.as_str(),
            tags.as_ref(),
            &interpreter(),
            made_as_wheel,
        ) {
            Chosen::Exactly(found) => format!("exactly {found:?}"),
            Chosen::Sources(found) => format!("sources {found:?}"),
            Chosen::Fitting(found) => format!("fitting {found:?}"),
            Chosen::Nothing => "nothing".to_owned(),
        }
    }

    const NUMPY: [&str; 6] = [
        "numpy-1.26.4.tar.gz",
        "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "numpy-1.26.4-cp311-cp311-musllinux_1_1_x86_64.whl",
        "numpy-1.26.4-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl",
        "numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "numpy-1.26.4-pp39-pypy39_pp73-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    ];

    #[test]
    fn the_wheel_with_the_installed_tags_is_the_one() {
        assert_eq!(
            chosen(
                &NUMPY,
                &[
                    "cp311-cp311-manylinux2014_x86_64",
                    "cp311-cp311-manylinux_2_17_x86_64"
                ],
                false
            ),
            format!("exactly [{:?}]", NUMPY[1])
        );
        // A wheel whose records list some of its tags only.
        assert_eq!(
            chosen(&NUMPY, &["cp311-cp311-manylinux2014_x86_64"], false),
            format!("exactly [{:?}]", NUMPY[1])
        );
        assert_eq!(
            chosen(
                &["six-1.tar.gz", "six-1-py2.py3-none-any.whl"],
                &["py3-none-any", "py2-none-any"],
                false
            ),
            "exactly [\"six-1-py2.py3-none-any.whl\"]"
        );
    }

    #[test]
    fn what_no_wheel_is_like_was_built_from_its_sources() {
        assert_eq!(
            chosen(&NUMPY, &["cp311-cp311-linux_x86_64"], false),
            "sources [\"numpy-1.26.4.tar.gz\"]"
        );
        assert_eq!(
            chosen(&["docopt-0.6.2.tar.gz"], &["py3-none-any"], true),
            "sources [\"docopt-0.6.2.tar.gz\"]"
        );
        // `setup.py install` leaves no tags.
        assert_eq!(
            chosen(&["old-1.tar.gz"], &[], false),
            "sources [\"old-1.tar.gz\"]"
        );
    }

    #[test]
    fn where_nothing_decides_every_wheel_for_this_machine_is_taken() {
        assert_eq!(
            chosen(&NUMPY, &[], false),
            format!("fitting [{:?}]", NUMPY[1])
        );
        assert_eq!(
            chosen(&NUMPY, &["cp311-cp311-linux_x86_64"], true),
            format!("fitting [{:?}]", NUMPY[1])
        );
        // Renamed by hand, and without sources.
        assert_eq!(
            chosen(&NUMPY[1..], &["cp311-cp311-linux_x86_64"], false),
            format!("fitting [{:?}]", NUMPY[1])
        );
        assert_eq!(
            chosen(&NUMPY[2..], &["cp311-cp311-linux_x86_64"], false),
            "nothing"
        );
    }

    #[test]
    fn build_numbers_tell_wheels_apart() {
        let files = ["x-1-1-py3-none-any.whl", "x-1-2-py3-none-any.whl"].map(str::to_owned);
        let tags = ["py3-none-any".to_owned()];
        let of = |build| {
            let tags = Tags::of_installed(&tags, build);
            choose(&files, |file| file, tags.as_ref(), &interpreter(), false)
        };
        assert_eq!(of(Some("2")), Chosen::Exactly(vec![&files[1]]));
        assert_eq!(of(None), Chosen::Exactly(vec![&files[0], &files[1]]));
    }

    #[test]
    fn tags_fit_an_interpreter_as_pip_has_it() {
        for (tag, expected) in [
            ("py3-none-any", true),
            ("py2-none-any", false),
            ("py311-none-any", true),
            ("py312-none-any", false),
            ("cp311-none-any", true),
            ("cp37-abi3-manylinux_2_28_x86_64", true),
            ("cp312-abi3-manylinux_2_28_x86_64", false),
            ("cp311-cp311-linux_x86_64", true),
            ("cp311-cp311-manylinux1_x86_64", true),
            ("cp311-cp311t-manylinux1_x86_64", false),
            ("cp310-cp310-manylinux1_x86_64", false),
            ("cp311-cp311-manylinux1_i686", false),
            ("cp311-cp311-musllinux_1_1_x86_64", false),
            ("py3-none-win_amd64", false),
            ("py3-none-manylinux_2_17_aarch64", false),
        ] {
            assert_eq!(fits(tag, &interpreter()), expected, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn a_compressed_name_and_its_list_of_tags_are_the_same(
            parts in proptest::collection::vec(proptest::collection::btree_set("[a-z0-9_]{1,9}", 1..4), 3),
        ) {
            let join = |part: &BTreeSet<String>| part.iter().cloned().collect::<Vec<_>>().join(".");
            let name = format!("x-1-{}-{}-{}.whl", join(&parts[0]), join(&parts[1]), join(&parts[2]));
            let of_file = Tags::of_file(&name).expect("a wheel");
            let tags: Vec<String> = of_file.tags.iter().rev().cloned().collect();
            prop_assert_eq!(tags.len(), parts.iter().map(BTreeSet::len).product::<usize>());
            prop_assert_eq!(Tags::of_installed(&tags, None), Some(of_file));
        }
    }
}
