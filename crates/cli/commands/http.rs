//! `limpid http`: who may visit.

use std::process::ExitCode;

use limpid_access::{tokens, users};
use limpid_platform::random::OsRandom;
use limpid_platform::terminal;

use crate::args::{CredentialCommand, HttpCommand, NamedArgs};

/// Changes a file of users or tokens.
pub fn run(command: &HttpCommand) -> anyhow::Result<ExitCode> {
    match command {
        HttpCommand::User { command } => match command {
            CredentialCommand::Add(NamedArgs { name, file }) => {
                let password = terminal::read_secret(&format!("Password of {name}: "))?;
                users::add(file, name, &password, &OsRandom)?;
            }
            CredentialCommand::Remove(NamedArgs { name, file }) => users::remove(file, name)?,
        },
        HttpCommand::Token { command } => match command {
            CredentialCommand::Add(NamedArgs { name, file }) => {
                println!("{}", tokens::add(file, name, &OsRandom)?);
            }
            CredentialCommand::Remove(NamedArgs { name, file }) => tokens::remove(file, name)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}
