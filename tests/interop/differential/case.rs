//! A case: one request in whatever version it can be expressed.

use anyhow::Result;
use limpid_protocol::ApiKey;
use limpid_protocol::codec::Request;

use super::side::{Reply, Side};
use super::walk::{Fields, fields};

/// What came of a case on one side.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// The request does not exist in this version.
    Inexpressible,
    /// The connection was closed.
    Closed,
    /// An answer.
    Answer(Fields),
}

impl Outcome {
    /// For reports on two outcomes of which one is no answer.
    pub fn in_short(&self) -> String {
        match self {
            Self::Answer(fields) => {
                let codes = fields
                    .iter()
                    .filter(|(path, _)| path.ends_with("error_code"));
                format!("an answer with {:?}", codes.collect::<Vec<_>>())
            }
            other => format!("{other:?}"),
        }
    }
}

type Ask = Box<dyn Fn(&mut Side, i16, i16) -> Result<Outcome>>;

/// A request to be compared.
pub struct Case {
    /// The API it is for.
    pub api: ApiKey,
    /// What it is about.
    pub name: &'static str,
    /// Sends it: to a side, in a version, as the case of the version under test (the two differ
    /// where Kafka doesn't know the version under test).
    pub ask: Ask,
}

/// A case made of one typed request; `build` gets the side and the version under test.
pub fn case<R: Request + 'static>(
    name: &'static str,
    build: impl Fn(&Side, i16) -> R + 'static,
) -> Case
where
    R::Response: std::fmt::Debug,
{
    let ask: Ask = Box::new(move |side, version, tested| {
        let request = build(side, tested);
        Ok(match side.ask(&request, version)? {
            Reply::Inexpressible => Outcome::Inexpressible,
            Reply::Closed => Outcome::Closed,
            Reply::Answer(answer) => Outcome::Answer(fields(&answer, side)),
        })
    });
    Case {
        api: R::KEY,
        name,
        ask,
    }
}

/// A case that is a conversation of its own; `talk` gets the version to use and the one under
/// test, and its result is what is compared.
pub fn talk(
    api: ApiKey,
    name: &'static str,
    talk: impl Fn(&mut Side, i16, i16) -> Result<Outcome> + 'static,
) -> Case {
    Case {
        api,
        name,
        ask: Box::new(talk),
    }
}
