//! The console in a real Chromium, over the demo: both themes, with and without JavaScript. The
//! pages hold the demo's topics, groups and numbers, and with JavaScript they move.
//!
//! With `LIMPID_BLESS=1` the pictures of the README are made anew, after a few minutes of demo.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use limpid_interop::chromium::{Chromium, Look, Tab};
use limpid_interop::counted::{Counted, GROUP};
use limpid_interop::lab::Lab;
use limpid_interop::peer::Kind;
use limpid_interop::process::{Daemon, pause, run, wait_for};
use limpid_interop::{http, ports};
use serde_json::Value;

/// What is known of a page's stream.
const STREAM_STATE: &str = "JSON.stringify({visible: document.visibilityState, htmx: typeof htmx, \
     stream: Object.keys(document.getElementById('stream')?._htmx ?? {}), \
     status: document.getElementById('stream')?._htmx?.sse?.status, \
     attempt: document.getElementById('stream')?._htmx?.sse?.attempt, \
     loaded: performance.getEntriesByType('resource').map(r => [r.name, r.responseStatus, \
     Math.round(r.startTime), Math.round(r.duration)]), now: Math.round(performance.now())})";
const LIMIT: Duration = Duration::from_secs(60);
/// How long the demo runs before its picture is taken for the README.
const PICTURE_AFTER: Duration = Duration::from_secs(400);
/// A picture in the README.
const PICTURE_BYTES_MAX: usize = 300 * 1024;
const TOPICS: [&str; 3] = [
    "demo.logs.checkout",
    "demo.logs.payments",
    "demo.logs.search",
];
const SLOW: &str = "demo.archiver";
const HEALTHY: &str = "demo.indexer";
const LOOKS: [Look; 4] = [
    Look {
        dark: false,
        scripts: true,
    },
    Look {
        dark: true,
        scripts: true,
    },
    Look {
        dark: false,
        scripts: false,
    },
    Look {
        dark: true,
        scripts: false,
    },
];

/// The demo and where its pages are.
struct Shown {
    demo: Daemon,
    limpid: PathBuf,
    kafka: String,
    http: String,
}

impl Shown {
    fn start(lab: &Lab) -> Result<Option<Self>> {
        let Kind::Limpid(program) = lab.kind() else {
            return Ok(None);
        };
        let folder = lab.folder("demo")?;
        let (kafka, http) = (ports::next()?, ports::next()?);
        let mut demo = std::process::Command::new(program);
        demo.current_dir(&folder).arg("demo");
        demo.args([
            "--port",
            &kafka.to_string(),
            "--http-port",
            &http.to_string(),
        ]);
        let demo = Daemon::spawn("the demo", &mut demo, &folder.join("log"))?;
        let mut shown = Self {
            demo,
            limpid: program.clone(),
            kafka: format!("127.0.0.1:{kafka}"),
            http: format!("127.0.0.1:{http}"),
        };
        wait_for("the slow group behind", LIMIT, || {
            shown.demo.check_alive()?;
            let Ok(groups) = shown.json("groups") else {
                return Ok(None);
            };
            let all = groups["groups"].as_array().context("no list of groups")?;
            let known = |id: &str| {
                all.iter()
                    .any(|g| g["id"] == id && g["lag_records"].is_u64())
            };
            Ok((known(SLOW) && known(HEALTHY)).then_some(()))
        })?;
        Ok(Some(shown))
    }

    /// A page as JSON.
    fn json(&self, page: &str) -> Result<Value> {
        let path = format!("/c/local/{page}?format=json");
        Ok(serde_json::from_str(&http::get(&self.http, &path)?)?)
    }

    fn url(&self, page: &str) -> String {
        format!("http://{}/c/local/{page}", self.http)
    }

    /// Waits until the lag of the counting group is `lag`.
    fn knows(&self, lag: u64) -> Result<()> {
        wait_for(&format!("a lag of {lag}"), LIMIT, || {
            let group = self.json(&format!("groups/{GROUP}"));
            Ok(group.is_ok_and(|g| g["lag_records"] == lag).then_some(()))
        })
    }

    fn limpid(&self, arguments: &[&str]) -> Result<(i32, String)> {
        let mut command = std::process::Command::new(&self.limpid);
        command.args(arguments);
        command.args(["--url", &format!("http://{}", self.http)]);
        let ended = run(&mut command, b"", LIMIT)?;
        Ok((ended.status.code().context("no code")?, ended.text()))
    }
}

/// Every page in every look, the numbers compared with the JSON of the same moment.
pub fn chromium_shows_the_demo(lab: &mut Lab) -> Result<()> {
    let Some(shown) = Shown::start(lab)? else {
        return Ok(());
    };
    let began = Instant::now();
    let mut counted = Counted::create(&shown.kafka)?;
    counted.write(500)?;
    counted.commit(120)?;
    let mut chromium = Chromium::start(&lab.tools.chromium()?, &lab.folder("chromium")?)?;
    for look in LOOKS {
        whole_pages(&mut chromium, &shown, look).with_context(|| format!("{look:?}"))?;
        live_or_not(&mut chromium, &shown, &mut counted, look)
            .with_context(|| format!("{look:?}"))?;
    }
    let complaints = chromium.complaints();
    ensure!(
        complaints.is_empty(),
        "the pages' console says {complaints:?}"
    );
    the_shell_says_the_same(&shown)?;
    counted.remove()?;
    pictures(&mut chromium, &shown, began)
}

fn whole_pages(chromium: &mut Chromium, shown: &Shown, look: Look) -> Result<()> {
    let overview = chromium.open(&shown.url(""), look)?;
    let dark = chromium.evaluate(
        &overview,
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).every(n => n < 128)",
    )?;
    ensure!(
        dark == Value::Bool(look.dark),
        "the background is of the other theme"
    );
    let text = chromium.text(&overview, "main")?;
    for word in TOPICS
        .iter()
        .chain([&SLOW, &HEALTHY, &"Produce", &"request_memory"])
    {
        ensure!(text.contains(word), "no {word} on the overview:\n{text}");
    }
    let charts = chromium.evaluate(&overview, "document.querySelectorAll('svg title').length")?;
    ensure!(charts.as_u64() >= Some(8), "{charts} charts with a title");
    chromium.close(overview)?;
    for (page, words) in [
        ("topics", TOPICS.as_slice()),
        ("groups", &[SLOW, HEALTHY]),
        (
            "topics/demo.logs.checkout",
            &[HEALTHY, "Partitions", "first offset"],
        ),
        (
            "topics/demo.logs.checkout/messages",
            &["partition", "headers"],
        ),
        (
            "groups/demo.archiver",
            &["demo.logs.search", "Members", "records behind"],
        ),
    ] {
        let tab = chromium.open(&shown.url(page), look)?;
        let text = chromium.text(&tab, "main")?;
        for word in words {
            ensure!(text.contains(word), "no {word} on {page}:\n{text}");
        }
        chromium.close(tab)?;
    }
    let topic = shown.json("topics/demo.logs.checkout")?;
    ensure!(
        topic["partition_count"] == 6,
        "the demo makes six partitions: {topic}"
    );
    Ok(())
}

/// The page of a group shows the lag that the test made, and follows it by itself exactly when there
/// is JavaScript.
fn live_or_not(
    chromium: &mut Chromium,
    shown: &Shown,
    counted: &mut Counted,
    look: Look,
) -> Result<()> {
    let at_first = counted.lag();
    shown.knows(at_first)?;
    let tab = chromium.open(&shown.url(&format!("groups/{GROUP}")), look)?;
    let lag = shown_lag(chromium, &tab)?;
    ensure!(lag == at_first, "the page shows {lag}, not {at_first}");
    counted.write(7)?;
    if look.scripts {
        follows(chromium, &tab, "seven more on the page", |chromium| {
            Ok(shown_lag(chromium, &tab)? == at_first + 7)
        })?;
        let word = chromium.text(&tab, "#live")?;
        ensure!(word == "live", "the page says {word:?}");
    } else {
        shown.knows(at_first + 7)?;
        pause(Duration::from_secs(3));
        let lag = shown_lag(chromium, &tab)?;
        ensure!(lag == at_first, "the page moves without JavaScript");
    }
    chromium.close(tab)
}

/// Waits until a page shows what it should. One that doesn't tells what it knows of its stream: so it
/// was found that htmx had begun before its extension was there.
fn follows(
    chromium: &mut Chromium,
    tab: &Tab,
    what: &str,
    mut shows: impl FnMut(&mut Chromium) -> Result<bool>,
) -> Result<()> {
    wait_for(what, LIMIT, || Ok(shows(chromium)?.then_some(()))).or_else(|error| {
        let state = chromium.evaluate(tab, STREAM_STATE)?;
        Err(error.context(format!("the page's stream: {state}")))
    })
}

/// The number under "Records behind".
fn shown_lag(chromium: &mut Chromium, tab: &Tab) -> Result<u64> {
    let text = chromium.text(tab, "#graphs .graph:first-child .big")?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits
        .parse()
        .with_context(|| format!("no number: {text:?}"))
}

fn the_shell_says_the_same(shown: &Shown) -> Result<()> {
    let (code, text) = shown.limpid(&["status"])?;
    ensure!(
        text.contains(SLOW) && code < 2,
        "limpid status ended with {code}:\n{text}"
    );
    let (code, text) = shown.limpid(&["why", SLOW])?;
    ensure!(
        text.starts_with(SLOW) && code < 2,
        "limpid why ended with {code}:\n{text}"
    );
    let (code, text) = shown.limpid(&["why", "demo.none"])?;
    ensure!(
        code == 3,
        "limpid why of no group ended with {code}:\n{text}"
    );
    Ok(())
}

/// A page that says that it is live.
fn live_page(chromium: &mut Chromium, url: &str, dark: bool) -> Result<Tab> {
    let look = Look {
        dark,
        scripts: true,
    };
    let tab = chromium.open(url, look)?;
    follows(chromium, &tab, "a live page", |chromium| {
        Ok(chromium.text(&tab, "#live")? == "live")
    })?;
    Ok(tab)
}

/// The README's pictures are small; with `LIMPID_BLESS` they are these.
fn pictures(chromium: &mut Chromium, shown: &Shown, began: Instant) -> Result<()> {
    let bless = std::env::var_os("LIMPID_BLESS").is_some();
    if bless {
        pause(PICTURE_AFTER.saturating_sub(began.elapsed()));
    }
    let docs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, page, dark) in [
        ("console-light.png", "", false),
        ("console-dark.png", "", true),
        ("console-group.png", "groups/demo.archiver", false),
    ] {
        let tab = live_page(chromium, &shown.url(page), dark)?;
        let png = chromium.picture(&tab)?;
        if png.len() > PICTURE_BYTES_MAX {
            bail!("{name} has {} bytes", png.len());
        }
        if bless {
            std::fs::write(docs.join(name), png)?;
        }
        chromium.close(tab)?;
    }
    Ok(())
}
