//! Logging in to the console by a real provider of OpenID Connect (npm's oidc-provider): who comes back,
//! with which roles, and who does not.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use limpid_interop::lab::Lab;
use limpid_interop::peer::{Kind, Peer};
use limpid_interop::process::{Daemon, run, wait_for};
use limpid_interop::tools::{Tools, helpers};
use limpid_interop::{http, ports};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);
const GRANTS: &str = "Group:sre=operator;Group:dev=viewer";

/// See the module's words.
pub fn people_log_in_by_a_provider(lab: &mut Lab) -> Result<()> {
    let limpid @ Kind::Limpid(_) = lab.kind().clone() else {
        return Ok(());
    };
    let folder = lab.folder("oidc")?;
    for in_token in [true, false] {
        let folder = folder.join(if in_token { "token" } else { "userinfo" });
        let port = ports::next()?;
        let provider = format!("http://127.0.0.1:{port}");
        let console = console(&lab.tools, &limpid, &folder, &provider, "hunter2-oidc")?;
        let _provider = start(&lab.tools, &folder, port, &console, in_token)?;
        roles_are_those_of_groups(&console, &provider)?;
        if in_token {
            refusals_name_their_cause(lab, &limpid, &folder)?;
        }
    }
    Ok(())
}

/// Another secret than the provider has, and a provider that is not there.
fn refusals_name_their_cause(lab: &Lab, limpid: &Kind, folder: &Path) -> Result<()> {
    let port = ports::next()?;
    let provider = format!("http://127.0.0.1:{port}");
    let folder = folder.join("wrong");
    let console = console(&lab.tools, limpid, &folder, &provider, "x")?;
    let away = http::get(&console.http_address(), "/login/oidc");
    let away = away
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    ensure!(away.contains("502") && away.contains(&provider), "{away}");
    let _provider = start(&lab.tools, &folder, port, &console, true)?;
    // A failure is remembered for some seconds.
    let seen = wait_for("the provider to be asked again", LIMIT, || {
        let seen = log_in(&console, &provider, "alice")?;
        Ok((seen["status"] != 502).then_some(seen))
    })?;
    ensure!(seen["status"] == 403, "{seen}");
    ensure!(
        says(&seen, "the provider refuses: invalid_client"),
        "{seen}"
    );
    Ok(())
}

fn roles_are_those_of_groups(console: &Peer, provider: &str) -> Result<()> {
    let alice = log_in(console, provider, "alice")?;
    ensure!(
        says_in(&alice, "login", "Log in by 127.0.0.1"),
        "no way in: {alice}"
    );
    ensure!(alice["status"] == 200 && says(&alice, "alice"), "{alice}");
    let url = alice["url"].as_str().unwrap_or_default();
    ensure!(url.ends_with("/c/local/topics"), "led to {url}");
    ensure!(alice["again"] == 400 && alice["other"] == 400, "{alice}");
    let bob = log_in(console, provider, "bob")?;
    ensure!(bob["status"] == 200 && says(&bob, "bob"), "{bob}");
    let eve = log_in(console, provider, "eve")?;
    ensure!(
        eve["status"] == 403 && says(&eve, "nothing is granted"),
        "{eve}"
    );
    let nobody = log_in(console, provider, "nobody")?;
    ensure!(nobody["status"] == 403, "{nobody}");
    ensure!(
        says(&nobody, "access_denied turned away at the door"),
        "{nobody}"
    );
    Ok(())
}

fn says(seen: &Value, words: &str) -> bool {
    says_in(seen, "body", words)
}

fn says_in(seen: &Value, part: &str, words: &str) -> bool {
    seen[part].as_str().is_some_and(|text| text.contains(words))
}

/// A broker whose console knows the provider, which need not be there yet.
fn console(
    tools: &Tools,
    kind: &Kind,
    folder: &Path,
    provider: &str,
    secret: &str,
) -> Result<Peer> {
    let settings = [
        ("limpid.http.oidc.issuer", provider),
        ("limpid.http.oidc.client.id", "limpid"),
        ("limpid.http.oidc.client.secret", secret),
        ("limpid.http.public.paths", "/metrics"),
        ("limpid.http.grants", GRANTS),
    ];
    Peer::start_new(kind.clone(), tools, folder, &settings)
}

fn start(
    tools: &Tools,
    folder: &Path,
    port: u16,
    console: &Peer,
    in_token: bool,
) -> Result<Daemon> {
    let mut node = tools.node()?;
    node.arg(helpers().join("node/oidc.js"))
        .arg(port.to_string());
    node.arg(format!(
        "http://{}/login/oidc/callback",
        console.http_address()
    ));
    node.env("CLAIMS_IN_TOKEN", if in_token { "1" } else { "0" });
    let daemon = Daemon::spawn("oidc-provider", &mut node, &folder.join("provider.log"))?;
    wait_for("the provider", LIMIT, || {
        let address = format!("127.0.0.1:{port}");
        Ok(http::get(&address, "/.well-known/openid-configuration").ok())
    })?;
    Ok(daemon)
}

fn log_in(console: &Peer, provider: &str, name: &str) -> Result<Value> {
    let mut python = Command::new("python3");
    python.arg(helpers().join("python/oidc.py"));
    python.arg(format!("http://{}", console.http_address()));
    python.args([provider, name]);
    let said = run(&mut python, b"", LIMIT)?.success()?.text();
    Ok(serde_json::from_str(&said)?)
}
