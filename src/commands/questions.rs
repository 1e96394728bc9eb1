//! What is asked on a terminal.

use dialoguer::console::Term;
use dialoguer::theme::SimpleTheme;
use dialoguer::{Confirm, Input, Select};

use crate::error::{Error, Result};

/// Asks for a text, with a proposal.
///
/// # Errors
/// `Interrupted` when the person does not want to answer.
pub fn text(question: &str, proposal: &str, check: impl Fn(&str) -> Result<()>) -> Result<String> {
    let check = |answer: &String| check(answer).map_err(|error| error.message().to_owned());
    Input::with_theme(&SimpleTheme)
        .with_prompt(question)
        .default(proposal.to_owned())
        .validate_with(check)
        .interact_text_on(&Term::stderr())
        .map_err(unanswered)
}

/// Asks for one of several things; gives its place in the list.
///
/// # Errors
/// `Interrupted` when the person does not want to answer.
pub fn choice(question: &str, things: &[&str]) -> Result<usize> {
    Select::with_theme(&SimpleTheme)
        .with_prompt(question)
        .items(things)
        .default(0)
        .interact_on_opt(&Term::stderr())
        .map_err(unanswered)?
        .ok_or_else(Error::interrupted)
}

/// Asks whether to go on; whoever only presses return does not.
///
/// # Errors
/// `Interrupted` when the person does not want to answer.
pub fn confirm(question: &str) -> Result<bool> {
    Confirm::with_theme(&SimpleTheme)
        .with_prompt(question)
        .default(false)
        .interact_on_opt(&Term::stderr())
        .map_err(unanswered)?
        .ok_or_else(Error::interrupted)
}

/// The cursor is hidden while a question is open.
fn unanswered(error: dialoguer::Error) -> Error {
    let _ = Term::stderr().show_cursor();
    let dialoguer::Error::IO(source) = error;
    match source.kind() {
        std::io::ErrorKind::Interrupted | std::io::ErrorKind::UnexpectedEof => Error::interrupted(),
        _ => Error::failed("cannot ask on this terminal")
            .because(source)
            .help("answer on the command line, and give `--yes`"),
    }
}
