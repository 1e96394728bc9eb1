//! Who needs whom among the packages of an image. What is needed and not there is not told: it may
//! be a recommendation, or somebody forced the installation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::environment::requires::{Interpreter, Requirement};
use crate::environment::sbom::notes::Notes;
use crate::environment::snapshot::{AptPackage, CondaPackage, Distribution, names};

/// For each package, the places of those that it needs.
pub type Needs = Vec<BTreeSet<usize>>;

/// Of system packages: of alternatives the first that is there (Debian Policy 7.1).
pub fn of_apt(packages: &[AptPackage], notes: &Notes) -> Needs {
    let mut called: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, package) in packages.iter().enumerate() {
        called.entry(&package.name).or_default().push(place);
    }
    let mut standing_for: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, package) in packages.iter().enumerate() {
        let provides = notes.apt(package).map_or("", |note| &note.provides);
        for name in names(provides) {
            standing_for.entry(name).or_default().push(place);
        }
    }
    let answer = |name: &str, from: &AptPackage| {
        let places = called.get(name).or_else(|| standing_for.get(name))?;
        // A package of the same architecture is meant, where there are several.
        let same = |place: &&usize| packages[**place].architecture == from.architecture;
        places.iter().find(same).or(places.first()).copied()
    };
    let of_one = |(place, package): (usize, &AptPackage)| {
        let depends = notes.apt(package).map_or("", |note| &note.depends);
        let groups = depends.split(',');
        let needs = groups.filter_map(|group| names(group).find_map(|name| answer(name, package)));
        needs.filter(|need| *need != place).collect()
    };
    packages.iter().enumerate().map(of_one).collect()
}

/// Of conda packages.
pub fn of_conda(packages: &[CondaPackage], notes: &Notes) -> Needs {
    let called: HashMap<&str, usize> = (packages.iter().enumerate())
        .map(|(place, package)| (package.name.as_str(), place))
        .collect();
    let of_one = |package: &CondaPackage| {
        let depends = notes.conda(package).map(|note| note.depends.as_slice());
        let specs = depends.unwrap_or_default().iter();
        let names = specs.filter_map(|spec| spec.split_whitespace().next());
        names.filter_map(|name| called.get(name).copied()).collect()
    };
    packages.iter().map(of_one).collect()
}

/// Of Python packages: what holds on this interpreter, with the extras that others want.
pub fn of_python(packages: &[Distribution], interpreter: &Interpreter) -> Needs {
    let called: BTreeMap<String, usize> = (packages.iter().enumerate())
        .map(|(place, package)| (package.key(), place))
        .collect();
    let requirements: Vec<Vec<Requirement>> = (packages.iter())
        .map(|package| {
            let lines = package.requires.iter();
            lines.filter_map(|line| Requirement::parse(line)).collect()
        })
        .collect();
    let mut wanted: Vec<BTreeSet<String>> = vec![BTreeSet::new(); packages.len()];
    // An extra may bring a requirement that wants another extra.
    loop {
        let before = wanted.clone();
        for (requirements, extras) in requirements.iter().zip(&before) {
            for one in holding(requirements, interpreter, extras) {
                if let Some(needed) = called.get(&one.key) {
                    wanted[*needed].extend(one.extras.iter().cloned());
                }
            }
        }
        if wanted == before {
            break;
        }
    }
    let with_extras = requirements.iter().zip(&wanted).enumerate();
    with_extras
        .map(|(place, (requirements, extras))| {
            let needs = holding(requirements, interpreter, extras);
            let needs = needs.filter_map(|one| called.get(&one.key).copied());
            needs.filter(|need| *need != place).collect()
        })
        .collect()
}

/// The requirements of a package that hold when it is wanted with these extras.
fn holding<'a>(
    requirements: &'a [Requirement],
    interpreter: &'a Interpreter,
    extras: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'a Requirement> {
    requirements.iter().filter(move |one| {
        let mut extras = extras.iter();
        one.holds(interpreter, None) || extras.any(|extra| one.holds(interpreter, Some(extra)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debs(lines: &str) -> (Vec<AptPackage>, Notes) {
        let packages = lines.lines().map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            AptPackage {
                name: fields[1].into(),
                version: fields[2].into(),
                architecture: fields[3].into(),
                ..AptPackage::default()
            }
        });
        (packages.collect(), Notes::parse(lines))
    }

    #[test]
    fn of_alternatives_the_first_that_is_there_is_needed() {
        let (packages, notes) = debs(
            "apt\tmailer\t1\tamd64\tmailer\t1\tlibc6 (>= 2), exim | postfix | nullmailer, gone, \
             mail-reader\t\napt\tlibc6\t2\ti386\tglibc\t2\t\t\napt\tlibc6\t2\tamd64\tglibc\t2\t\t\n\
             apt\tpostfix\t3\tamd64\tpostfix\t3\tlibc6, postfix\tmail-reader (= 3)\n\
             apt\tnullmailer\t3\tamd64\tnullmailer\t3\t\t",
        );
        let needs = of_apt(&packages, &notes);
        assert_eq!(needs[0], BTreeSet::from([2, 3]));
        assert_eq!(needs[3], BTreeSet::from([2]));
        assert!(needs[1].is_empty());
    }

    #[test]
    fn extras_that_are_wanted_bring_what_they_need() {
        let package = |name: &str, requires: &[&str]| Distribution {
            name: name.into(),
            requires: requires.iter().map(|line| (*line).to_owned()).collect(),
            ..Distribution::default()
        };
        let packages = [
            package("app", &["Web_Lib[fast]>=1", "old; python_version < '3'"]),
            package(
                "web-lib",
                &["core[x]; extra == 'fast'", "other; extra == 'slow'"],
            ),
            package("core", &["leaf; extra == 'x'"]),
            package("leaf", &[]),
            package("other", &[]),
            package("old", &[]),
        ];
        let interpreter = Interpreter {
            version: "3.11.2".into(),
            platform: "amd64".into(),
        };
        let needs = of_python(&packages, &interpreter);
        let of = |place: usize| needs[place].iter().copied().collect::<Vec<_>>();
        assert_eq!(
            (of(0), of(1), of(2), of(3)),
            (vec![1], vec![2], vec![3], vec![])
        );
    }

    #[test]
    fn conda_packages_need_what_their_records_name() {
        let package = |name: &str| CondaPackage {
            name: name.into(),
            ..CondaPackage::default()
        };
        let notes = Notes::parse(
            r#"{"kind":"conda","name":"greet","depends":["python >=3.11,<3.12.0a0","__glibc >=2"]}"#,
        );
        let needs = of_conda(&[package("greet"), package("python")], &notes);
        assert_eq!(needs, [BTreeSet::from([1]), BTreeSet::new()]);
    }
}
