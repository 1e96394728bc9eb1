//! The machines that a toolchain compiles for.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};
use crate::installation::name::{Acceleration, Name};

/// A machine that the distributions have cross compilers, a C library and a Python for.
///
/// Sources: dpkg's `cputable`, `ostable` and `tupletable` (`dpkg-architecture(1)`), what
/// `uname -m` says there, and Meson's reference tables, "CPU families".
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The GNU triple, which the names of the compilers begin with. All of these are Debian's
    /// names for directories of libraries and headers (multiarch) as well.
    pub triple: &'static str,
    /// The architecture in dpkg's words, as it stands behind a package's name.
    pub architecture: &'static str,
    /// The processor, as `uname -m`, CMake and Python call it.
    pub processor: &'static str,
    /// The same in Meson's words.
    pub family: &'static str,
    /// The order of bytes in Meson's words.
    pub endian: &'static str,
}

/// A machine with the lower bytes first, as all but one have them.
const fn little(
    triple: &'static str,
    architecture: &'static str,
    processor: &'static str,
    family: &'static str,
) -> Machine {
    Machine {
        triple,
        architecture,
        processor,
        family,
        endian: "little",
    }
}

const MACHINES: [Machine; 6] = [
    little("aarch64-linux-gnu", "arm64", "aarch64", "aarch64"),
    little("arm-linux-gnueabihf", "armhf", "armv7l", "arm"),
    little("powerpc64le-linux-gnu", "ppc64el", "ppc64le", "ppc64"),
    little("riscv64-linux-gnu", "riscv64", "riscv64", "riscv64"),
    Machine {
        endian: "big",
        ..little("s390x-linux-gnu", "s390x", "s390x", "s390x")
    },
    little("x86_64-linux-gnu", "amd64", "x86_64", "x86_64"),
];

impl Machine {
    /// The machine of a GNU triple.
    ///
    /// # Errors
    /// `Usage` for one that there are no compilers for, naming those that there are.
    pub fn of(triple: &str) -> Result<&'static Self> {
        let found = MACHINES.iter().find(|machine| machine.triple == triple);
        found.ok_or_else(|| {
            let error = Error::usage(format!("no toolchain is known for `{triple}`"));
            let near = MACHINES.iter().find(|machine| {
                [machine.architecture, machine.processor, machine.variant()].contains(&triple)
            });
            match near {
                Some(machine) => error.help(format!("did you mean `{}`?", machine.triple)),
                None => error.help(format!("triples that are: {}", Self::triples())),
            }
        })
    }

    /// The triples of all machines, for people.
    pub fn triples() -> String {
        MACHINES.map(|machine| machine.triple).join(", ")
    }

    /// What stands for the machine in the name of an installation.
    pub fn variant(&self) -> &'static str {
        self.triple.split('-').next().unwrap_or(self.triple)
    }

    /// Refuses installations that cannot be a toolchain for this machine.
    ///
    /// # Errors
    /// `Usage`, with the reason.
    pub fn check(&self, name: &Name) -> Result<()> {
        if name.acceleration() != Acceleration::Cpu {
            return Err(Error::usage(format!(
                "`{name}` cannot be a toolchain: compilers run on the processor alone"
            ))
            .help(format!(
                "call it `{}-cpu-{}`",
                name.platform(),
                self.variant()
            )));
        }
        if self.architecture == name.platform().to_string() {
            return Err(Error::usage(format!(
                "`{name}` runs on {} itself, so there is nothing to cross",
                self.architecture
            ))
            .help("its own compilers are packages: list build-essential in dependencies/apt-dev.txt of any installation")
            .help(format!("or choose another triple: {}", Self::triples())));
        }
        Ok(())
    }
}

/// How a record keeps a machine: by its triple.
pub(super) mod by_triple {
    use super::*;

    pub fn serialize<S: Serializer>(
        machine: &Option<&'static Machine>,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        machine.map(|machine| machine.triple).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Option<&'static Machine>, D::Error> {
        let triple = Option::<String>::deserialize(deserializer)?;
        let machine = triple.map(|triple| Machine::of(&triple)).transpose();
        machine.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(triple: &str) -> String {
        Machine::of(triple).expect_err("refused").helps().concat()
    }

    #[test]
    fn an_unknown_triple_is_answered_with_those_that_there_are() {
        assert_eq!(refused("arm64"), "did you mean `aarch64-linux-gnu`?");
        assert_eq!(refused("armv7l"), "did you mean `arm-linux-gnueabihf`?");
        assert!(refused("aarch64-apple-darwin").contains("riscv64-linux-gnu"));
    }

    #[test]
    fn a_toolchain_runs_on_a_processor_that_is_another_one() {
        let machine = Machine::of("aarch64-linux-gnu").expect("known");
        let check = |name: &str| machine.check(&name.parse().expect("a name"));
        check("amd64-cpu-aarch64").expect("fits");
        check("amd64-cpu").expect("fits");
        assert!(check("amd64-cuda").is_err() && check("arm64-cpu-x").is_err());
    }

    #[test]
    fn every_machine_can_stand_in_a_name() {
        for machine in &MACHINES {
            let name = format!("amd64-cpu-{}", machine.variant());
            assert!(name.parse::<Name>().is_ok(), "{name}");
        }
    }
}
