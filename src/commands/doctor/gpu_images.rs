//! Images that are made for a GPU: whether they run on those of this machine.

use super::Wanted;
use super::finding::Finding;
use crate::commands::Context;
use crate::commands::start::judge_gpus;
use crate::commands::workplace::Workplace;
use crate::error::{Kind, Result};
use crate::installation::flavour::Flavour;
use crate::installation::name::{Acceleration, Platform};
use crate::project::{Installation, Project};

/// Judges each image that is built and made for a GPU, as `ACCELERATION=auto` does. What is not
/// built, and installations whose files are wrong, are for others to tell.
///
/// # Errors
/// When the person stopped it.
pub fn examine(
    context: &Context,
    project: &Project,
    installations: &[&Installation],
    wanted: &Wanted,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for installation in installations {
        let name = installation.name();
        let acceleration = name.acceleration();
        if acceleration == Acceleration::Cpu || name.platform() != Platform::host() {
            continue;
        }
        let service = format!("{}-local-{acceleration}", Flavour::Run);
        let Some(workplace) = unless_stopped(Workplace::open(context, project, installation))?
        else {
            continue;
        };
        let Some(Some(_)) = unless_stopped(workplace.find(&service))? else {
            continue;
        };
        match judge_gpus(&workplace, &service, acceleration, None)? {
            Ok(remark) => findings.push(match remark {
                None => Finding::ok("gpu-image", format!("{name} runs on this machine's GPUs")),
                Some(remark) => Finding::warning("gpu-image", format!("{name}: {remark}")),
            }),
            // Without a device there is nothing to mend.
            Err(refused) if refused.has_device => findings.push(
                Finding::new(
                    "gpu-image",
                    wanted.severity(acceleration),
                    format!("{name}: {}", refused.why),
                )
                .help("with ACCELERATION=auto, it runs on the cpu meanwhile")
                .help("update the driver, or build on another BASE_IMAGE (compose-base.yaml)"),
            ),
            Err(_) => {}
        }
    }
    Ok(findings)
}

/// What could be found out; only being stopped ends the doctor.
fn unless_stopped<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(_) => Ok(None),
    }
}
