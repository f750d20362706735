//! What the kernel says of this process, also when no descriptor is left to open a file with: that is when
//! somebody asks how many are.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// More than any of these files has.
const PIECE_BYTES: usize = 8 << 10;
/// No descriptor is left (errno(3) on Linux).
const EMFILE: i32 = 24;
const DESCRIPTORS: &str = "/proc/self/fd";

/// State, threads and times.
pub(super) static STAT: Own = Own::at("/proc/self/stat");
/// Memory.
pub(super) static STATUS: Own = Own::at("/proc/self/status");
/// Limits.
pub(super) static LIMITS: Own = Own::at("/proc/self/limits");

/// A file of this process's that stays open from the first look on.
#[derive(Debug)]
pub(super) struct Own {
    path: &'static str,
    file: OnceLock<Option<File>>,
}

impl Own {
    const fn at(path: &'static str) -> Self {
        let file = OnceLock::new();
        Self { path, file }
    }

    /// What it says now. Without `/proc` an error that names it.
    pub(super) fn read(&self) -> io::Result<String> {
        let open = || File::open(self.path).ok();
        match self.file.get_or_init(open) {
            Some(file) => from_the_start(file),
            None => fs::read_to_string(self.path),
        }
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path)))
    }
}

/// Opens them, while that is possible.
pub(super) fn open_all() {
    for own in [&STAT, &STATUS, &LIMITS] {
        // Whoever needs it reads it again, and is told what is wrong.
        own.read().ok();
    }
}

/// The kernel makes the text anew for whoever reads from the start.
fn from_the_start(file: &File) -> io::Result<String> {
    let mut bytes = Vec::with_capacity(PIECE_BYTES);
    let mut piece = [0; PIECE_BYTES];
    loop {
        match file.read_at(&mut piece, bytes.len() as u64)? {
            0 => return String::from_utf8(bytes).map_err(io::Error::other),
            read => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// Open descriptors, of at most `max`. Since 6.2 the kernel says it as the size of their folder; before, they are
/// counted, and who can't open the folder because none is left knows the number as well.
pub(super) fn open_descriptors(max: Option<u64>) -> io::Result<u64> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{DESCRIPTORS}: {error}"));
    match fs::metadata(DESCRIPTORS).map_err(named)?.len() {
        0 => counted(fs::read_dir(DESCRIPTORS).map(Iterator::count), max).map_err(named),
        told => Ok(told),
    }
}

/// What counting them gave, the folder's own among them.
fn counted(count: io::Result<usize>, max: Option<u64>) -> io::Result<u64> {
    match (count, max) {
        (Ok(count), _) => Ok(count.saturating_sub(1) as u64),
        (Err(error), Some(max)) if error.raw_os_error() == Some(EMFILE) => Ok(max),
        (Err(error), _) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_the_folder_is_what_is_in_it() {
        let (before, listed) = (
            open_descriptors(None).unwrap(),
            fs::read_dir(DESCRIPTORS).map(Iterator::count),
        );
        // Other tests open and close files meanwhile.
        assert!(
            before >= 3 && counted(listed, None).unwrap() >= 3,
            "{before}"
        );
    }

    #[test]
    fn who_has_none_left_has_them_all_open() {
        let none_left = || Err(io::Error::from_raw_os_error(EMFILE));
        assert_eq!(counted(none_left(), Some(96)).unwrap(), 96);
        assert!(counted(none_left(), None).is_err());
        let forbidden = Err(io::ErrorKind::PermissionDenied.into());
        assert!(counted(forbidden, Some(96)).is_err());
    }

    #[test]
    fn it_is_read_anew_each_time() {
        let ticks = || LIMITS.read().unwrap();
        assert!(ticks().contains("Max open files"));
        assert_eq!(ticks(), ticks());
        let missing = Own::at("/proc/self/missing").read().unwrap_err();
        assert!(missing.to_string().contains("/proc/self/missing"));
    }
}
