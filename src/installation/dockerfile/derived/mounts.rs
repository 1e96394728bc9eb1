//! What a step has mounted: what is there for scripts of ours too, and what goes when the step ends.

use super::super::{Dockerfile, Instruction};

impl Dockerfile {
    pub(super) fn mounts_without_secrets(&self, step: &Instruction) -> String {
        let mounts = step.flags.iter().filter(|flag| flag.name == "mount");
        let open = mounts.zip(step.mounts()).filter(|(_, settings)| {
            let mut settings = settings.iter();
            !settings.any(|(name, kind)| *name == "type" && ["secret", "ssh"].contains(kind))
        });
        open.map(|(flag, _)| format!("{} ", &self.text()[flag.span.clone()]))
            .collect()
    }
}

/// Where a mount is whose files a shell needs, if it is such a one.
pub(super) fn carried<'a>(mount: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let kind = setting(mount, &["type"]).unwrap_or("bind");
    let place = place(mount)?;
    (["bind", "cache"].contains(&kind) && !place.contains('$')).then_some(place)
}

/// The places, as written, of what a step has mounted and only the step itself sees as it left it:
/// `tmpfs`, and what is bound so that it can be written to (Dockerfile reference, "RUN --mount").
pub fn passing(step: &Instruction) -> Vec<&str> {
    let passes = |mount: &[(&str, &str)]| match setting(mount, &["type"]).unwrap_or("bind") {
        "tmpfs" => true,
        "bind" => is_writable(mount),
        _ => false,
    };
    let mounts = step.mounts().filter(|mount| passes(mount));
    mounts.filter_map(|mount| place(&mount)).collect()
}

fn place<'a>(mount: &[(&'a str, &'a str)]) -> Option<&'a str> {
    setting(mount, &["target", "dst", "destination"])
}

fn setting<'a>(mount: &[(&'a str, &'a str)], names: &[&str]) -> Option<&'a str> {
    let mut settings = mount.iter();
    settings
        .find(|(name, _)| names.contains(name))
        .map(|(_, value)| *value)
}

/// The last setting counts; a name alone means yes.
fn is_writable(mount: &[(&str, &str)]) -> bool {
    let settings = mount.iter().rev().filter_map(|(name, value)| {
        let yes = ["", "1", "t", "true"].contains(&value.to_lowercase().as_str());
        match *name {
            "rw" | "readwrite" => Some(yes),
            "ro" | "readonly" => Some(!yes),
            _ => None,
        }
    });
    settings.into_iter().next().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_goes_with_its_step_is_told_from_what_stays() {
        let mounts = [
            "type=tmpfs,target=/t",
            "target=/read",
            "type=bind,rw,dst=/written",
            "destination=build,readwrite=true",
            "target=/not,rw=false",
            "target=/last,ro,readonly=false",
            "type=cache,target=/cache",
            "type=secret,id=x,target=/s",
        ];
        let mounts: Vec<String> = mounts.map(|one| format!("--mount={one}")).into();
        let text = format!("FROM x\nRUN {} make\n", mounts.join(" "));
        let file = Dockerfile::parse(Path::new("Dockerfile"), &text).expect("valid");
        let places = ["/t", "/written", "build", "/last"];
        assert_eq!(passing(&file.instructions()[1]), places);
    }
}
