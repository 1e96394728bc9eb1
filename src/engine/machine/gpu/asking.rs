//! Asking the driver's own programs.

use super::super::Machine;
use super::nvidia::{
    MigDevice, NvidiaDetails, NvidiaGpu, NvidiaProblem, NvidiaQuery, mig_query, parse_mig_devices,
};
use super::rocm::{AmdGpu, amd_smi_query, parse_amd_smi, parse_rocm, rocm_query};
use crate::error::{Kind, Result};
use crate::output::Printer;
use crate::process::Invocation;

impl Machine {
    /// NVIDIA's GPUs, or why there are none; `None` when the driver's tools are not installed.
    ///
    /// # Errors
    /// When the person stopped it.
    pub fn ask_nvidia(
        &self,
        printer: &Printer,
    ) -> Result<Option<Result<Vec<NvidiaGpu>, NvidiaProblem>>> {
        let Some(tool) = self.nvidia_tool() else {
            return Ok(None);
        };
        let mut query = NvidiaQuery::default();
        loop {
            let Some((success, output)) = answer(&query.invocation(tool), printer)? else {
                return Ok(None);
            };
            match query.clone().without_unknown(&output) {
                Some(simpler) => query = simpler,
                None => return Ok(Some(query.read(success, &output))),
            }
        }
    }

    /// What NVIDIA's driver says at length; nothing when it does not answer.
    pub fn ask_nvidia_details(&self, printer: &Printer) -> NvidiaDetails {
        let output = (self.nvidia_tool())
            .and_then(|tool| answer(&NvidiaDetails::invocation(tool), printer).ok()?);
        output
            .map(|(_, output)| NvidiaDetails::read(&output))
            .unwrap_or_default()
    }

    /// The parts of NVIDIA's GPUs that are divided.
    pub fn ask_mig_devices(&self, printer: &Printer) -> Vec<MigDevice> {
        let output =
            (self.nvidia_tool()).and_then(|tool| answer(&mig_query(tool), printer).ok()?);
        output
            .map(|(_, output)| parse_mig_devices(&output))
            .unwrap_or_default()
    }

    /// AMD's GPUs as its tools name them: `amd-smi`, or `rocm-smi` of older releases. None when
    /// neither is installed.
    ///
    /// # Errors
    /// When the person stopped it.
    pub fn ask_amd(&self, printer: &Printer) -> Result<Vec<AmdGpu>> {
        if let Some((_, output)) = answer(&amd_smi_query(), printer)? {
            let gpus = parse_amd_smi(&output);
            if !gpus.is_empty() {
                return Ok(gpus);
            }
        }
        let output = answer(&rocm_query(), printer)?;
        Ok(output
            .map(|(_, output)| parse_rocm(&output))
            .unwrap_or_default())
    }
}

/// What a program answers: whether it went well, and all that it printed. `None` when it is not
/// installed.
fn answer(invocation: &Invocation, printer: &Printer) -> Result<Option<(bool, String)>> {
    match invocation.capture(printer) {
        Ok(finished) => {
            let text = format!("{}\n{}", finished.text(), finished.talk());
            Ok(Some((finished.status.success(), text)))
        }
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(_) => Ok(None),
    }
}
