//! Groups that open a device or a socket.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, access};

use super::Machine;

/// How this person stands to the group that owns a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Membership {
    /// They may read and write it.
    Open,
    /// They are in the group, but were not when they logged in.
    NextLogin {
        /// The group.
        group: String,
    },
    /// They are not in the group.
    Outside {
        /// The group.
        group: String,
    },
}

impl Machine {
    /// Whether this person may use a device or socket, and which group would let them;
    /// `None` when it is not there.
    pub fn membership(&self, absolute: &str, user: &str) -> Option<Membership> {
        let path = self.path(absolute);
        let owner = path.metadata().ok()?.gid();
        if may_use(&path) {
            return Some(Membership::Open);
        }
        let groups = self.text("/etc/group").unwrap_or_default();
        let (group, members) = group(&groups, owner).unwrap_or_else(|| (owner.to_string(), vec![]));
        Some(if members.iter().any(|member| member == user) {
            Membership::NextLogin { group }
        } else {
            Membership::Outside { group }
        })
    }
}

fn may_use(path: &Path) -> bool {
    access(path, Access::READ_OK | Access::WRITE_OK).is_ok()
}

/// A group's name and members in `/etc/group` (group(5): `name:password:id:members`).
fn group(text: &str, id: u32) -> Option<(String, Vec<String>)> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        if fields.nth(1)?.parse() != Ok(id) {
            return None;
        }
        let members = fields.next().unwrap_or_default();
        Some((
            name.to_owned(),
            members
                .split(',')
                .filter(|member| !member.is_empty())
                .map(str::to_owned)
                .collect(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fake::machine;
    use super::*;

    #[test]
    fn a_group_is_found_by_its_number() {
        let text = "root:x:0:\ndocker:x:998:alice,bob\nrender:x:105:\n";
        assert_eq!(
            group(text, 998),
            Some(("docker".into(), vec!["alice".into(), "bob".into()]))
        );
        assert_eq!(group(text, 105), Some(("render".into(), vec![])));
        assert_eq!(group(text, 99), None);
    }

    #[test]
    fn what_can_be_opened_needs_no_group() {
        let (_root, machine) = machine(&[("/dev/kfd", "")]);
        assert_eq!(machine.membership("/dev/kfd", "x"), Some(Membership::Open));
        assert_eq!(machine.membership("/dev/other", "x"), None);
    }
}
