//! Who starts a container on this machine, and how they came here.

/// The person's name here, `me` if the environment does not tell.
pub fn name() -> String {
    std::env::var("USER").unwrap_or_else(|_| "me".to_owned())
}

/// Address and port of this machine that the person's ssh connected to, if they came that way
/// (`SSH_CONNECTION`, ssh(1)).
pub fn came_by_ssh() -> Option<(String, String)> {
    let connection = std::env::var("SSH_CONNECTION").ok()?;
    let mut words = connection.split_whitespace().skip(2);
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}
