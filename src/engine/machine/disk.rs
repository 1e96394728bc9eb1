//! Free space.

use std::path::Path;

/// Bytes that this person may still write where `path` is, or will be: its nearest directory
/// upwards that is there counts. `None` when the system does not say.
pub fn free_space(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists())?;
    let facts = rustix::fs::statvfs(there).ok()?;
    facts.f_bavail.checked_mul(facts.f_frsize)
}

/// A size for people, in units of 1000 as `docker` and `df -H` show it.
#[expect(
    clippy::cast_precision_loss,
    reason = "one decimal is shown, 53 bits are plenty"
)]
pub fn readable_size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1000.0 {
            let decimals = usize::from(unit == "GB" && size < 10.0);
            return format!("{size:.decimals$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_yet_has_the_space_of_where_it_will_be() {
        let here = std::env::temp_dir();
        assert!(free_space(&here.join("envtpl-no/such/place")).is_some_and(|free| free > 0));
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        assert_eq!(readable_size(0), "0 B");
        assert_eq!(readable_size(1_500), "2 kB");
        assert_eq!(readable_size(999_999_999), "1000 MB");
        assert_eq!(readable_size(4_321_000_000), "4.3 GB");
        assert_eq!(readable_size(71_000_000_000), "71 GB");
        assert_eq!(readable_size(7_100_000_000_000), "7.1 TB");
    }
}
