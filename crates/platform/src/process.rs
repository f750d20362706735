//! Other processes, as /proc tells: who has the port that we want?

use std::fs;
use std::path::Path;

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name as in `ps`.
    pub name: String,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} ({})", self.pid, self.name)
    }
}

/// State LISTEN in /proc/net/tcp.
const LISTEN: &str = "0A";

/// The process that listens on a TCP port, if it can be found: those of other users are hidden
/// from anybody but root.
#[must_use]
pub fn listener_on(port: u16) -> Option<Process> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let links: Vec<String> = inodes
        .iter()
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let processes = fs::read_dir("/proc").ok()?;
    processes.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        has_descriptor(&entry.path().join("fd"), &links).then(|| Process {
            pid,
            name: name(pid),
        })
    })
}

/// The name of a process; `?` when it is gone.
#[must_use]
pub fn name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm"));
    name.map_or_else(|_| "?".to_owned(), |name| name.trim_end().to_owned())
}

/// What names the time from one start of the machine to the next; `None` where there is no `/proc`.
#[must_use]
pub fn boot_id() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let port = format!(":{port:04X}");
    let inode = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        (local.ends_with(&port) && state == LISTEN).then(|| fields.nth(5).map(str::to_owned))?
    };
    table.lines().skip(1).filter_map(inode).collect()
}

fn has_descriptor(fds: &Path, links: &[String]) -> bool {
    let Ok(fds) = fs::read_dir(fds) else {
        return false;
    };
    fds.flatten().any(|fd| {
        let target = fs::read_link(fd.path());
        target.is_ok_and(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_ourselves() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = socket.local_addr().expect("bound").port();
        let found = listener_on(port).expect("we listen");
        assert_eq!(found.pid, std::process::id());
        drop(socket);
        assert_eq!(listener_on(port), None);
    }
}
