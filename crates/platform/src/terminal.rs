//! Secrets that somebody types or a script sends to standard input.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Longest line that is read.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Reads one line from standard input. On a terminal `prompt` is shown, and what is typed is not.
///
/// # Errors
/// The operating system's, and a line that is not UTF-8.
pub fn read_secret(prompt: &str) -> io::Result<String> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return read_line();
    }
    let mut stderr = io::stderr();
    write!(stderr, "{prompt}")?;
    stderr.flush()?;
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &silent)?;
    let _echo = Echo(before);
    let line = read_line();
    writeln!(stderr)?;
    line
}

/// Lets what is typed be seen again, whatever happens.
struct Echo(Termios);

impl Drop for Echo {
    fn drop(&mut self) {
        tcsetattr(io::stdin(), OptionalActions::Now, &self.0).ok();
    }
}

fn read_line() -> io::Result<String> {
    let mut line = String::new();
    let stdin = io::stdin().lock();
    stdin.take(LINE_BYTES_MAX).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}
