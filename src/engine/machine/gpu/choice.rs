//! Which of a machine's GPUs a container gets: what a person asks for, and what that means here.

use std::fmt;
use std::str::FromStr;

use super::kfd::KfdGpu;
use super::nvidia::{MigDevice, NvidiaGpu};
use crate::error::{Error, Result};

/// What a person asks for: `all`, `none`, or some, as `0,2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GpuChoice {
    /// All that there are.
    All,
    /// None, whatever `compose.yaml` says.
    None,
    /// These, by number or UUID.
    Some(Vec<String>),
}

impl GpuChoice {
    /// The GPUs by the names that the person gave them.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::All => vec!["all".to_owned()],
            Self::None => Vec::new(),
            Self::Some(named) => named.clone(),
        }
    }

    /// The choice of these names, the other way round.
    pub fn of_names(names: &[String]) -> Self {
        match names {
            [] => Self::None,
            [all] if all == "all" => Self::All,
            some => Self::Some(some.to_vec()),
        }
    }
}

impl fmt::Display for GpuChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::None => f.write_str("none"),
            Self::Some(named) => f.write_str(&named.join(",")),
        }
    }
}

impl FromStr for GpuChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let mut chosen: Vec<String> = Vec::new();
        for part in text.split(',').map(str::trim) {
            if !is_id(part) {
                return Err(format!(
                    "`{part}` names no GPU; give numbers or UUIDs, as in 0,2, or `all` or `none`"
                ));
            }
            if !chosen.iter().any(|known| known == part) {
                chosen.push(part.to_owned());
            }
        }
        Ok(Self::Some(chosen))
    }
}

/// Numbers (`0`), numbers of parts (`0:1`) and UUIDs (`GPU-…`, `MIG-…`, Jetson's without a word).
fn is_id(part: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let is_part = || {
        part.split_once(':')
            .is_some_and(|(gpu, index)| is_number(gpu) && is_number(index))
    };
    let is_uuid = || {
        part.len() >= 8
            && part.contains('-')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '/')
    };
    is_number(part) || is_part() || is_uuid()
}

/// Some of NVIDIA's GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NvidiaChoice {
    /// What the container engine is to be given: numbers and full UUIDs.
    pub ids: Vec<String>,
    /// The GPUs, also those that only parts are taken of.
    pub gpus: Vec<NvidiaGpu>,
}

/// Finds the GPUs that a person named among those that there are. `parts` asks for the parts of
/// divided GPUs; it is called only where one is named.
///
/// # Errors
/// `Usage` for what is not there, with what there is.
pub fn choose_nvidia(
    named: &[String],
    gpus: &[NvidiaGpu],
    parts: impl FnOnce() -> Vec<MigDevice>,
) -> Result<NvidiaChoice> {
    let names_part = |name: &String| name.contains(':') || name.starts_with("MIG-");
    let parts = if named.iter().any(names_part) {
        parts()
    } else {
        Vec::new()
    };
    let mut choice = NvidiaChoice {
        ids: Vec::new(),
        gpus: Vec::new(),
    };
    for name in named {
        let found = if names_part(name) {
            find_part(name, &parts).and_then(|part| {
                let gpu = gpus.iter().find(|gpu| gpu.index == part.gpu)?;
                Some((part.uuid.clone(), gpu))
            })
        } else {
            find_gpu(name, gpus.iter().map(|gpu| (gpu.index, gpu.uuid.as_str()))).and_then(|at| {
                let gpu = gpus.get(at)?;
                let is_number = name.chars().all(|c| c.is_ascii_digit());
                let id = if is_number {
                    name.clone()
                } else {
                    gpu.uuid.clone()
                };
                Some((id, gpu))
            })
        };
        let Some((id, gpu)) = found else {
            let there = gpus
                .iter()
                .map(|gpu| format!("{} ({}, {})", gpu.index, gpu.name, gpu.uuid))
                .chain(parts.iter().map(|part| {
                    format!(
                        "{}:{} ({}, {})",
                        part.gpu, part.index, part.profile, part.uuid
                    )
                }));
            return Err(not_there(name, &there.collect::<Vec<_>>()));
        };
        choice.ids.push(id);
        if !choice.gpus.contains(gpu) {
            choice.gpus.push(gpu.clone());
        }
    }
    Ok(choice)
}

/// As [`choose_nvidia`], for AMD's GPUs.
///
/// # Errors
/// `Usage` for what is not there, with what there is.
pub fn choose_amd(named: &[String], gpus: &[KfdGpu]) -> Result<Vec<KfdGpu>> {
    let mut chosen: Vec<KfdGpu> = Vec::new();
    for name in named {
        let uuid = |gpu: &KfdGpu| gpu.uuid.clone().unwrap_or_default();
        let uuids: Vec<String> = gpus.iter().map(uuid).collect();
        let known = gpus
            .iter()
            .map(|gpu| gpu.index)
            .zip(uuids.iter().map(String::as_str));
        let Some(gpu) = find_gpu(name, known).and_then(|at| gpus.get(at)) else {
            let there = gpus.iter().map(|gpu| match &gpu.uuid {
                Some(uuid) => format!("{} ({}, {uuid})", gpu.index, gpu.shown()),
                None => format!("{} ({})", gpu.index, gpu.shown()),
            });
            return Err(not_there(name, &there.collect::<Vec<_>>()));
        };
        if !chosen.contains(gpu) {
            chosen.push(gpu.clone());
        }
    }
    Ok(chosen)
}

/// The place of the GPU with a number, or with a UUID that begins so, if no other one does.
fn find_gpu<'a>(name: &str, gpus: impl Iterator<Item = (u32, &'a str)>) -> Option<usize> {
    let number: Option<u32> = name.parse().ok();
    let mut found = gpus.enumerate().filter(|(_, (index, uuid))| match number {
        Some(number) => *index == number,
        None => begins(uuid, name),
    });
    let (at, _) = found.next()?;
    found.next().is_none().then_some(at)
}

fn find_part<'a>(name: &str, parts: &'a [MigDevice]) -> Option<&'a MigDevice> {
    let mut found = parts
        .iter()
        .filter(|part| format!("{}:{}", part.gpu, part.index) == name || begins(&part.uuid, name));
    let part = found.next()?;
    found.next().is_none().then_some(part)
}

fn begins(uuid: &str, name: &str) -> bool {
    uuid.get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name))
}

fn not_there(name: &str, there: &[String]) -> Error {
    Error::usage(format!("this machine has no GPU `{name}`")).help(if there.is_empty() {
        "it has none that its driver offers".to_owned()
    } else {
        format!("it has {}", there.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::super::dotted::Dotted;
    use super::*;

    fn gpus() -> Vec<NvidiaGpu> {
        let gpu = |index: u32, uuid: &str| NvidiaGpu {
            index,
            uuid: uuid.into(),
            name: "NVIDIA A100".into(),
            memory: None,
            driver: Dotted::parse("535.104.05").expect("a version"),
            capability: None,
            is_divided: false,
        };
        // Number 1 was lost.
        vec![gpu(0, "GPU-aaaa1111-0000"), gpu(2, "GPU-aaaa2222-0000")]
    }

    fn parts() -> Vec<MigDevice> {
        vec![MigDevice {
            gpu: 2,
            index: 0,
            uuid: "MIG-cccc1111-0000".into(),
            profile: "3g.20gb".into(),
        }]
    }

    fn named(text: &str) -> Vec<String> {
        match text.parse() {
            Ok(GpuChoice::Some(named)) => named,
            other => panic!("{other:?}"),
        }
    }

    fn ids(text: &str) -> Vec<String> {
        choose_nvidia(&named(text), &gpus(), parts)
            .expect("they are there")
            .ids
    }

    #[test]
    fn words_numbers_and_uuids_are_understood() {
        assert_eq!("all".parse(), Ok(GpuChoice::All));
        assert_eq!("none".parse(), Ok(GpuChoice::None));
        assert_eq!(named("0, 2,0"), ["0", "2"]);
        assert_eq!(named("GPU-6c1c2e07,MIG-GPU-x/1/0,1:0").len(), 3);
        for wrong in ["", "0,", "-1", "0-2", "first", "0;1", "1:", "$(x)"] {
            assert!(wrong.parse::<GpuChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_choice_is_written_as_it_is_read() {
        for text in ["all", "none", "0,2", "GPU-6c1c2e07"] {
            let choice: GpuChoice = text.parse().expect("a choice");
            assert_eq!(choice.to_string(), text);
            assert_eq!(GpuChoice::of_names(&choice.names()), choice);
        }
    }

    #[test]
    fn numbers_stay_and_beginnings_of_uuids_become_whole() {
        assert_eq!(ids("2,0"), ["2", "0"]);
        assert_eq!(ids("gpu-AAAA2"), ["GPU-aaaa2222-0000"]);
        assert_eq!(ids("GPU-aaaa1111-0000"), ["GPU-aaaa1111-0000"]);
    }

    #[test]
    fn parts_of_a_gpu_are_named_by_two_numbers_or_their_uuid() {
        assert_eq!(ids("2:0"), ["MIG-cccc1111-0000"]);
        let choice = choose_nvidia(&named("MIG-cccc1"), &gpus(), parts).expect("a part");
        assert_eq!(choice.ids, ["MIG-cccc1111-0000"]);
        assert_eq!(choice.gpus[0].index, 2);
    }

    #[test]
    fn what_is_not_there_is_told_with_what_there_is() {
        let refused = |text| {
            let error = choose_nvidia(&named(text), &gpus(), parts).expect_err("it is not there");
            format!("{error} {:?}", error.helps())
        };
        for name in ["1", "7", "GPU-aaaa", "GPU-ffff1111", "0:0", "MIG-ffff1111"] {
            let said = refused(name);
            assert!(said.contains(&format!("no GPU `{name}`")), "{said}");
            assert!(
                said.contains("0 (NVIDIA A100, GPU-aaaa1111-0000)"),
                "{said}"
            );
        }
        assert!(refused("0:0").contains("2:0 (3g.20gb, MIG-cccc1111-0000)"));
        let error = choose_nvidia(&named("0"), &[], Vec::new).expect_err("none");
        assert_eq!(error.helps(), ["it has none that its driver offers"]);
    }

    #[test]
    fn amd_s_gpus_are_chosen_in_the_same_way() {
        let gpu = |index: u32, uuid: Option<&str>| KfdGpu {
            index,
            target: "gfx942".into(),
            uuid: uuid.map(str::to_owned),
            render_device: Some(format!("/dev/dri/renderD{}", 128 + index)),
            name: None,
        };
        let gpus = [gpu(0, Some("GPU-de8287300da37c72")), gpu(1, None)];
        let chosen = choose_amd(&named("1,GPU-de828730"), &gpus).expect("they are there");
        assert_eq!(chosen, [gpus[1].clone(), gpus[0].clone()]);
        let error = choose_amd(&named("2"), &gpus).expect_err("it is not there");
        assert_eq!(
            error.helps(),
            ["it has 0 (gfx942, GPU-de8287300da37c72), 1 (gfx942)"]
        );
    }
}
