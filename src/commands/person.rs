//! Who runs this command, by name and number.

use std::path::Path;

use rustix::process::{getgid, getgroups, getuid};

use crate::error::Result;
use crate::files;
use crate::output::Printer;
use crate::process::Invocation;

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name; the number, if it has none.
    pub name: String,
    /// Its number.
    pub id: u32,
}

/// Who runs this command.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user.
    pub user: Account,
    /// The user's first group.
    pub group: Account,
    /// The other groups.
    pub groups: Vec<Account>,
    /// The numbers of all groups, also of those without a name; that of the first one first.
    pub group_ids: Vec<u32>,
    /// The groups that own this machine's GPUs, as far as there are such.
    pub devices: Vec<Account>,
}

impl Person {
    /// Asks the system.
    ///
    /// # Errors
    /// `Interrupted`, or when the system's lists cannot be read.
    pub fn of_this_process(printer: &Printer) -> Result<Self> {
        let users = Accounts::read("/etc/passwd")?;
        let groups = Accounts::read("/etc/group")?;
        let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
        let others = getgroups().unwrap_or_default().into_iter();
        let others = others.map(rustix::fs::Gid::as_raw).filter(|id| *id != gid);
        let group_ids: Vec<u32> = std::iter::once(gid).chain(others).collect();
        let mut others = group_ids[1..].to_vec();
        others.sort_unstable();
        others.dedup();
        Ok(Self {
            user: users.account(uid, &["-un"], printer)?,
            group: groups.account(gid, &["-gn"], printer)?,
            groups: others
                .into_iter()
                .filter_map(|id| {
                    Some(Account {
                        name: groups.name(id)?,
                        id,
                    })
                })
                .collect(),
            group_ids,
            devices: ["video", "render"]
                .into_iter()
                .filter_map(|name| groups.named(name))
                .collect(),
        })
    }
}

/// `/etc/passwd` or `/etc/group`.
struct Accounts(Vec<Account>);

impl Accounts {
    fn read(path: &str) -> Result<Self> {
        let bytes = files::read_if_exists(Path::new(path))?.unwrap_or_default();
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Both files hold `name:password:number:…`.
    fn parse(text: &str) -> Self {
        let account = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let id = fields.nth(1)?.parse().ok()?;
            Some(Account { name, id })
        };
        Self(text.lines().filter_map(account).collect())
    }

    fn name(&self, id: u32) -> Option<String> {
        let account = self.0.iter().find(|account| account.id == id)?;
        Some(account.name.clone())
    }

    fn named(&self, name: &str) -> Option<Account> {
        self.0.iter().find(|account| account.name == name).cloned()
    }

    /// The account of this number; a directory service, which `id` asks, may know those that the
    /// file does not.
    fn account(&self, id: u32, ask: &[&str], printer: &Printer) -> Result<Account> {
        if let Some(name) = self.name(id) {
            return Ok(Account { name, id });
        }
        let asked = Invocation::new("id").args(ask).capture(printer);
        let name = match asked {
            Ok(finished) if finished.status.success() => finished.text(),
            Err(error) if error.kind() == crate::error::Kind::Interrupted => return Err(error),
            _ => String::new(),
        };
        let name = if name.is_empty() {
            id.to_string()
        } else {
            name
        };
        Ok(Account { name, id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_spaces_and_lines_may_be_broken() {
        let accounts = Accounts::parse("root:x:0:\ndomain users:*:1885580785:joe\nbroken\n:x::\n");
        assert_eq!(accounts.name(1885580785).as_deref(), Some("domain users"));
        assert_eq!(accounts.name(0).as_deref(), Some("root"));
        assert_eq!(accounts.named("render"), None);
    }
}
