//! Writes made-up messages, one a line: name, version, bytes in hex.
//!
//! `CheckMessages.java` beside this file reads them with Apache Kafka's own classes:
//!
//! ```sh
//! cargo run -p limpid-protocol --features testing --example made_up_messages -- FILE
//! java -cp KAFKA_LIBS/'*' crates/protocol/examples/CheckMessages.java FILE
//! ```

use std::fs::File;
use std::io::{BufWriter, Error, Write};

use bytes::BytesMut;
use limpid_protocol::messages::*;
use limpid_protocol::{Message, Reader};

/// Made-up messages per version.
const SEEDS: std::ops::Range<u64> = 0..30;

fn write<M: Message>(out: &mut impl Write) -> Result<(), Error> {
    for version in M::MIN_VERSION..=M::MAX_VERSION {
        for seed in SEEDS {
            let message = M::decode(&mut Reader::arbitrary(seed), version).map_err(Error::other)?;
            let mut frame = BytesMut::new();
            message.encode(&mut frame, version).map_err(Error::other)?;
            writeln!(out, "{} {version} {frame:x}", M::NAME)?;
        }
    }
    Ok(())
}

macro_rules! write_all {
    ($($message:ident,)*) => {
        fn write_all(out: &mut impl Write) -> Result<(), Error> {
            $(write::<$message>(out)?;)*
            Ok(())
        }
    };
}

limpid_protocol::for_each_message!(write_all);

fn main() -> Result<(), Error> {
    let path = std::env::args_os()
        .nth(1)
        .ok_or_else(|| Error::other("no file named"))?;
    let mut out = BufWriter::new(File::create(path)?);
    write_all(&mut out)?;
    out.flush()
}
