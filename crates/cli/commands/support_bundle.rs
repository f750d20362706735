//! `limpid support-bundle`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::ask;
use crate::args::BundleArgs;

/// Fetches it into a file that only its owner can read.
pub fn run(args: &BundleArgs) -> Result<ExitCode> {
    let shown = args.to.display();
    // Before it is fetched: whoever can't keep it needs not make it.
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&args.to);
    let mut file = file.with_context(|| format!("can't write {shown}"))?;
    let path = format!("/support-bundle.tar.gz?seconds={}", args.cpu_seconds);
    let fetched = ask::download(&args.ask, &path);
    let written = fetched.and_then(|(status, bytes)| {
        if status != 200 {
            let text = String::from_utf8_lossy(&bytes);
            bail!(
                "the broker answers with HTTP status {status}: {}",
                text.trim_end()
            );
        }
        file.write_all(&bytes)
            .with_context(|| format!("can't write {shown}"))?;
        Ok(bytes.len())
    });
    match written {
        Ok(bytes) => {
            println!("{shown}: {bytes} bytes; look through it before you send it away");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            std::fs::remove_file(&args.to).ok();
            Err(error)
        }
    }
}
