//! The entries of a tar archive, each as a digest (POSIX.1-2001 `pax`, with GNU's long names).

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

const BLOCK: usize = 512;

/// The longest name that is believed; anything above it is no archive.
const LONGEST_NAME: u64 = 1 << 20;

/// Entries by path: a digest over kind, owner, mode, time, target and contents.
pub fn entries(mut source: impl Read) -> io::Result<BTreeMap<String, String>> {
    let mut entries = BTreeMap::new();
    let mut long_name: Option<String> = None;
    let mut pax: BTreeMap<String, String> = BTreeMap::new();
    let mut header = [0; BLOCK];
    loop {
        match source.read_exact(&mut header) {
            Ok(()) => {}
            // Two empty blocks should end it; archives without them are read as well.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(entries),
            Err(error) => return Err(error),
        }
        if header.iter().all(|byte| *byte == 0) {
            return Ok(entries);
        }
        let size = number(&header[124..136])?;
        match header[156] {
            b'x' => pax = records(&text_of(&mut source, size)?),
            b'g' => drop(text_of(&mut source, size)?),
            b'L' => {
                long_name = Some(
                    text_of(&mut source, size)?
                        .trim_end_matches('\0')
                        .to_owned(),
                )
            }
            b'K' => drop(text_of(&mut source, size)?),
            _ => {
                let size = match pax.get("size") {
                    Some(size) => size.parse().map_err(|_| damaged())?,
                    None => size,
                };
                let path = pax.get("path").cloned().or(long_name.take());
                let path = path.unwrap_or_else(|| name(&header));
                let mut hash = Sha256::new();
                // Mode, owners, time, kind and target; the name and the header's own sum are not
                // what tells two files apart.
                for field in [100..124, 136..148, 156..257, 265..337] {
                    hash.update(&header[field]);
                }
                for (key, value) in std::mem::take(&mut pax) {
                    hash.update(format!("{key}={value}\n"));
                }
                contents(&mut source, size, |bytes| hash.update(bytes))?;
                let digest = hash.finalize();
                let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                entries.insert(path, digest);
            }
        }
    }
}

/// Name and prefix of the header.
fn name(header: &[u8; BLOCK]) -> String {
    let prefix = text(&header[345..500]);
    let name = text(&header[..100]);
    if header.get(257..262) == Some(b"ustar") && !prefix.is_empty() {
        format!("{prefix}/{name}")
    } else {
        name
    }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&field[..end.unwrap_or(field.len())]).into_owned()
}

/// A number in octal digits, or in GNU's binary form.
fn number(field: &[u8]) -> io::Result<u64> {
    if field[0] & 0x80 != 0 {
        let last: [u8; 8] = field[field.len() - 8..].try_into().map_err(|_| damaged())?;
        return Ok(u64::from_be_bytes(last));
    }
    let digits = text(field);
    match digits.trim() {
        "" => Ok(0),
        digits => u64::from_str_radix(digits, 8).map_err(|_| damaged()),
    }
}

/// The `LENGTH KEY=VALUE` lines of a pax header.
fn records(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(' ')?;
        let (key, value) = rest.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    lines.collect()
}

fn text_of(source: &mut impl Read, size: u64) -> io::Result<String> {
    if size > LONGEST_NAME {
        return Err(damaged());
    }
    let mut bytes = Vec::new();
    contents(source, size, |part| bytes.extend_from_slice(part))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Hands over `size` bytes, and reads on to the end of their last block.
fn contents(source: &mut impl Read, size: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let padded = size
        .checked_next_multiple_of(BLOCK as u64)
        .ok_or_else(damaged)?;
    let mut left = size;
    let mut padding = padded - size;
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        source.read_exact(&mut buffer[..most])?;
        take(&buffer[..most]);
        left -= most as u64;
    }
    while padding > 0 {
        let most = usize::try_from(padding)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        source.read_exact(&mut buffer[..most])?;
        padding -= most as u64;
    }
    Ok(())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is no tar archive")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make the files they pack")]
mod tests {
    use super::*;
    use crate::output::{Color, Format, Printer};
    use crate::process::Invocation;
    use proptest::prelude::*;
    use std::fs;
    use std::path::Path;

    /// Packs a directory with the machine's own tar.
    fn packed(directory: &Path, format: &str) -> BTreeMap<String, String> {
        let archive = directory.with_extension("tar");
        let printer = Printer::new(Format::Human, Color::Never, true, 0);
        Invocation::new("tar")
            .args(["--format", format, "--mtime=@1000"])
            // Times of looking at a file are in no layer.
            .args(match format {
                "pax" => &["--pax-option=delete=atime,delete=ctime"][..],
                _ => &[],
            })
            .arg("-cf")
            .arg(&archive)
            .arg("-C")
            .arg(directory)
            .arg(".")
            .read(&printer)
            .expect("tar runs");
        entries(fs::File::open(archive).expect("there")).expect("read")
    }

    #[test]
    fn what_changed_is_told_in_every_form_that_builders_write() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = place.path().join("tree");
        let long = format!("{}/{}", "d".repeat(120), "f".repeat(150));
        fs::create_dir_all(directory.join("d".repeat(120))).expect("made");
        for (path, text) in [("a é", "1"), (&long, "2"), ("same", &"x".repeat(2000))] {
            fs::write(directory.join(path), text).expect("written");
        }
        std::os::unix::fs::symlink("a", directory.join("link")).expect("linked");
        for format in ["gnu", "pax"] {
            fs::write(directory.join("a é"), "1").expect("written");
            fs::write(directory.join(&long), "2").expect("written");
            let before = packed(&directory, format);
            assert_eq!(before.len(), 6, "{:?}", before.keys());
            assert_eq!(before, packed(&directory, format));
            fs::write(directory.join("a é"), "2").expect("written");
            fs::write(directory.join(&long), "3").expect("written");
            let after = packed(&directory, format);
            let differing: Vec<&String> = before
                .keys()
                .filter(|path| before.get(*path) != after.get(*path))
                .collect();
            assert_eq!(differing, ["./a é", &format!("./{long}")]);
        }
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        assert!(entries(&[b'x'; 2 * BLOCK][..]).is_err());
        assert_eq!(entries(&[][..]).expect("empty").len(), 0);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = entries(&bytes[..]);
        }
    }
}
