//! The line of an installation's `README.md` that says where its images can be pulled from: the one
//! that ends with a mark, which nobody sees in the rendered page. Whoever removes the line wants
//! none.

use crate::installation::name::Name;

/// What the line ends with.
pub const MARK: &str = "<!-- envtpl: where to pull the images -->";

/// The command that a team-mate types.
pub fn pull_command(repository: &str, installation: &Name) -> String {
    format!("envtpl pull-generic {repository} -i {installation}")
}

/// The text with the line about a repository; `None` when there is no such line.
pub fn with_repository(text: &str, repository: &str, installation: &Name) -> Option<String> {
    let command = pull_command(repository, installation);
    let line = format!(
        "Instead of building the generic images, pull them: `{command}`, then `envtpl build-user`. {MARK}"
    );
    edit(text, |_| line.clone())
}

/// The text for an installation of another name.
pub fn renamed(text: &str, old: &Name, new: &Name) -> String {
    let (old, new) = (format!(" -i {old}`"), format!(" -i {new}`"));
    edit(text, |line| line.replace(&old, &new)).unwrap_or_else(|| text.to_owned())
}

/// Changes the line, and no byte beside it.
fn edit(text: &str, change: impl Fn(&str) -> String) -> Option<String> {
    let mut found = false;
    let lines = text.split_inclusive('\n').map(|whole| {
        let line = whole.trim_end_matches(['\r', '\n']);
        match line.trim_end().ends_with(MARK) {
            true => {
                found = true;
                format!("{}{}", change(line), &whole[line.len()..])
            }
            false => whole.to_owned(),
        }
    });
    let text = lines.collect();
    found.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().expect(text)
    }

    #[test]
    fn the_marked_line_says_where_images_are_and_nothing_else_changes() {
        let before = format!("# Title\r\n\r\n{MARK}\r\n\r\nmine\n");
        let after = with_repository(&before, "IC/me/p", &name("amd64-cpu")).expect("a line");
        let line = "Instead of building the generic images, pull them: `envtpl pull-generic IC/me/p -i amd64-cpu`, then `envtpl build-user`.";
        assert_eq!(after, before.replace(MARK, &format!("{line} {MARK}")));
        let other = with_repository(&after, "me/q", &name("amd64-cpu")).expect("a line");
        assert_eq!(other, after.replace("IC/me/p", "me/q"));
        let turned = renamed(&after, &name("amd64-cpu"), &name("arm64-cpu"));
        assert_eq!(turned, after.replace("-i amd64-cpu", "-i arm64-cpu"));
        assert_eq!(
            renamed(&turned, &name("arm64-cpu"), &name("amd64-cpu")),
            after
        );
    }

    #[test]
    fn who_removed_the_line_gets_none() {
        assert_eq!(
            with_repository("# Title\n", "me/p", &name("amd64-cpu")),
            None
        );
        assert_eq!(
            renamed("# -i a`\n", &name("amd64-cpu"), &name("arm64-cpu")),
            "# -i a`\n"
        );
    }
}
