//! A disk that can be filled, slowed down and broken: a file system in memory, and a library loaded
//! into the broker that stands between it and its files.
//!
//! Nothing is mounted where others could see it: the tester runs in namespaces of its own. The
//! library also moves the broker's wall clock.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;

use crate::process::run;
use crate::tools::helpers;

/// Bytes of the file system.
pub const SIZE: u64 = 400 << 20;
/// A compiler, a mount.
const LIMIT: Duration = Duration::from_secs(60);
/// How often room is grasped at.
const GRASPS: usize = 1_000;
/// The words of the shim's orders.
const WORDS: u64 = 8;

/// What the shim can be told to do: the places of its words.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// The how-many-eth write from now on fails.
    FailWrite = 0,
    /// As that, with a call for the disk.
    FailSync = 1,
    /// As that, with a read.
    FailRead = 2,
    /// As that, with a write, half of which is done.
    TearWrite = 3,
    /// Each write takes so many microseconds longer.
    SlowWrite = 4,
    /// Each call for the disk does.
    SlowSync = 5,
    /// The wall clock is so many seconds ahead. [`Disk::heal`] leaves it so.
    ClockAhead = 7,
}

/// How many calls failed: the place of that word.
const FAILED: u64 = 6;

/// The disk.
#[derive(Debug)]
pub struct Disk {
    /// Where it is mounted.
    pub path: PathBuf,
    /// Below this it fails and dawdles.
    weak: PathBuf,
    shim: PathBuf,
    orders: std::fs::File,
    orders_path: PathBuf,
}

impl Disk {
    /// Mounts it with room for so many `files` and compiles the library, in `folder`. What is below
    /// `weak` on it fails and dawdles; the rest only gets full.
    ///
    /// # Errors
    /// When nothing can be mounted, or there is no compiler.
    pub fn mount(folder: &Path, weak: &str, files: u64) -> Result<Self> {
        let path = folder.join("disk");
        std::fs::create_dir_all(&path)?;
        let mut mount = Command::new("mount");
        let options = format!("size={SIZE},nr_inodes={files}");
        mount
            .args(["-t", "tmpfs", "-o", &options, "limpid-tests"])
            .arg(&path);
        run(&mut mount, b"", LIMIT)?
            .success()
            .context("a file system in memory")?;
        let shim = folder.join("faults.so");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&shim);
        compiler.arg(helpers().join("shim/faults.c")).arg("-ldl");
        run(&mut compiler, b"", LIMIT)?
            .success()
            .context("compiling the shim")?;
        let orders_path = folder.join("orders");
        std::fs::write(&orders_path, vec![0; 4 * WORDS as usize])?;
        let orders = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&orders_path)?;
        Ok(Self {
            // Without the slash at the end that no word leaves.
            weak: path.join(weak).components().collect(),
            path,
            shim,
            orders,
            orders_path,
        })
    }

    /// What the broker must be started with.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD".to_owned(), text(&self.shim)),
            ("FAULTS_FILE".to_owned(), text(&self.orders_path)),
            ("FAULTS_UNDER".to_owned(), text(&self.weak)),
        ]
    }

    /// Orders something; 0 takes it back.
    ///
    /// # Errors
    /// When the file of orders can't be written.
    pub fn order(&self, order: Order, word: u32) -> Result<()> {
        Ok(self
            .orders
            .write_all_at(&word.to_ne_bytes(), 4 * order as u64)?)
    }

    /// Takes all orders back.
    ///
    /// # Errors
    /// As [`Disk::order`].
    pub fn heal(&self) -> Result<()> {
        Ok(self.orders.write_all_at(&[0; 4 * FAILED as usize], 0)?)
    }

    /// How many calls failed so far.
    ///
    /// # Errors
    /// As [`Disk::order`].
    pub fn failed(&self) -> Result<u32> {
        let mut word = [0; 4];
        self.orders.read_exact_at(&mut word, 4 * FAILED)?;
        Ok(u32::from_ne_bytes(word))
    }

    /// Takes all room but for `left` bytes.
    ///
    /// # Errors
    /// When the file system is gone, or others take and give its room faster than this can look.
    pub fn fill(&self, left: u64) -> Result<()> {
        let file = std::fs::File::create(self.ballast())?;
        // Room that the broker takes between the look and the grasp makes all of it fail, and none is taken.
        for _ in 0..GRASPS {
            let stat = statvfs(&self.path)?;
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            match fallocate(&file, FallocateFlags::empty(), 0, free.saturating_sub(left)) {
                Err(Errno::NOSPC) => {}
                done => return Ok(done?),
            }
        }
        bail!(
            "no {GRASPS} attempts took the room of {}",
            self.path.display()
        )
    }

    /// Gives the room back.
    ///
    /// # Errors
    /// When it was not taken.
    pub fn empty(&self) -> Result<()> {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    /// Copies what is on it to a folder beside it, where others can see it.
    ///
    /// # Errors
    /// When it does not fit there.
    pub fn keep(&self) -> Result<()> {
        let mut copy = Command::new("cp");
        copy.arg("-a")
            .arg(&self.path)
            .arg(self.path.with_file_name("kept"));
        run(&mut copy, b"", LIMIT)?
            .success()
            .context("copying the data")?;
        Ok(())
    }

    /// Takes all files that there may be, but no room.
    ///
    /// # Errors
    /// When the folder of them can't be made.
    pub fn crowd(&self) -> Result<()> {
        let folder = self.path.join("crowd");
        std::fs::create_dir(&folder)?;
        // Until no more can be made, which is what is wanted.
        (0_u64..)
            .map_while(|number| std::fs::File::create(folder.join(number.to_string())).ok())
            .for_each(drop);
        Ok(())
    }

    /// Gives the files back.
    ///
    /// # Errors
    /// When they were not taken.
    pub fn disperse(&self) -> Result<()> {
        Ok(std::fs::remove_dir_all(self.path.join("crowd"))?)
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        unmount.arg("--lazy").arg(&self.path);
        // If it fails, an empty folder is left over.
        run(&mut unmount, b"", LIMIT).ok();
    }
}
