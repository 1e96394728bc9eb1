//! The servers that a person can have in a container.

use crate::commands::start::jupyter::{JUPYTER, add_jupyter, tell_jupyter};
use crate::commands::start::launch::Launch;
use crate::commands::start::ports::{Asked, reached};
use crate::commands::start::ssh::{SSH, add_ssh};
use crate::error::Result;

/// Those that somebody asks for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Servers {
    /// An ssh server.
    pub ssh: Option<Asked>,
    /// Jupyter.
    pub jupyter: Option<Asked>,
}

impl Servers {
    /// The servers of an earlier start, where they were reached then if that is free.
    pub fn again(ports: &[String]) -> Self {
        let again = |server| reached(ports, server).map(Asked::again);
        Self {
            ssh: again(SSH),
            jupyter: again(JUPYTER),
        }
    }

    /// Gives them to the container of a start. How ssh reaches it is said; Jupyter's link is not
    /// true yet.
    ///
    /// # Errors
    /// As [`add_ssh`] and [`add_jupyter`].
    pub fn add(self, launch: &mut Launch<'_>) -> Result<()> {
        if let Some(asked) = self.ssh {
            add_ssh(launch, asked)?;
        }
        if let Some(asked) = self.jupyter {
            add_jupyter(launch, asked)?;
        }
        Ok(())
    }
}

/// Says the link of a start that is to come, if it has one.
///
/// # Errors
/// As [`tell_jupyter`].
pub fn tell_link(launch: &Launch<'_>) -> Result<()> {
    match reached(&launch.ports, JUPYTER) {
        Some(reached) => tell_jupyter(launch, reached, " when the command begins"),
        None => Ok(()),
    }
}
