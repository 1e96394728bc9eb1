//! GPUs of a start: what `ACCELERATION=auto` comes to, and what `--gpus` takes.

use crate::commands::start::launch::Launch;
use crate::commands::workplace::Workplace;
use crate::engine::machine::{GpuChoice, Machine};
use crate::engine::{HostGpus, Reserved, find_gpus};
use crate::error::{Error, Place, Result};
use crate::installation::name::{Acceleration, Platform};

/// What `ACCELERATION=auto` comes to: the acceleration among those with a service for which this
/// machine has a device that runs the service's image, else cpu, with a line that says why. A
/// person who names GPUs does not get the cpu in their place.
///
/// # Errors
/// `Usage` when a GPU that is named is not there; `NotReady` when GPUs are named and will not do.
pub fn automatic(
    workplace: &Workplace<'_>,
    prefix: &str,
    known: &[&str],
    choice: Option<&GpuChoice>,
) -> Result<Acceleration> {
    let printer = &workplace.context.printer;
    if choice == Some(&GpuChoice::None) {
        return Ok(Acceleration::Cpu);
    }
    let mut refused: Option<Refused> = None;
    for acceleration in [Acceleration::Cuda, Acceleration::Rocm] {
        if !known.contains(&acceleration.to_string().as_str()) {
            continue;
        }
        let service = format!("{prefix}{acceleration}");
        match judge_gpus(workplace, &service, acceleration, choice)? {
            Ok(remark) => {
                if let Some(remark) = remark {
                    printer.warn(remark);
                }
                return Ok(acceleration);
            }
            // Where one has a device, that is the one to speak of.
            Err(why) => {
                if refused.as_ref().is_none_or(|known| !known.has_device) {
                    refused = Some(why);
                }
            }
        }
    }
    let Some(refused) = refused else {
        // An installation for the cpu alone: there is nothing to explain.
        return Ok(Acceleration::Cpu);
    };
    if choice.is_some() {
        return Err(
            Error::not_ready(refused.why).help("without `--gpus`, it runs on the cpu instead")
        );
    }
    let line = format!("{}: running on the cpu", refused.why);
    if refused.has_device {
        printer.warn(line);
    } else {
        printer.note(line);
    }
    Ok(Acceleration::Cpu)
}

/// Why an acceleration cannot be used.
#[derive(Debug)]
pub struct Refused {
    /// The first half of a sentence.
    pub why: String,
    /// There is a device, which the person may expect to be used.
    pub has_device: bool,
}

/// Whether the image of a service runs on this machine's GPUs, or on the chosen ones. Gives what a
/// person should know although it does, or why it does not.
///
/// # Errors
/// `Usage` when a GPU that is chosen is not there; when the person stopped it.
pub fn judge_gpus(
    workplace: &Workplace<'_>,
    service: &str,
    acceleration: Acceleration,
    choice: Option<&GpuChoice>,
) -> Result<Result<Option<String>, Refused>> {
    let refused = |has_device, why: String| Ok(Err(Refused { why, has_device }));
    if workplace.engine_is_elsewhere() {
        return refused(
            false,
            "the engine is on another machine, whose GPUs cannot be seen from here \
             (ACCELERATION=cuda or rocm uses them)"
                .to_owned(),
        );
    }
    let printer = &workplace.context.printer;
    let machine = Machine::here();
    let found = find_gpus(&machine, acceleration, printer)?;
    if found == HostGpus::Absent {
        let vendor = match acceleration {
            Acceleration::Rocm => "AMD",
            _ => "NVIDIA",
        };
        return refused(false, format!("this machine has no {vendor} GPU"));
    }
    let chosen = match choice {
        Some(choice) => found.choose(&machine, choice, printer)?.1,
        None => found,
    };
    let Some(image) = workplace.find(service)? else {
        // A missing image is told by whoever wants to start it.
        return Ok(Ok(None));
    };
    let host = Platform::host().to_string();
    if !image.architecture.is_empty() && image.architecture != host {
        return refused(
            true,
            format!(
                "the image is for {}, and programs for it have no GPU on this machine ({host})",
                image.architecture
            ),
        );
    }
    let needs = match workplace.gpu_needs(service, &image) {
        Ok(needs) => needs,
        Err(why) => return refused(true, why),
    };
    match chosen.run(&machine, &needs, printer) {
        Ok(remark) => Ok(Ok(remark)),
        Err(why) => refused(true, why),
    }
}

/// Gives the container of a start the GPUs that a person chose.
///
/// # Errors
/// `Usage` when the service takes none, or one is not there; `NotReady` when their driver does not
/// answer.
pub fn take_gpus(launch: &mut Launch<'_>, choice: &GpuChoice) -> Result<()> {
    let workplace = &launch.workplace;
    let Some(acceleration) = workplace.model.takes_gpus(&launch.service) else {
        return match choice {
            GpuChoice::None => Ok(()),
            _ => Err(takes_none(launch)),
        };
    };
    let reserved = match choice {
        GpuChoice::All => Reserved::All,
        GpuChoice::None => Reserved::None,
        GpuChoice::Some(named) if workplace.engine_is_elsewhere() => match acceleration {
            // That engine knows them, and says what is not there.
            Acceleration::Cuda => Reserved::Nvidia(named.clone()),
            _ => {
                return Err(Error::usage(
                    "the engine is on another machine, whose AMD GPUs cannot be told apart from here",
                )
                .help("name their render devices in `devices:` of compose.yaml"));
            }
        },
        GpuChoice::Some(_) => {
            let printer = &workplace.context.printer;
            let machine = Machine::here();
            find_gpus(&machine, acceleration, printer)?
                .choose(&machine, choice, printer)?
                .0
        }
    };
    launch.reserve_gpus(&reserved, choice);
    Ok(())
}

fn takes_none(launch: &Launch<'_>) -> Error {
    let model = &launch.workplace.model;
    let with: Vec<&str> = model
        .services
        .keys()
        .filter(|service| model.takes_gpus(service).is_some())
        .map(String::as_str)
        .collect();
    let error = Error::usage(format!("the service `{}` takes no GPU", launch.service))
        .at(Place::file(launch.workplace.compose.file()));
    if with.is_empty() {
        return error
            .help("no service of this installation does: `envtpl init -i amd64-cuda` makes one");
    }
    error.help(format!(
        "services that take some: {}; ACCELERATION in .env chooses",
        with.join(", ")
    ))
}
