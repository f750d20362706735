//! `limpid.http.users.file`: lines `name:$argon2id$…`, as `htpasswd` would have them.

use std::collections::HashMap;
use std::path::Path;

use limpid_platform::random::Random;

use crate::phc::{PASSWORD_BYTES_MAX, PasswordHash};
use crate::reread::{self, FileError, FromText};

/// Most users in a file.
const USERS_MAX: usize = 10_000;
/// Shortest password that is taken for a new user.
const PASSWORD_CHARS_MIN: usize = 8;

/// Users and the hashes of their passwords.
#[derive(Debug, Default)]
pub(crate) struct Users {
    by_name: HashMap<String, PasswordHash>,
}

impl Users {
    /// The hash of a user's password.
    pub(crate) fn hash(&self, name: &str) -> Option<&PasswordHash> {
        self.by_name.get(name)
    }
}

impl FromText for Users {
    fn from_text(text: &str) -> Result<Self, (usize, String)> {
        let mut by_name = HashMap::new();
        for (line, entry) in reread::entries(text) {
            let at = |reason: String| (line, reason);
            let (name, hash) = entry.map_err(at)?;
            let hash = PasswordHash::parse(hash)
                .map_err(|error| at(format!("the password of {name} is {error}")))?;
            if by_name.insert(name.to_owned(), hash).is_some() {
                return Err(at(format!("{name} is there twice")));
            }
            if by_name.len() > USERS_MAX {
                return Err(at(format!("more than {USERS_MAX} users")));
            }
        }
        Ok(Self { by_name })
    }
}

/// Why a user can't be added or removed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The name or the password.
    #[error("{0}")]
    Refused(String),
    /// There is nobody of that name.
    #[error("there is no {0} in that file")]
    Missing(String),
    /// The system gave no random bytes.
    #[error("no random bytes: {0}")]
    Random(std::io::Error),
}

/// Adds a user to a file, or changes the password; the file is made if it isn't there.
///
/// # Errors
/// See [`ChangeError`]; the file is as it was.
pub fn add(
    path: &Path,
    name: &str,
    password: &str,
    random: &dyn Random,
) -> Result<(), ChangeError> {
    reread::checked_name(name).map_err(ChangeError::Refused)?;
    if password.chars().count() < PASSWORD_CHARS_MIN || password.len() > PASSWORD_BYTES_MAX {
        let reason = format!(
            "a password has {PASSWORD_CHARS_MIN} characters at least and {PASSWORD_BYTES_MAX} \
             bytes at most"
        );
        return Err(ChangeError::Refused(reason));
    }
    let hash = PasswordHash::of(password, random.bytes16().map_err(ChangeError::Random)?);
    change::<Users>(path, |text| {
        Ok(reread::with_entry(text, name, &hash.to_string()))
    })
}

/// Removes a user from a file.
///
/// # Errors
/// See [`ChangeError`]; the file is as it was.
pub fn remove(path: &Path, name: &str) -> Result<(), ChangeError> {
    change::<Users>(path, |text| removed(text, name))
}

/// The text without an entry that must be there.
pub(crate) fn removed(text: &str, name: &str) -> Result<String, ChangeError> {
    let new = reread::without_entry(text, name);
    match new.len() < text.len() {
        true => Ok(new),
        false => Err(ChangeError::Missing(name.to_owned())),
    }
}

/// Changes a file that is sound before and after.
pub(crate) fn change<T: FromText>(
    path: &Path,
    change: impl FnOnce(&str) -> Result<String, ChangeError>,
) -> Result<(), ChangeError> {
    let text = match reread::text(path) {
        Err(FileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            String::new()
        }
        read => read?,
    };
    let sound = |text: &str| {
        T::from_text(text).map_err(|(line, reason)| FileError::Line {
            path: path.to_owned(),
            line,
            reason,
        })
    };
    sound(&text)?;
    let new = change(&text)?;
    sound(&new)?;
    Ok(reread::replace(path, &new)?)
}

#[cfg(test)]
mod tests;
