//! Draws an error the way rustc does: message, place with excerpt, causes, next steps.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::error::Error;

/// Renders an error for stderr, coloured if stderr takes colours; no trailing newline.
pub fn render(error: &Error) -> String {
    let paths: Vec<String> = error
        .places()
        .iter()
        .map(|place| place.path.display().to_string())
        .collect();
    let causes: Vec<String> = error
        .causes()
        .into_iter()
        .map(|cause| format!("cause: {}", cause.trim_end()))
        .collect();

    let title = Level::ERROR.primary_title(error.message());
    let mut group = Group::with_title(title);
    for (place, path) in error.places().iter().zip(&paths) {
        group = match &place.excerpt {
            Some((text, range)) => group.element(
                Snippet::source(text.as_str())
                    .path(path.as_str())
                    .annotation(
                        AnnotationKind::Primary
                            .span(range.clone())
                            .label(place.label.as_str()),
                    ),
            ),
            None => group.element(Origin::path(path.as_str())),
        };
    }
    for cause in &causes {
        group = group.element(Level::NOTE.no_name().message(cause.as_str()));
    }
    for help in error.helps() {
        group = group.element(Level::HELP.message(help.as_str()));
    }

    let renderer = if console::colors_enabled_stderr() {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.render(&[group]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;

    #[test]
    fn an_error_names_file_line_cause_and_next_step() {
        let text = "USR=alice\nUSRID=abc\n";
        let error = Error::usage("`USRID` is not a number")
            .at(Place::span(".env", text, 16..19).label("not a number"))
            .because(std::io::Error::other("invalid digit found in string"))
            .help("run `id -u` to see yours");
        console::set_colors_enabled_stderr(false);
        let shown = render(&error);
        for expected in [
            "error: `USRID` is not a number",
            "--> .env:2:7",
            "USRID=abc",
            "^^^ not a number",
            "cause: invalid digit found in string",
            "help: run `id -u` to see yours",
        ] {
            assert!(
                shown.contains(expected),
                "{expected:?} is missing in:\n{shown}"
            );
        }
    }
}
