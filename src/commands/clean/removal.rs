//! Removing what can go, one thing after the other.

use crate::commands::Context;
use crate::commands::clean::leftovers::{Leftover, LeftoverKind, Leftovers};
use crate::commands::workplace::Workplace;
use crate::engine::{Tools, prune_cache};
use crate::error::{Kind, Result};
use crate::process::Invocation;

/// Removes everything. What the engine refuses, since somebody began to use it, is noted and does
/// not stop the rest; the sum is that of what went.
///
/// # Errors
/// `Interrupted` when the person had enough.
pub fn remove(
    context: &Context,
    workplaces: &[Workplace<'_>],
    found: &Leftovers,
    unused_for: Option<i64>,
) -> Result<Leftovers> {
    let mut items = Vec::new();
    let Some(tools) = workplaces
        .first()
        .map(|workplace| workplace.compose.tools())
    else {
        return Ok(Leftovers::default());
    };
    for item in &found.items {
        let mut item = item.clone();
        let verb = format!("{} {}", item.kind, item.name);
        context.printer.status("Removing", verb);
        match tools.read(&command(tools, &item, unused_for), &context.printer) {
            Ok(_) => {}
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => {
                context.printer.warn_about(&error);
                item.failure = Some(error.to_string());
            }
        }
        items.push(item);
    }
    let gone = items.iter().filter(|item| item.failure.is_none());
    Ok(Leftovers {
        bytes: gone.map(|item| item.bytes).sum(),
        items,
    })
}

/// Without force: the engine itself looks whether something is in use.
fn command(tools: &Tools, item: &Leftover, unused_for: Option<i64>) -> Invocation {
    let docker = tools.docker();
    match item.kind {
        LeftoverKind::Container => docker.args(["rm", "--volumes", &item.name]),
        LeftoverKind::Image => docker.args(["image", "rm", &item.name]),
        LeftoverKind::Network => docker.args(["network", "rm", &item.name]),
        LeftoverKind::BuildCache => prune_cache(tools, unused_for),
    }
}
