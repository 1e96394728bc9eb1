//! What an explanation of a failure names, looked for in the failed file system.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::engine::failure::Look;
use crate::process::quote;

/// How many places of one thing are told.
const MOST: usize = 8;
/// The file that the script writes: a line for each place, with the number of what was sought.
pub const FOUND: &str = "found.txt";

/// What was sought, and where it is.
#[derive(Debug, Serialize)]
pub struct Looked {
    /// What was sought.
    pub sought: Look,
    /// Where it is; empty when it is nowhere.
    pub places: Vec<String>,
    /// What that means, and what to do.
    pub told: String,
}

/// The script that looks, for [`super::evidence::START`] to stand before.
pub fn script(looks: &[Look]) -> String {
    let mut script = format!(
        ": >\"$out/{FOUND}\"\nput() {{ sed -n '1,{MOST}s/^/'\"$1\"'\\t/p' >>\"$out/{FOUND}\"; }}\n\
         seek() {{\n    find / \\( -path /proc -o -path /sys -o -path /dev -o -path /.envtpl-debug \\) \
         -prune -o \"$@\" -print 2>/dev/null\n}}\n"
    );
    for (number, look) in looks.iter().enumerate() {
        let named = |names: &[String]| {
            let names: Vec<String> = (names.iter())
                .map(|name| format!("-name {}", quote(literal(name))))
                .collect();
            format!("seek \\( {} \\)", names.join(" -o "))
        };
        let command = match look {
            Look::Header(header) => {
                format!("seek -path {}", quote(format!("*/{}", literal(header))))
            }
            Look::Program(name) | Look::File(name) => {
                let name = name.rsplit('/').next().unwrap_or(name).to_owned();
                format!("{} -type f", named(&[name]))
            }
            Look::Library(name) => {
                let pattern = format!("lib{}", literal(name));
                format!(
                    "seek \\( -name {0}.so'*' -o -name {0}.a \\)",
                    quote(pattern)
                )
            }
            Look::Shared(name) => format!("seek -name {}'*'", quote(literal(name))),
            Look::Module(name) => {
                let top = name.split('.').next().unwrap_or(name);
                format!(
                    "seek -path '*-packages/*' \\( -name {0} -o -name {0}.py -o -name {0}.'*'.so \\)",
                    quote(literal(top))
                )
            }
            Look::CmakePackage(name) => {
                let lower = name.to_lowercase();
                let names = [
                    format!("{name}Config.cmake"),
                    format!("{lower}-config.cmake"),
                    format!("Find{name}.cmake"),
                ];
                named(&names)
            }
            Look::PkgConfig(name) => named(&[format!("{name}.pc")]),
            // What apt knows of it, when it knows of anything.
            Look::AptPackage(name) => format!(
                "{{ ! has apt-cache || apt-cache policy {} | sed -n 's/^ *Candidate: //p'; }}",
                quote(name)
            ),
            Look::Requirement(_) => continue,
        };
        let _ = writeln!(script, "{command} | put {number}");
    }
    script + "exit 0\n"
}

/// What the script found, and what follows from it. `variables` are those of CMake that found
/// nothing.
pub fn read(looks: &[Look], found: &str, variables: &[String]) -> Vec<Looked> {
    let mut places: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for line in found.lines() {
        if let Some((number, place)) = line.split_once('\t')
            && let Ok(number) = number.parse()
        {
            places.entry(number).or_default().push(place.to_owned());
        }
    }
    let looked = looks.iter().enumerate().filter_map(|(number, look)| {
        let places = places.remove(&number).unwrap_or_default();
        let told = told(look, &places, variables)?;
        Some(Looked {
            sought: look.clone(),
            places,
            told,
        })
    });
    looked.collect()
}

fn told(look: &Look, places: &[String], variables: &[String]) -> Option<String> {
    let first = places.first();
    let directory = |place: &String| {
        place
            .rsplit_once('/')
            .map_or(".", |(directory, _)| directory)
            .to_owned()
    };
    let nowhere = |what: &str| Some(format!("{what} is nowhere in the failed file system"));
    match (look, first) {
        (Look::Header(header), Some(place)) => {
            let directory = place
                .strip_suffix(header)
                .unwrap_or(place)
                .trim_end_matches('/');
            Some(format!(
                "`{header}` is there, and on no include path: {place}\nset {}",
                include_variable(header, directory, variables)
            ))
        }
        (Look::Header(header), None) => nowhere(&format!("`{header}`")),
        (Look::Program(name), Some(place)) => Some(format!(
            "`{name}` is there: {place}\nadd `{}` to PATH if it is not in it",
            directory(place)
        )),
        (Look::Program(name), None) => nowhere(&format!("the program `{name}`")),
        (Look::Library(name), Some(place)) => Some(format!(
            "the library `{name}` is there: {place}\ntell the linker with `-L{0}`, or \
             `LIBRARY_PATH={0}`",
            directory(place)
        )),
        (Look::Library(name), None) => nowhere(&format!("the library `{name}`")),
        (Look::Shared(name), Some(place)) => Some(format!(
            "`{name}` is there: {place}\nset `LD_LIBRARY_PATH={}`, or name that directory to \
             `ldconfig`",
            directory(place)
        )),
        (Look::Shared(name), None) => nowhere(&format!("`{name}`")),
        (Look::Module(name), Some(place)) => Some(format!(
            "the module `{name}` is there: {place}\nanother Python was run, or `PYTHONPATH` lacks \
             `{}`",
            directory(place)
        )),
        (Look::Module(name), None) => nowhere(&format!("the module `{name}`")),
        (Look::CmakePackage(name), Some(place)) => Some(format!(
            "CMake's files of `{name}` are there: {place}\nset `-D{name}_DIR={}`",
            directory(place)
        )),
        (Look::CmakePackage(name), None) => nowhere(&format!("the CMake package `{name}`")),
        (Look::PkgConfig(name), Some(place)) => Some(format!(
            "`{name}.pc` is there: {place}\nset `PKG_CONFIG_PATH={}`",
            directory(place)
        )),
        (Look::PkgConfig(name), None) => nowhere(&format!("`{name}.pc`")),
        (Look::AptPackage(name), Some(candidate)) if candidate != "(none)" => {
            Some(format!("apt would install `{name}` {candidate}"))
        }
        (Look::AptPackage(name), _) => Some(format!(
            "apt knows no package `{name}` there: its lists are gone, or it is called otherwise"
        )),
        (Look::File(name), Some(place)) if place != name => {
            Some(format!("a file of that name is there: {place}"))
        }
        (Look::File(name), None) => nowhere(&format!("`{name}`")),
        (Look::File(_) | Look::Requirement(_), _) => None,
    }
}

/// The variable that puts a header's directory on the include path: CMake's own where one of those
/// that found nothing is named for it.
fn include_variable(header: &str, directory: &str, variables: &[String]) -> String {
    let project = header
        .split(['/', '.'])
        .next()
        .unwrap_or(header)
        .to_lowercase();
    let own = variables.iter().find(|variable| {
        let name = variable.to_lowercase();
        name.contains(&project) && name.contains("include")
    });
    match own {
        Some(variable) => format!("`-D{variable}={directory}`"),
        None => {
            format!("`CPLUS_INCLUDE_PATH={directory}` (for C `C_INCLUDE_PATH`), or `-I{directory}`")
        }
    }
}

/// A name in which nothing is a pattern.
fn literal(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if "*?[]\\".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Look {
        Look::Header("numpy/ndarrayobject.h".into())
    }

    #[test]
    fn a_header_that_is_there_comes_with_its_path_and_the_variable_to_set() {
        let found = "0\t/opt/np/include/numpy/ndarrayobject.h\n";
        let variables = ["OTHER_DIR".to_owned(), "NUMPY_INCLUDE_DIR".to_owned()];
        let looked = read(&[header()], found, &variables);
        assert_eq!(
            looked[0].told,
            "`numpy/ndarrayobject.h` is there, and on no include path: \
             /opt/np/include/numpy/ndarrayobject.h\nset `-DNUMPY_INCLUDE_DIR=/opt/np/include`"
        );
        let looked = read(&[header()], found, &[]);
        assert!(
            looked[0]
                .told
                .contains("`CPLUS_INCLUDE_PATH=/opt/np/include`")
        );
    }

    #[test]
    fn what_is_not_there_is_told_to_be_nowhere() {
        let looks = [
            header(),
            Look::Library("z".into()),
            Look::Requirement("x".into()),
        ];
        let looked = read(&looks, "", &[]);
        let told: Vec<&str> = looked.iter().map(|one| &*one.told).collect();
        assert_eq!(
            told,
            [
                "`numpy/ndarrayobject.h` is nowhere in the failed file system",
                "the library `z` is nowhere in the failed file system",
            ]
        );
    }

    #[test]
    fn names_are_no_patterns_and_no_commands() {
        let looks = [
            Look::Header("a*b/$(c).h".into()),
            Look::Library("it's".into()),
        ];
        let script = script(&looks);
        assert!(
            script.contains(r"seek -path '*/a\*b/$(c).h' | put 0"),
            "{script}"
        );
        assert!(script.contains(r"-name 'libit'\''s'.so'*'"), "{script}");
    }
}
