//! The binary as a child process: started, watched, signalled, never left behind.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait;

/// The binary under test.
pub const LIMPID: &str = env!("CARGO_BIN_EXE_limpid");

/// A command with an environment that sets nothing of Kafka's or ours.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("KAFKA_") || text.starts_with("LIMPID_") {
            command.env_remove(&name);
        }
    }
    command.env("RUST_BACKTRACE", "1").stdin(Stdio::null());
    command
}

/// How a broker is to be started.
pub struct Setup {
    /// Comes before the binary: `prlimit …`, `unshare …`.
    pub wrapper: Vec<String>,
    /// `--override` values, after those every test needs.
    pub overrides: Vec<String>,
    /// The log directory, or none to leave `log.dirs` alone.
    pub log_dir: Option<PathBuf>,
    /// Where it runs.
    pub cwd: Option<PathBuf>,
    /// Where Kafka clients connect.
    pub listeners: String,
}

impl Setup {
    /// A broker on free ports with this log directory, which it may format.
    pub fn new(log_dir: &Path) -> Self {
        Self {
            wrapper: Vec::new(),
            overrides: vec![
                "limpid.storage.auto.format=true".to_owned(),
                "limpid.disk.min.free=0".to_owned(),
                "limpid.disk.min.free.bytes=0".to_owned(),
            ],
            log_dir: Some(log_dir.to_owned()),
            cwd: None,
            listeners: "PLAINTEXT://127.0.0.1:0".to_owned(),
        }
    }

    /// With one more entry.
    pub fn set(mut self, entry: impl Into<String>) -> Self {
        self.overrides.push(entry.into());
        self
    }

    /// Through another program.
    pub fn through(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// The arguments of `limpid`.
    pub fn arguments(&self) -> Vec<String> {
        let mut entries = vec![
            format!("listeners={}", self.listeners),
            "limpid.http.listeners=http://127.0.0.1:0".to_owned(),
        ];
        entries.extend(
            self.log_dir
                .iter()
                .map(|dir| format!("log.dirs={}", dir.display())),
        );
        entries.extend(self.overrides.iter().cloned());
        let mut arguments = vec!["serve".to_owned()];
        for entry in entries {
            arguments.push("--override".to_owned());
            arguments.push(entry);
        }
        arguments
    }

    /// Starts it without waiting for anything.
    pub fn spawn(&self) -> Process {
        let mut words = self.wrapper.clone();
        words.push(LIMPID.to_owned());
        words.extend(self.arguments());
        let mut command = command(&words[0]);
        command.args(&words[1..]);
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        Process::spawn(command)
    }

    /// Starts it and waits until it serves.
    pub fn start(&self) -> Broker {
        Broker::ready(self.spawn()).unwrap_or_else(|ended| panic!("did not start: {ended:?}"))
    }

    /// Starts it and waits for its end, which must be a failure told in words.
    pub fn refused(&self) -> Ended {
        let ended = match Broker::ready(self.spawn()) {
            Err(ended) => ended,
            Ok(broker) => panic!("it started: {}", broker.process.output()),
        };
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        ended.assert_calm();
        assert!(ended.output.contains("limpid: "), "{ended:?}");
        ended
    }
}

/// How a process ended, and all it said.
#[derive(Debug)]
pub struct Ended {
    /// Code or signal.
    pub status: ExitStatus,
    /// Standard output and error.
    pub output: String,
}

impl Ended {
    /// No panic, whatever else happened.
    pub fn assert_calm(&self) {
        assert!(!self.output.contains("panicked"), "{}", self.output);
    }
}

/// A child whose output is gathered, killed when it goes out of scope.
pub struct Process {
    child: Child,
    output: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts a command and gathers its output.
    pub fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let output = Arc::new(Mutex::new(String::new()));
        let readers = vec![
            gather(child.stdout.take().unwrap(), Arc::clone(&output)),
            gather(child.stderr.take().unwrap(), Arc::clone(&output)),
        ];
        Self {
            child,
            output,
            readers,
        }
    }

    /// What it said so far.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn try_end(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let status = wait::until("the process to end", || self.child.try_wait().unwrap());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Ended {
            status,
            output: self.output(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn gather(stream: impl Read + Send + 'static, output: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stream);
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            output
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

/// A broker that serves.
pub struct Broker {
    /// The child; with a wrapper that forks, the wrapper.
    pub process: Process,
    /// Where Kafka clients connect.
    pub kafka: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
}

impl Broker {
    /// Waits until the process says where it serves, or has ended.
    pub fn ready(mut process: Process) -> Result<Self, Ended> {
        let found = wait::until("the broker to be ready", || {
            if process.try_end().is_some() {
                return Some(None);
            }
            let output = process.output();
            let at = |word: &str| {
                let mut lines = output.lines().map(str::trim_start);
                let line = lines.find(|line| line.starts_with(word))?;
                let port = line
                    .rsplit(':')
                    .next()?
                    .trim_end_matches('/')
                    .parse()
                    .ok()?;
                Some(SocketAddr::from(([127, 0, 0, 1], port)))
            };
            Some(Some((at("Kafka ")?, at("HTTP ")?)))
        });
        match found {
            Some((kafka, http)) => Ok(Self {
                process,
                kafka,
                http,
            }),
            None => Err(process.end()),
        }
    }

    /// The broker's own process id, behind wrappers that fork.
    pub fn pid(&self) -> u32 {
        let mut pid = self.process.id();
        while let Some(child) = only_child(pid) {
            pid = child;
        }
        pid
    }

    /// Sends the broker a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and the end that must follow: clean, within the deadline.
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.process.end();
        ended.assert_calm();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        ended
    }

    /// A connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.kafka).unwrap();
        stream.set_read_timeout(Some(wait::LONG)).unwrap();
        stream.set_write_timeout(Some(wait::LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }

    /// Nobody panicked and the process lives.
    pub fn assert_well(&mut self) {
        let output = self.process.output();
        assert!(!output.contains("panicked"), "{output}");
        assert_eq!(self.process.try_end(), None, "{output}");
    }
}

fn only_child(pid: u32) -> Option<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    std::fs::read_to_string(path)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
