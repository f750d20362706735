//! A file system as a whole: one call puts all of its files on the disk.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Kinds whose `syncfs` writes all data, commits the journal, empties the disk's own cache and tells
/// of failures. That of an overlay tells nobody what failed below it, so it is not among them.
const KINDS: [&str; 2] = ["ext4", "xfs"];
/// The first kernel whose `syncfs` tells of failures to write data.
const KERNEL: (u32, u32) = (5, 8);

/// A file system that can be synced in one go.
pub trait FileSystem: Send + Sync + fmt::Debug {
    /// `syncfs(2)`: when this returns, all that was written to any of its files before, by whomever,
    /// is on the disk, and so are names and lengths.
    ///
    /// # Errors
    /// Something of somebody's could not be written since this was opened or last asked. Whose it was,
    /// [`super::File::sync_data`] of each file still tells.
    fn sync_all(&self) -> io::Result<()>;

    /// Whether what is at `path` is in it.
    ///
    /// # Errors
    /// The operating system's.
    fn holds(&self, path: &Path) -> io::Result<bool>;
}

/// One of [`KINDS`], held open: failures are told to who had it open when they happened.
#[derive(Debug)]
pub(super) struct RealFileSystem {
    handle: fs::File,
    device: u64,
}

impl FileSystem for RealFileSystem {
    fn sync_all(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.handle)?)
    }

    fn holds(&self, path: &Path) -> io::Result<bool> {
        Ok(fs::metadata(path)?.dev() == self.device)
    }
}

/// What `path` is in, if it is of a kind that is known to be good.
pub(super) fn open(path: &Path) -> io::Result<Option<RealFileSystem>> {
    let handle = fs::File::open(path)?;
    let device = handle.metadata()?.dev();
    let numbers = (rustix::fs::major(device), rustix::fs::minor(device));
    let release = rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let known = tells_of_failures(&release)
        && kind_of(&mounts, numbers).is_some_and(|kind| KINDS.contains(&kind));
    Ok(known.then_some(RealFileSystem { handle, device }))
}

fn tells_of_failures(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= KERNEL,
        _ => false,
    }
}

/// The kind of the mounted file system with this device number, by `/proc/self/mountinfo`.
fn kind_of(mounts: &str, (major, minor): (u32, u32)) -> Option<&str> {
    let device = format!("{major}:{minor}");
    mounts.lines().find_map(|line| {
        let (place, what) = line.split_once(" - ")?;
        let is_it = place.split(' ').nth(2) == Some(&device);
        is_it.then(|| what.split(' ').next()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_device_and_kernels_by_release() {
        let mounts = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,noatime shared:1 - ext4 /dev/root rw
31 27 254:16 /a - b /data rw,noatime master:1 - xfs /dev/vdb rw
32 27 0:40 / /merged rw - overlay overlay rw,lowerdir=/x
";
        assert_eq!(kind_of(mounts, (254, 0)), Some("ext4"));
        assert_eq!(kind_of(mounts, (0, 40)), Some("overlay"));
        assert_eq!(kind_of(mounts, (254, 1)), None);
        for (release, tells) in [
            ("6.18.44-fc-v669", true),
            ("5.8.0", true),
            ("5.10", true),
            ("5.4.0-150-generic", false),
            ("4.19", false),
            ("strange", false),
        ] {
            assert_eq!(tells_of_failures(release), tells, "{release}");
        }
    }

    #[test]
    fn memory_is_no_disk_and_a_known_kind_can_be_synced() {
        assert!(open(Path::new("/proc")).unwrap().is_none());
        assert!(open(Path::new("/nowhere")).is_err());
        let dir = tempfile::tempdir().unwrap();
        // Where tests run may be of any kind.
        if let Some(whole) = open(dir.path()).unwrap() {
            whole.sync_all().unwrap();
            assert!(whole.holds(dir.path()).unwrap());
            assert!(!whole.holds(Path::new("/proc")).unwrap());
        }
    }
}
