//! kcat, the command line over librdkafka.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::process::{Finished, run};
use limpid_interop::records::{CODECS, Received, Record, by_key, compare};

const LIMIT: Duration = Duration::from_secs(30);
const PARTITIONS: usize = 2;

fn kcat(lab: &mut Lab, args: &[&str], input: &[u8]) -> Result<Finished> {
    let address = lab.address()?;
    let mut command = lab.tools.kcat()?;
    run(command.args(["-b", &address]).args(args), input, LIMIT)?.success()
}

/// `-L` shows the broker, the controller and every topic with its partitions.
pub fn lists(lab: &mut Lab) -> Result<()> {
    lab.create_topic("kcat-listed", 4)?;
    let listing = kcat(lab, &["-L"], b"")?.text();
    let broker = format!("broker 1 at {} (controller)", lab.address()?);
    ensure!(listing.contains(&broker), "no {broker:?} in\n{listing}");
    let topic = "topic \"kcat-listed\" with 4 partitions:";
    ensure!(listing.contains(topic), "no {topic:?} in\n{listing}");
    for partition in 0..4 {
        let line = format!("partition {partition}, leader 1, replicas: 1, isrs: 1");
        ensure!(
            listing.matches(&line).count() > 0,
            "no {line:?} in\n{listing}"
        );
    }
    let one = kcat(lab, &["-L", "-t", "kcat-absent"], b"")?.text();
    ensure!(
        one.contains("Unknown topic or partition"),
        "an absent topic is not reported:\n{one}"
    );
    Ok(())
}

/// `-P` with keys, headers and each codec.
pub fn writes_with_every_codec(lab: &mut Lab) -> Result<()> {
    for codec in CODECS {
        let topic = format!("kcat-{codec}");
        lab.create_topic(&topic, i32::try_from(PARTITIONS)?)?;
        let headers = vec![
            ("first".to_owned(), Some(b"1".to_vec())),
            ("twice".to_owned(), Some(b"a".to_vec())),
            ("twice".to_owned(), Some(b"b".to_vec())),
        ];
        let records: Vec<Record> = (0..300)
            .map(|n| Record {
                headers: headers.clone(),
                ..Record::new(
                    format!("key{n}").as_bytes(),
                    format!("value {n}").as_bytes(),
                )
            })
            .collect();
        let input: Vec<u8> = records
            .iter()
            .flat_map(|record| {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                [
                    key.unwrap_or_default(),
                    b"\x01",
                    value.unwrap_or_default(),
                    b"\x02",
                ]
                .concat()
            })
            .collect();
        let args = [
            "-P",
            "-t",
            &topic,
            "-z",
            codec,
            "-K",
            "\x01",
            "-D",
            "\x02",
            "-H",
            "first=1",
            "-H",
            "twice=a",
            "-H",
            "twice=b",
            "-X",
            "partitioner=murmur2_random",
        ];
        kcat(lab, &args, &input)?;
        lab.wrote(&topic, by_key(&records, PARTITIONS))?;
    }
    Ok(())
}

/// `-C` reads what every client wrote.
pub fn reads_everything(lab: &mut Lab) -> Result<()> {
    let ledger = lab.ledger().clone();
    ensure!(!ledger.is_empty(), "nothing was written before");
    for (topic, written) in &ledger {
        let mut received = Received::new();
        // Lengths first, so that keys and values may hold any byte.
        let format = "%p %o %K %S\n%k%s%h\n";
        let args = [
            "-C",
            "-t",
            topic,
            "-o",
            "beginning",
            "-e",
            "-q",
            "-f",
            format,
        ];
        let output = kcat(lab, &args, b"")?.stdout;
        parse(&output, &mut received).with_context(|| format!("reading {topic}"))?;
        compare(topic, written, &received)?;
    }
    Ok(())
}

fn parse(mut output: &[u8], received: &mut Received) -> Result<()> {
    while !output.is_empty() {
        let numbers = std::str::from_utf8(until_line_end(&mut output)?)?;
        let numbers: Vec<i64> = numbers
            .split(' ')
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [partition, offset, key, value] = numbers[..] else {
            bail!("line {numbers:?}")
        };
        let record = Record {
            key: take(&mut output, key)?,
            value: take(&mut output, value)?,
            headers: headers(until_line_end(&mut output)?)?,
        };
        received
            .entry(i32::try_from(partition)?)
            .or_default()
            .push((offset, record));
    }
    Ok(())
}

/// The bytes up to the next line end, which is dropped.
fn until_line_end<'a>(output: &mut &'a [u8]) -> Result<&'a [u8]> {
    let end = output
        .iter()
        .position(|byte| *byte == b'\n')
        .context("no line end")?;
    let line = &output[..end];
    *output = &output[end + 1..];
    Ok(line)
}

/// A field of the given length; -1 means null.
fn take(output: &mut &[u8], length: i64) -> Result<Option<Vec<u8>>> {
    let Ok(length) = usize::try_from(length) else {
        return Ok(None);
    };
    let (field, rest) = output
        .split_at_checked(length)
        .context("a field is cut off")?;
    *output = rest;
    Ok(Some(field.to_vec()))
}

/// `name=value,name=value`, where the text NULL stands for null.
fn headers(text: &[u8]) -> Result<Vec<(String, Option<Vec<u8>>)>> {
    let pairs = text
        .split(|byte| *byte == b',')
        .filter(|pair| !pair.is_empty());
    let parsed = pairs.map(|pair| {
        let equals = pair
            .iter()
            .position(|byte| *byte == b'=')
            .context("no = in a header")?;
        let value = &pair[equals + 1..];
        let value = (value != b"NULL").then(|| value.to_vec());
        Ok((String::from_utf8(pair[..equals].to_vec())?, value))
    });
    parsed.collect()
}
