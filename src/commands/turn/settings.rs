//! `.env` of a renamed installation.

use std::path::Path;

use crate::error::Result;
use crate::installation::dotenv::Dotenv;
use crate::installation::name::Name;

/// The settings that name the installation follow it: its name, and what is computed on, where
/// that was the old one's acceleration or is nothing that the new one has.
///
/// # Errors
/// `Usage` when the file cannot be read as settings.
pub fn follow(path: &Path, text: &str, from: &Name, to: &Name) -> Result<String> {
    let mut settings = Dotenv::parse(path, text)?;
    let has = |settings: &Dotenv, key: &str| settings.keys().any(|other| other == key);
    if has(&settings, "IMAGE_PLATFORM") {
        settings.set("IMAGE_PLATFORM", &to.to_string())?;
    }
    if let Some(acceleration) = settings.get("ACCELERATION") {
        let new = to.acceleration().to_string();
        let stays = ["cpu", "auto", ""].contains(&acceleration.as_str())
            && (acceleration != from.acceleration().to_string());
        if !stays && acceleration != new {
            settings.set("ACCELERATION", &new)?;
        }
    }
    Ok(settings.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(acceleration: &str, from: &str, to: &str) -> String {
        let text =
            format!("# mine\nIMAGE_PLATFORM=x\nACCELERATION={acceleration} # why\nA='b c'\n");
        let name = |text: &str| text.parse::<Name>().expect("a name");
        follow(Path::new(".env"), &text, &name(from), &name(to)).expect("settings")
    }

    #[test]
    fn what_names_the_installation_follows_and_the_rest_stays() {
        assert_eq!(
            followed("cuda", "amd64-cuda", "arm64-cpu"),
            "# mine\nIMAGE_PLATFORM=arm64-cpu\nACCELERATION=cpu # why\nA='b c'\n"
        );
        for (acceleration, from, to, expected) in [
            ("cpu", "amd64-cuda", "amd64-rocm", "cpu"),
            ("auto", "amd64-cuda", "arm64-cpu", "auto"),
            ("cpu", "amd64-cpu", "amd64-cuda", "cuda"),
            ("rocm", "amd64-cuda", "arm64-cpu", "cpu"),
        ] {
            let text = followed(acceleration, from, to);
            assert!(
                text.contains(&format!("ACCELERATION={expected} #")),
                "{text}"
            );
        }
    }
}
