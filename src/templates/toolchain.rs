//! The script that runs commands in an image for whoever has no envtpl: `templates/wrap/toolchain.sh`.

use crate::error::{Error, Result};
use crate::templates::render::{SCRIPT, source};

/// The start of the one line of it that varies.
const IMAGE: &str = "envtpl_image=";
/// Before what runs in the container before the command does; a quote ends it.
const START: &str = "\nenvtpl_start='";

/// The script for an image, as `NAME:TAG@sha256:…` or as the engine's id of it.
///
/// # Errors
/// When the name could not stand in a script as it is, which names of images cannot; when the
/// template is wrong, which the tests rule out.
pub fn script(image: &str) -> Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/@-".contains(c);
    if image.is_empty() || !image.chars().all(is_plain) {
        return Err(Error::usage(format!(
            "`{image}` is not the name of an image"
        )));
    }
    let line = |line: &str| match line.starts_with(IMAGE) {
        true => format!("{IMAGE}'{image}'\n"),
        false => line.to_owned(),
    };
    Ok(source(SCRIPT)?.split_inclusive('\n').map(line).collect())
}

/// Whether a text is such a script, for whichever image.
pub fn is_script(text: &str) -> bool {
    text.starts_with("#!") && text.lines().any(|line| line.starts_with(IMAGE))
}

/// What the container's shell runs before the command: it is told who the caller is and where they
/// are, and becomes the command with the caller's rights. Its arguments are the caller's user,
/// group and groups by number, their name, where their files are, the directory to be in; then the
/// command.
///
/// # Errors
/// When the template is wrong, which the tests rule out.
pub fn start() -> Result<&'static str> {
    source(SCRIPT)?
        .split_once(START)
        .and_then(|(_, rest)| rest.split_once('\''))
        .map(|(start, _)| start)
        .ok_or_else(|| Error::failed(format!("the template `{SCRIPT}` has no start")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn one_line_of_the_script_varies() {
        let image = "r.lab:5000/a/b:dev@sha256:0123";
        let [template, script] = [
            source(SCRIPT).expect("there"),
            &script(image).expect("well"),
        ];
        assert!(is_script(template) && is_script(script));
        let differ = template.lines().zip(script.lines());
        let differ: Vec<_> = differ.filter(|(before, after)| before != after).collect();
        assert_eq!(
            differ,
            [(
                "envtpl_image=''",
                "envtpl_image='r.lab:5000/a/b:dev@sha256:0123'"
            )]
        );
        assert_eq!(template.lines().count(), script.lines().count());
    }

    #[test]
    fn nothing_but_a_name_comes_into_the_script() {
        for name in ["", "a'b", "a;b", "a b", "$(a)", "a\nb"] {
            assert_eq!(script(name).expect_err(name).kind(), Kind::Usage, "{name}");
        }
    }

    #[test]
    fn the_start_is_whole() {
        let start = start().expect("there");
        assert!(start.starts_with("\nenvtpl_uid=$1 ") && start.ends_with(" -- \"$@\"\n"));
    }
}
