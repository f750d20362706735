//! What a scrape asks for: `/metrics?dialect=NAME` and `collect[]=FAMILY`.

use std::collections::BTreeSet;

use crate::dialects::{self, UnknownDialect};

/// Most families that a scrape can name; the others are not shown.
const FAMILIES_MAX: usize = 256;

/// Which part of the page is wanted. The default is what the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Dialects by name, [`dialects::OWN`] for our own families; empty when nothing was said.
    dialects: BTreeSet<&'static str>,
    /// Names of families; empty for all of them.
    families: BTreeSet<String>,
}

impl Selection {
    /// Reads the parameters of a query. A dialect can be repeated, or be a list with commas; what
    /// other parameters there are is not ours.
    ///
    /// # Errors
    /// A dialect that does not exist.
    pub fn of<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, UnknownDialect> {
        let mut selection = Selection::default();
        for (name, value) in parameters {
            match name {
                "dialect" => {
                    for word in value.split(',').map(str::trim) {
                        selection.dialects.extend(dialects::named(word)?);
                    }
                }
                "collect[]" if selection.families.len() < FAMILIES_MAX => {
                    selection.families.insert(value.to_owned());
                }
                _ => {}
            }
        }
        Ok(selection)
    }

    /// Whether a dialect is on the page; `on` is what the configuration says about it.
    pub(crate) fn speaks(&self, dialect: &str, on: bool) -> bool {
        match self.dialects.is_empty() {
            true => on,
            false => self.dialects.contains(dialect),
        }
    }

    /// Whether our own families are on the page.
    pub(crate) fn own(&self) -> bool {
        self.speaks(dialects::OWN, true)
    }

    /// Whether a family is wanted.
    pub(crate) fn wants(&self, family: &str) -> bool {
        self.families.is_empty() || self.families.contains(family)
    }
}

#[cfg(test)]
mod tests;
