//! Somebody else who is kept busy: what a bystander feels of that is the machine's part, since attacker,
//! broker and bystander share its processors.

use std::io::Read;
use std::net::{TcpListener, TcpStream};

use anyhow::Result;

const READ_BYTES: usize = 256 * 1024;

/// Takes all that is sent and does nothing with it, from connections at an address; never ends by itself.
///
/// # Errors
/// When the address is taken, or the system gives no thread.
pub fn sink(address: &str) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    for stream in listener.incoming().flatten() {
        std::thread::Builder::new().spawn(|| swallow(stream))?;
    }
    Ok(())
}

fn swallow(mut stream: TcpStream) {
    let mut buffer = vec![0; READ_BYTES];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// Keeps one processor busy, as an attack keeps the broker, which leaves one thread to others.
pub fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}
